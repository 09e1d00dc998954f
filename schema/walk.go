package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// Nobody queries a table of more columns or levels. The limits keep a hostile type from filling the memory, and let a level
// fit into a byte.
const (
	maxNodes = 10_000
	maxDepth = 64
)

// A walk goes through a Go type and makes nodes of it.
type walk struct {
	opts   *options
	errs   []error
	within []reflect.Type // the types around, each of which would contain itself if it came again

	nodes, embedded int
	ids             map[int]string // those that tags ask for, by whom
}

// refuse adds an error. It returns nil in place of the node.
func (w *walk) refuse(at, format string, args ...any) *Node {
	return w.fail(at, fmt.Errorf(format, args...))
}

func (w *walk) fail(at string, err error) *Node {
	if len(w.errs) < 100 { // enough to begin with
		w.errs = append(w.errs, fmt.Errorf("%s: %w", at, err))
	}
	return nil
}

// structure returns the nodes of a struct's fields, nil for those that were refused. path is that of the struct in the
// schema, with a dot behind, or empty, and field that of the field that it is in.
func (w *walk) structure(t reflect.Type, at, path, field string, inherit Codec) []*Node {
	var nodes []*Node
	found := make(map[string]string) // Go paths by folded name
	fields, excluded := w.fieldsOf(t, at), 0
	for _, f := range fields {
		path := path + f.name
		if _, ok := w.opts.exclude[path]; ok {
			w.opts.exclude[path] = true
			excluded++
			continue
		}
		if name, ok := w.opts.rename[path]; ok {
			f.name, w.opts.renamed[path] = name, true
		}
		w.checkName(f.name, f.at)
		if other, ok := found[fold(f.name)]; ok {
			w.refuse(f.at, "there is a column %q already but for upper and lower case, at %s, and readers do not tell them apart: "+
				"name one of them in its tag", f.name, other)
		}
		found[fold(f.name)] = f.at

		n := w.value(f.Type, place{f.at, path, f.name, path, &f.fieldTag, inherit})
		if n == nil {
			continue
		}
		n.source.Steps = append(f.steps, n.source.Steps...)
		n.nullable = n.nullable || slices.ContainsFunc(f.steps, func(s gosource.Step) bool { return s.Op != gosource.Add })
		nodes = append(nodes, n)
	}
	if len(fields) == excluded {
		wayOut := "write a struct, a string, or leave it out with a tag `parquet:\"-\"`"
		if isProto(t) {
			wayOut = "copy the message into a struct" + orExclude(field)
		}
		w.refuse(at, "%.200s has no exported fields, so no column could hold its values: %s", t, wayOut)
	}
	return nodes
}

// orJSON ends the way out for generated code that contains itself.
func orJSON(field string) string {
	if field == "" {
		return ""
	}
	return fmt.Sprintf(", make it JSON with AsJSON(%q)%s", field, orExclude(field))
}

// orExclude ends the way out for generated code, where nobody writes tags. field is empty for the row itself.
func orExclude(field string) string {
	if field == "" {
		return ""
	}
	return fmt.Sprintf(", or leave it out with Exclude(%q)", field)
}

func (w *walk) checkName(name, at string) {
	switch {
	case name == "":
		w.refuse(at, "a column needs a name: give it one in its tag")
	case !utf8.ValidString(name):
		w.refuse(at, "the column's name %q is not UTF-8: give it another in its tag", name)
	}
}

// A place is the place of a value in Go and in the schema, with the options of its tags.
type place struct {
	at, path, name string
	field          string // the path of the field of the value, as Exclude takes it
	tag            *fieldTag
	inherit        Codec // of the values, if their own tags have none
}

// inner returns the place of a part of a list or a map with the options of spec.
func (p *place) inner(at, name string, s spec) place {
	codec := p.inherit
	if p.tag.spec.hints.Codec != AnyCodec {
		codec = p.tag.spec.hints.Codec
	}
	return place{p.at + at, p.path + "." + name, name, p.field, &fieldTag{spec: s}, codec}
}

