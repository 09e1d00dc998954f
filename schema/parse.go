package schema

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// A description describes a node without a Go type: a Field, or a column in JSON.
type description[D any] interface {
	describe() (Field, error) // without the children; the error lists what the Field cannot hold
	inner() []D
}

// parse makes nodes of descriptions, and checks that Of could have made them.
type parse struct {
	errs   []error
	ids    map[int]string // the paths that have them
	count  int
	number bool // nodes without an id get one later
}

// nodes returns the nodes of in, which may contain itself: it goes no deeper than a schema.
func nodes[D description[D]](p *parse, in []D, parent *Node, depth int) []*Node {
	if depth > maxDepth {
		p.fail(fmt.Errorf("columns are nested more than %d deep", maxDepth))
		return nil
	}
	found := make([]*Node, 0, min(len(in), maxNodes))
	names := make(map[string]bool)
	for _, d := range in {
		if p.count++; p.count > maxNodes {
			if p.count == maxNodes+1 {
				p.fail(fmt.Errorf("there are more than %d columns", maxNodes))
			}
			break
		}
		f, err := d.describe()
		n := &Node{name: f.Name, id: f.ID, typ: f.Type, nullable: f.Nullable, hints: f.Hints, parent: parent}
		inner := d.inner()
		if err = errors.Join(err, p.check(n)); err == nil {
			var names []Field
			for i := range min(len(inner), 3) { // of more, the number is wrong
				child, _ := inner[i].describe() // its error comes below
				names = append(names, child)
			}
			err = checkChildren(n.typ.Kind, names)
		}
		if names[fold(n.name)] {
			err = errors.Join(err, errors.New("there is another of the same name, but for upper and lower case"))
		}
		if err != nil {
			p.fail(fmt.Errorf("column %.200q: %w", n.PathString(), err))
		}
		names[fold(n.name)] = true
		n.children = nodes(p, inner, n, depth+1)
		found = append(found, n)
	}
	return found
}

func (p *parse) fail(err error) {
	if len(p.errs) < 100 { // enough to begin with
		p.errs = append(p.errs, err)
	}
}

// check returns what is wrong with a node, not looking at its children.
func (p *parse) check(n *Node) error {
	var errs []error
	if n.typ.Kind != 0 || p.number { // of JSON, the error is there already
		errs = append(errs, n.typ.validate())
	}
	if n.name == "" || !utf8.ValidString(n.name) {
		errs = append(errs, errors.New("the name is empty or not UTF-8"))
	}
	if n.id < 1 && (n.id != 0 || !p.number) || n.id > maxID {
		errs = append(errs, fmt.Errorf("the field id is 1 to %d, not %d", maxID, n.id))
	} else if n.id != 0 {
		if other, ok := p.ids[n.id]; ok {
			errs = append(errs, fmt.Errorf("there is another of field id %d, %.200q", n.id, other))
		}
		p.ids[n.id] = n.PathString()
	}
	_, repetition := n.MaxLevels()
	switch {
	case n.typ.Kind == 0:
	case !n.typ.Kind.IsLeaf() && n.hints != Hints{}:
		errs = append(errs, fmt.Errorf("hints are for single values, not for a %s", n.typ.Kind))
	case n.typ.Kind.IsLeaf():
		errs = append(errs, n.hints.check(n.typ.Kind, repetition > 0))
	}
	return errors.Join(errs...)
}

// checkChildren returns an error if a node of kind k cannot have these below it.
func checkChildren(k Kind, in []Field) error {
	switch k {
	case List:
		if len(in) != 1 || in[0].Name != "element" {
			return errors.New(`a list cannot have these columns: it has one, called "element"`)
		}
	case Map:
		if len(in) != 2 || in[0].Name != "key" || in[0].Nullable || in[1].Name != "value" {
			return errors.New(`a map cannot have these columns: it has two, called "key", which is never null, and "value"`)
		}
	case Struct:
		if len(in) == 0 {
			return errors.New("a struct cannot have no columns: it has at least one")
		}
	default:
		if len(in) > 0 {
			return fmt.Errorf("a %s cannot have columns: leave them out", k)
		}
	}
	return nil
}
