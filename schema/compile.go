package schema

import (
	"fmt"
	"reflect"
	"unsafe"
)

// An appendFunc appends the value at p to all leaves of a node. rep is the repetition level of the first.
type appendFunc func(c *Columns, p unsafe.Pointer, rep uint8) error

// compile returns what appends a row.
func (s *Schema) compile() appendFunc {
	c := &compiler{opts: s.opts, leaves: make(map[*Node]int)}
	for i, n := range s.leaves {
		c.leaves[n] = i
	}
	return c.fields(s.columns)
}

type compiler struct {
	opts   *options
	leaves map[*Node]int // their indexes in Columns
	maps   int           // how many there are so far
}

// fields returns what appends the parts of a struct.
func (c *compiler) fields(nodes []*Node) appendFunc {
	type field struct {
		cell
		offset uintptr
	}
	fields := make([]field, len(nodes))
	for i, n := range nodes {
		steps := n.source.steps
		fields[i] = field{c.node(n, steps[1:]), steps[0].offset} // the first leads to the field
	}
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		for i := range fields {
			f := &fields[i]
			if err := f.append(c, unsafe.Add(p, f.offset), rep); err != nil {
				return err
			}
		}
		return nil
	}
}

// node returns what appends a node, to which steps lead.
func (c *compiler) node(n *Node, steps []step) cell {
	if len(steps) == 0 {
		return c.value(n)
	}
	s, next := steps[0], c.node(n, steps[1:])
	if s.op == opAdd {
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			return next.append(c, unsafe.Add(p, s.offset), rep)
		})
	}
	definition, _ := n.parent.MaxLevels()
	if next.how != viaCall && !next.nil && (s.op == opDeref || s.op == opNil) {
		next.nil, next.deref, next.nullDef = true, s.op == opDeref, uint8(definition) // maxDepth keeps levels in a byte
		return next
	}
	null := c.null(n, definition)
	switch s.op {
	case opDeref:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	case opValid:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if !*(*bool)(unsafe.Add(p, s.offset)) {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	case opOneof:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			i := (*[2]unsafe.Pointer)(p) // an interface in memory
			if i[0] != s.table || i[1] == nil {
				return null(c, p, rep)
			}
			return next.append(c, i[1], rep)
		})
	case opNil:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if *(*unsafe.Pointer)(p) == nil {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	default:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if s.zero(p) {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	}
}

func called(f appendFunc) cell { return cell{call: f} }

// null returns what appends a null, or an empty list, to all leaves of n.
func (c *compiler) null(n *Node, definition int) appendFunc {
	var leaves []int
	for below := range allOf([]*Node{n}) {
		if i, ok := c.leaves[below]; ok {
			leaves = append(leaves, i)
		}
	}
	def, first, last := uint8(definition), leaves[0], leaves[len(leaves)-1] // maxDepth keeps levels in a byte
	return func(c *Columns, _ unsafe.Pointer, rep uint8) error {
		for i := first; i <= last; i++ {
			c.level(&c.leaves[i], def, rep)
		}
		return nil
	}
}

// value returns what appends a value that is not null.
func (c *compiler) value(n *Node) cell {
	switch n.typ.Kind {
	case Struct:
		return called(c.fields(n.children))
	case List:
		return called(c.list(n))
	case Map:
		return called(c.mapping(n))
	}
	definition, _ := n.MaxLevels()
	f := cell{how: c.how(n), def: uint8(definition), leaf: c.leaves[n], path: n.PathString()} // maxDepth keeps levels in a byte
	if f.how == viaCall {
		i, put, path, def := f.leaf, c.leaf(n), f.path, f.def
		f.call = func(c *Columns, p unsafe.Pointer, rep uint8) error {
			l := &c.leaves[i]
			if err := put(c, l, p); err != nil {
				return fmt.Errorf("column %s: %w", path, err)
			}
			c.level(l, def, rep)
			return nil
		}
	}
	return f
}

// slice is a slice in memory.
type slice struct {
	first unsafe.Pointer
	len   int
	cap   int
}

func (c *compiler) list(n *Node) appendFunc {
	t := n.source.typ
	def, rep := n.MaxLevels()
	element := n.children[0]
	next, empty, again := c.node(element, element.source.steps), c.null(n, def-1), uint8(rep) // maxDepth keeps levels in a byte
	size := t.Elem().Size()
	each := func(c *Columns, first unsafe.Pointer, count int, rep uint8) error {
		if count == 0 {
			return empty(c, first, rep)
		}
		for i := range count {
			if err := next.append(c, unsafe.Add(first, uintptr(i)*size), rep); err != nil {
				return err
			}
			rep = again
		}
		return nil
	}
	if t.Kind() == reflect.Array {
		count := t.Len()
		return func(c *Columns, p unsafe.Pointer, rep uint8) error { return each(c, p, count, rep) }
	}
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		s := (*slice)(p)
		return each(c, s.first, s.len, rep)
	}
}