// value returns the node of a Go type, or nil if it was refused.
func (w *walk) value(t reflect.Type, p place) *Node {
	if w.nodes++; w.nodes > maxNodes {
		if w.nodes == maxNodes+1 {
			w.refuse(p.at, "there are more than %d columns: leave some out with a tag `parquet:\"-\"`", maxNodes)
		}
		return nil
	}
	if len(w.within) > maxDepth {
		return w.refuse(p.at, "types are nested more than %d deep: make one of them JSON with a tag `parquet:\",json\"`", maxDepth)
	}
	w.asJSON(&p)
	n := &Node{name: p.name, goPath: p.at, id: p.tag.spec.id}
	if n.id != 0 {
		if other, ok := w.ids[n.id]; ok {
			w.refuse(p.at, "field id %d is that of %s already: give it another", n.id, other)
		}
		w.ids[n.id] = p.at
	}
	depth := len(w.within)
	defer func() { w.within = w.within[:depth] }()
	for depth := 0; ; depth++ {
		inner, steps := w.open(t, &p.tag.spec)
		if inner == t {
			break
		}
		if depth > maxDepth {
			return w.refuse(p.at, "%.200s is nested without end, which no schema can be: leave it out with a tag `parquet:\"-\"`", t)
		}
		for _, s := range steps {
			n.nullable = n.nullable || s.Op != gosource.Add
		}
		n.source.Steps = append(n.source.Steps, steps...)
		t = inner
	}
	n.source.Type = t
	if !compound(t) || p.tag.spec.form != "" {
		return w.leaf(n, t, &p)
	}
	if slices.Contains(w.within, t) {
		if slices.ContainsFunc(w.within, isProto) {
			return w.refuse(p.at, "type %.200s contains itself, which no schema can: copy the message into a struct%s",
				t, orJSON(p.field))
		}
		return w.refuse(p.at, "type %.200s contains itself, which no schema can: leave it out with a tag `parquet:\"-\"`, "+
			"or make it JSON with a tag `parquet:\",json\"` or with AsJSON(%q)", t, p.field)
	}
	w.within = append(w.within, t)
	return w.nested(n, t, &p)
}

// asJSON has the option AsJSON do what the tag does.
func (w *walk) asJSON(p *place) {
	if _, ok := w.opts.asJSON[p.path]; !ok {
		return
	}
	w.opts.asJSON[p.path] = true
	tag := *p.tag
	if tag.spec.form != "" && tag.spec.form != "json" {
		w.refuse(p.at, "it is to be JSON by AsJSON(%q), and %q by its tag: leave one out", p.path, tag.spec.word)
	}
	tag.spec.form, tag.spec.word, tag.spec.list = "json", "json", false
	p.tag = &tag
}

// open returns the type in a pointer or a wrapper, and the steps to it. It returns t itself for other types.
func (w *walk) open(t reflect.Type, s *spec) (reflect.Type, []gosource.Step) {
	switch value, valid, null := nullFields(t); {
	case t.Kind() == reflect.Pointer:
		return t.Elem(), []gosource.Step{{Op: gosource.Deref}}
	case null:
		return value.Type, []gosource.Step{{Op: gosource.Valid, Offset: valid.Offset}, {Op: gosource.Add, Offset: value.Offset}}
	case wellKnown(t) == protoWrapper:
		value, _ := t.FieldByName("Value")
		s.required, s.emptyIsNull, s.zeroIsNull = true, false, false // what is omitted is the pointer to it
		return value.Type, []gosource.Step{{Op: gosource.Add, Offset: value.Offset}}
	}
	return unwrap(t), nil
}

// compound reports whether t has parts. A tag may still make one value of it.
func compound(t reflect.Type) bool {
	if isText(t) || t == bigIntType || t == bigRatType {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		return !isLeafStruct(t)
	case reflect.Map:
		return true
	case reflect.Slice, reflect.Array:
		return t.Elem().Kind() != reflect.Uint8
	}
	return false
}

