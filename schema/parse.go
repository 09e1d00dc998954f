package schema

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// parse makes nodes of what was read from JSON, and checks that Of could have made them.
type parse struct {
	errs  []error
	ids   map[int]bool
	count int
}

func (p *parse) nodes(in []jsonNode, parent *Node, depth int) []*Node {
	if depth > maxDepth {
		p.errs = append(p.errs, fmt.Errorf("columns are nested more than %d deep", maxDepth))
		return nil
	}
	nodes := make([]*Node, 0, len(in))
	names := make(map[string]bool)
	for i := range in {
		if p.count++; p.count > maxNodes {
			if p.count == maxNodes+1 {
				p.errs = append(p.errs, fmt.Errorf("there are more than %d columns", maxNodes))
			}
			break
		}
		n, err := in[i].node(parent)
		if names[fold(n.name)] {
			err = errors.Join(err, errors.New("there is another of the same name, but for upper and lower case"))
		}
		if p.ids[n.id] {
			err = errors.Join(err, fmt.Errorf("there is another of field id %d", n.id))
		}
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("column %.200q: %w", n.PathString(), err))
		}
		names[fold(n.name)], p.ids[n.id] = true, true
		n.children = p.nodes(in[i].Columns, n, depth+1)
		nodes = append(nodes, n)
	}
	return nodes
}

// node returns the node without its children. It does so even with an error.
func (j *jsonNode) node(parent *Node) (*Node, error) {
	n := &Node{name: j.Name, id: j.ID, nullable: j.Nullable, parent: parent}
	var errs []error
	var err error
	if n.typ, err = parseType(j.Type); err != nil {
		errs = append(errs, err)
	} else if !hasChildren(n.typ.Kind, j.Columns) {
		errs = append(errs, fmt.Errorf("a %s cannot have these columns", n.typ.Kind))
	}
	if n.name == "" || !utf8.ValidString(n.name) {
		errs = append(errs, errors.New("the name is empty or not UTF-8"))
	}
	if n.id < 1 || n.id > maxID {
		errs = append(errs, fmt.Errorf("the field id is 1 to %d, not %d", maxID, n.id))
	}
	var ok [3]bool
	n.hints.Encoding, ok[0] = parseHint[Encoding](encodingNames[:], j.Encoding)
	n.hints.Codec, ok[1] = parseHint[Codec](codecNames[:], j.Codec)
	n.hints.Sort, ok[2] = parseHint[Sort](sortNames[:], j.Sort)
	n.hints.Bloom = j.Bloom
	if ok != [3]bool{true, true, true} {
		errs = append(errs, errors.New("the encoding, the codec or the sort order is not known"))
	}
	_, repetition := n.MaxLevels()
	switch {
	case !n.typ.Kind.IsLeaf() && n.hints != Hints{}:
		errs = append(errs, fmt.Errorf("hints are for single values, not for a %s", n.typ.Kind))
	case n.typ.Kind.IsLeaf():
		errs = append(errs, n.hints.check(n.typ.Kind, repetition > 0))
	}
	return n, errors.Join(errs...)
}

// hasChildren reports whether a node of kind k can have these below it.
func hasChildren(k Kind, in []jsonNode) bool {
	switch k {
	case List:
		return len(in) == 1 && in[0].Name == "element"
	case Map:
		return len(in) == 2 && in[0].Name == "key" && !in[0].Nullable && in[1].Name == "value"
	case Struct:
		return len(in) > 0
	}
	return len(in) == 0
}
