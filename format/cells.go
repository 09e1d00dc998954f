package format

import (
	"fmt"

	"github.com/jetcapture/lake/schema"
)

// A cellFunc appends the next value of a node to out, and moves past it.
type cellFunc func(r *rows, out []byte) []byte

// cells compiles the nodes of a schema to cellFuncs, so that encoding a row needs no look at the schema.
type cells struct {
	schema *schema.Schema
	leaves map[*schema.Node]int
}

func cellsOf(s *schema.Schema) *cells {
	c := &cells{s, make(map[*schema.Node]int)}
	for i, n := range s.Leaves() {
		c.leaves[n] = i
	}
	return c
}

// span returns the leaves of a node: from first up to, but not including, last.
func (c *cells) span(n *schema.Node) (first, last int) {
	if n.Kind().IsLeaf() {
		return c.leaves[n], c.leaves[n] + 1
	}
	children := n.Children()
	first, _ = c.span(children[0])
	_, last = c.span(children[len(children)-1])
	return first, last
}

// ndjson returns a cellFunc that appends a row as one line of JSON.
func (c *cells) ndjson() (cellFunc, error) {
	object, err := c.object(c.schema.Columns())
	if err != nil {
		return nil, err
	}
	return func(r *rows, out []byte) []byte { return append(object(r, out), '\n') }, nil
}

// json returns a cellFunc that appends a node as JSON, which is null for a null.
func (c *cells) json(n *schema.Node) (cellFunc, error) {
	definition, _ := n.MaxLevels()
	switch n.Kind() {
	case schema.Struct:
		object, err := c.object(n.Children())
		return c.orNull(n, definition, object), err
	case schema.List:
		return c.list(n)
	case schema.Map:
		return c.mapping(n)
	}
	i, put := c.leaves[n], valueOf(n.Type()).json()
	return func(r *rows, out []byte) []byte {
		if at, ok := r.leaves[i].take(definition); ok {
			return put(out, r.leaves[i].leaf, at)
		}
		return append(out, "null"...)
	}, nil
}

// orNull returns a cellFunc that appends null for a null, and calls another for values, which have the given definition level.
func (c *cells) orNull(n *schema.Node, definition int, value cellFunc) cellFunc {
	if !n.Nullable() {
		return value
	}
	first, last := c.span(n)
	return func(r *rows, out []byte) []byte {
		if r.leaves[first].definition() < definition {
			skip(r.leaves[first:last])
			return append(out, "null"...)
		}
		return value(r, out)
	}
}

// object returns a cellFunc that appends nodes as the members of an object.
func (c *cells) object(nodes []*schema.Node) (cellFunc, error) {
	type member struct {
		name  []byte // with the punctuation around it
		value cellFunc
	}
	members := make([]member, len(nodes))
	for i, n := range nodes {
		value, err := c.json(n)
		if err != nil {
			return nil, err
		}
		before := byte(',')
		if i == 0 {
			before = '{'
		}
		members[i] = member{append(appendJSONText([]byte{before}, []byte(n.Name())), ':'), value}
	}
	return func(r *rows, out []byte) []byte {
		for i := range members {
			out = append(out, members[i].name...)
			out = members[i].value(r, out)
		}
		return append(out, '}')
	}, nil
}

func (c *cells) list(n *schema.Node) (cellFunc, error) {
	element, err := c.json(n.Element())
	if err != nil {
		return nil, err
	}
	return c.repeated(n, '[', ']', element), nil
}

// mapping returns a cellFunc that appends a map as an object, whose names are the keys.
func (c *cells) mapping(n *schema.Node) (cellFunc, error) {
	key, value := n.KeyValue()
	if !key.Kind().IsLeaf() {
		return nil, fmt.Errorf("column %s: its keys are of %s, and names in JSON are text: take a list of structs",
			n.PathString(), key.Type())
	}
	put, err := c.json(value)
	if err != nil {
		return nil, err
	}
	i, name := c.leaves[key], valueOf(key.Type()).name()
	definition, _ := key.MaxLevels()
	return c.repeated(n, '{', '}', func(r *rows, out []byte) []byte {
		at, _ := r.leaves[i].take(definition) // a key is never null
		out = append(name(out, r.leaves[i].leaf, at), ':')
		return put(r, out)
	}), nil
}

// repeated returns a cellFunc that appends the elements of a list or a map, between two brackets.
func (c *cells) repeated(n *schema.Node, open, end byte, each cellFunc) cellFunc {
	definition, repetition := n.MaxLevels()
	first, last := c.span(n)
	return c.orNull(n, definition-1, func(r *rows, out []byte) []byte {
		out = append(out, open)
		if r.leaves[first].definition() < definition {
			skip(r.leaves[first:last])
			return append(out, end)
		}
		for {
			out = each(r, out)
			if !r.leaves[first].continues(repetition) {
				return append(out, end)
			}
			out = append(out, ',')
		}
	})
}
