package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// Schema describes the rows of a type: columns, some of them nested. It never changes, and is safe for concurrent use;
// only UnmarshalJSON sets it.
type Schema struct {
	columns []*Node
	leaves  []*Node
	source  *gosource.Rows
}

// Of returns the schema of T, which is a struct or a pointer to one. It does not look at T's values.
//
// The error lists all problems of the type, each with its path in Go and its fix. Of never panics.
func Of[T any](opts ...Option) (*Schema, error) { return of(reflect.TypeFor[T](), opts) }

// OfType is Of for a type that is known at run time only: columns.Compile[any] returns a plan for it.
func OfType(t reflect.Type, opts ...Option) (*Schema, error) { return of(t, opts) }

func of(t reflect.Type, opts []Option) (*Schema, error) {
	if t == nil {
		return nil, errors.New("schema: there is no type: the type of a nil interface is nil")
	}
	o, err := newOptions(opts)
	if err != nil {
		return nil, fmt.Errorf("schema of %.200s: %w", t, err)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType {
		return nil, fmt.Errorf("schema: a row is a struct or a pointer to one, not %.200s: put it into a struct as a field", t)
	}
	w := &walk{opts: o, within: []reflect.Type{t}, ids: make(map[int]string)}
	name, _, _ := strings.Cut(t.Name(), "[")
	if name == "" {
		name = "struct"
	}
	s := &Schema{source: &gosource.Rows{Type: t}}
	s.columns = w.structure(t, name, "", "", AnyCodec)
	s.number(w.ids)
	w.checkOptions()
	s.columns = w.order(s.columns)
	if err := w.problems(); err != nil {
		return nil, fmt.Errorf("schema of %.200s: %w", t, err)
	}
	s.findLeaves()
	return s, nil
}

// number gives ids to the nodes that have none from their tags, in declaration order, each before what is below it.
func (s *Schema) number(taken map[int]string) {
	id := 0
	for n := range allOf(s.columns) {
		if n.id != 0 {
			continue
		}
		for id++; taken[id] != ""; id++ {
		}
		n.id = id
	}
}

// checkOptions refuses the options that concern no column.
func (w *walk) checkOptions() {
	for _, path := range sortedKeys(w.opts.exclude) {
		if !w.opts.exclude[path] {
			w.fail("Exclude", fmt.Errorf("there is no column %q: leave it out", path))
		}
	}
	for _, path := range sortedKeys(w.opts.asJSON) {
		if !w.opts.asJSON[path] {
			w.fail("AsJSON", fmt.Errorf("there is no column %q, nor a part of one: leave it out", path))
		}
	}
	for _, path := range sortedKeys(w.opts.rename) {
		if !w.opts.renamed[path] {
			w.fail("Rename", fmt.Errorf("there is no column %q, nor a field of a nested struct: leave it out", path))
		}
	}
}

// order returns the columns in the order of the option.
func (w *walk) order(columns []*Node) []*Node {
	var first []*Node
	for _, name := range w.opts.order {
		i := slices.IndexFunc(columns, func(n *Node) bool { return n.name == name })
		switch {
		case i >= 0 && slices.Contains(first, columns[i]):
			w.fail("Order", fmt.Errorf("column %q comes twice: leave one out", name))
		case i >= 0:
			first = append(first, columns[i])
		case len(w.errs) == 0: // otherwise it may have been refused
			w.fail("Order", fmt.Errorf("there is no column %q: leave it out", name))
		}
	}
	for _, n := range columns {
		if !slices.Contains(first, n) {
			first = append(first, n)
		}
	}
	return first
}

func (s *Schema) findLeaves() {
	s.leaves = nil
	for n := range allOf(s.columns) {
		if n.Kind().IsLeaf() {
			s.leaves = append(s.leaves, n)
		}
	}
}

// Source returns where rows are in Go's memory. It is for package columns alone, which makes plans of it.
func (s *Schema) Source() *gosource.Rows { return s.source }

// Columns returns the columns in their order.
func (s *Schema) Columns() []*Node { return slices.Clone(s.columns) }

// Names returns the names of the columns in their order.
func (s *Schema) Names() []string {
	names := make([]string, len(s.columns))
	for i, n := range s.columns {
		names[i] = n.Name()
	}
	return names
}

// Leaves returns all nodes that have values of their own, those of nested columns too, in the order that Columns of the
// schema have them.
func (s *Schema) Leaves() []*Node { return slices.Clone(s.leaves) }

// Find returns the node at a path of names, or nil.
func (s *Schema) Find(path ...string) *Node {
	var found *Node
	nodes := s.columns
	for _, name := range path {
		i := slices.IndexFunc(nodes, func(n *Node) bool { return n.name == name })
		if i < 0 {
			return nil
		}
		found, nodes = nodes[i], nodes[i].children
	}
	return found
}

// SortedBy returns the leaves that rows are sorted by, the first before the others.
func (s *Schema) SortedBy() []*Node {
	return slices.DeleteFunc(s.Leaves(), func(n *Node) bool { return n.hints.Sort == Unsorted })
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

var errNoColumns = errors.New("a schema has at least one column")
