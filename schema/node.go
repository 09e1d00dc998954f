package schema

import (
	"iter"
	"slices"
	"strings"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// Node is a column, or a part of one that is nested. It never changes.
type Node struct {
	name     string
	goPath   string
	id       int
	typ      Type
	nullable bool
	hints    Hints
	children []*Node

	parent *Node // nil of a column
	source gosource.Value
}

// Source returns where the values are in Go's memory. It is for package columns alone, which makes plans of it.
func (n *Node) Source() *gosource.Value { return &n.source }

// Name returns the name, which is "element" in a list, and "key" and "value" in a map. It is UTF-8 and not empty.
func (n *Node) Name() string { return n.name }

// Path returns the names from the column down to the node. Names may contain dots.
func (n *Node) Path() []string {
	var path []string
	for ; n != nil; n = n.parent {
		path = append(path, n.name)
	}
	slices.Reverse(path)
	return path
}

// PathString returns Path with dots between.
func (n *Node) PathString() string { return strings.Join(n.Path(), ".") }

// GoPath returns the path of the values in Go, such as "Order.Items[].SKU". It is empty if the schema has no Go type.
func (n *Node) GoPath() string { return n.goPath }

// ID returns the field id, from 1, which no other node of the schema has.
func (n *Node) ID() int { return n.id }

// Kind returns the kind of the values.
func (n *Node) Kind() Kind { return n.typ.Kind }

// Type returns the type of the values.
func (n *Node) Type() Type { return n.typ }

// Nullable reports whether the node may be null where its parent is not.
func (n *Node) Nullable() bool { return n.nullable }

// Hints returns the requests of a leaf's tags to the writers of files.
func (n *Node) Hints() Hints { return n.hints }

// Children returns the nodes right below in their order; none of a leaf.
func (n *Node) Children() []*Node { return slices.Clone(n.children) }

// Element returns the child of a list, and nil of other nodes.
func (n *Node) Element() *Node {
	if n.typ.Kind != List {
		return nil
	}
	return n.children[0]
}

// KeyValue returns the children of a map, and nil of other nodes.
func (n *Node) KeyValue() (key, value *Node) {
	if n.typ.Kind != Map {
		return nil, nil
	}
	return n.children[0], n.children[1]
}

// MaxLevels returns the definition level of the node's values and how many lists and maps it is in, itself included: the
// highest levels that it has in Columns. A nullable node raises the definition level by one, a list or a map by one more.
func (n *Node) MaxLevels() (definition, repetition int) {
	for ; n != nil; n = n.parent {
		if n.nullable {
			definition++
		}
		if n.typ.Kind == List || n.typ.Kind == Map {
			definition, repetition = definition+1, repetition+1
		}
	}
	return definition, repetition
}

// all yields the node and all below it, parents first.
func (n *Node) all(yield func(*Node) bool) bool {
	if !yield(n) {
		return false
	}
	for _, child := range n.children {
		if !child.all(yield) {
			return false
		}
	}
	return true
}

func allOf(nodes []*Node) iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for _, n := range nodes {
			if !n.all(yield) {
				return
			}
		}
	}
}