// nested completes the node of a list, a map or a struct.
func (w *walk) nested(n *Node, t reflect.Type, p *place) *Node {
	s, tag := p.tag.spec, p.tag
	if s.list && t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
		w.refuse(p.at, "\"list\" is for slices and arrays, not for %.200s: leave it out", t)
	}
	var children []*Node
	isList := t.Kind() == reflect.Slice || t.Kind() == reflect.Array
	if s.hints.Sort != Unsorted {
		w.refuse(p.at, "rows can be sorted by single values only, not by %.200s: leave %q out", t, s.hints.Sort)
	}
	if !isList && (s.hints.Encoding != AnyEncoding || s.hints.Bloom) {
		w.refuse(p.at, "an encoding or a bloom filter is of single values, not of %.200s: put it into the tags of its fields", t)
	}
	switch t.Kind() {
	case reflect.Struct:
		n.typ.Kind = Struct
		inherit := p.inner("", "", s).inherit
		children = w.structure(t, p.at, p.path+".", p.field, inherit)
	case reflect.Map:
		n.typ.Kind = Map
		children = w.mapping(t, p)
	default:
		n.typ.Kind = List
		element := tag.element
		if element.hints.Encoding == AnyEncoding {
			element.hints.Encoding = s.hints.Encoding
		}
		element.hints.Bloom = element.hints.Bloom || s.hints.Bloom
		if t.Kind() == reflect.Array && t.Len() == 0 {
			return w.refuse(p.at, "%.200s holds no data: leave it out with a tag `parquet:\"-\"`", t)
		}
		children = []*Node{w.value(t.Elem(), p.inner("[]", "element", element))}
	}
	for _, child := range children {
		if child == nil {
			return nil // there is an error
		}
		child.parent = n
	}
	n.children = children
	w.zero(n, t, p)
	return n
}

// mapping returns the nodes of a map's keys and values.
func (w *walk) mapping(t reflect.Type, p *place) []*Node {
	key := w.value(t.Key(), p.inner("[key]", "key", p.tag.key))
	if key != nil && (key.nullable || !isKey(t.Key()) || !keepsApart(key)) {
		w.refuse(p.at+"[key]", "keys of maps are strings, integers, bools, [N]byte or have a MarshalText, unlike %.200s: "+
			"take a slice of structs", t.Key())
	}
	if key != nil {
		key.source.ReplaceInvalid = false // two keys could become one
	}
	return []*Node{key, w.value(t.Elem(), p.inner("[value]", "value", p.tag.value))}
}

// isKey reports whether keys of type t have an order that is the same at every run.
func isKey(t reflect.Type) bool {
	switch k := t.Kind(); k {
	case reflect.String, reflect.Bool:
		return true
	case reflect.Array:
		return t.Elem().Kind() == reflect.Uint8
	default:
		return (k >= reflect.Int && k <= reflect.Uint64) || isText(t) && t != timeType
	}
}

// keepsApart reports whether different keys in Go are different in the column, or are rejected.
func keepsApart(key *Node) bool {
	switch key.source.Reader {
	case gosource.ByText, gosource.ByStringer:
		return key.typ.Kind != Decimal
	case gosource.ByKind:
		return key.source.Type.Kind() != reflect.String || key.typ.Kind == String || key.typ.Kind == Bytes
	}
	return false
}

// zero makes the node nullable where nil or zero values are to be null.
func (w *walk) zero(n *Node, t reflect.Type, p *place) {
	s := &p.tag.spec
	var test *gosource.Step
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		if w.opts.nulls == NilIsNull && !s.required {
			test = &gosource.Step{Op: gosource.Nil}
		}
	case reflect.Interface:
		test = &gosource.Step{Op: gosource.Nil}
	}
	if s.required && s.emptyIsNull {
		w.refuse(p.at, "\"required\" and \"omitempty\" exclude each other: leave one out")
	}
	direct := !slices.ContainsFunc(n.source.Steps, func(s gosource.Step) bool { return s.Op != gosource.Add })
	if direct && (s.zeroIsNull || s.emptyIsNull) { // of a pointer, nil is what is omitted
		empty := s.emptyIsNull && !s.zeroIsNull
		if nilable(t) && (!empty || t.Kind() == reflect.Interface) {
			test = &gosource.Step{Op: gosource.Nil}
		} else if zero := zeroTest(t, empty); zero != nil {
			test = &gosource.Step{Op: gosource.Zero, IsZero: zero}
		}
	}
	if test != nil {
		n.source.Steps = append(n.source.Steps, *test)
		n.nullable = true
	}
}

// problems returns all errors of the walk as one.
func (w *walk) problems() error { return errors.Join(w.errs...) }
