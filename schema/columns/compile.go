package columns

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/gosource"
)

// An appendFunc appends the value at p to all leaves of a node. rep is the repetition level of the first.
type appendFunc func(c *Columns, p unsafe.Pointer, rep uint8) error

// compile returns the function that appends a row of a schema.
func compile(s *schema.Schema) appendFunc {
	c := &compiler{leaves: make(map[*schema.Node]int)}
	for i, n := range s.Leaves() {
		c.leaves[n] = i
	}
	return c.fields(s.Columns())
}

// A compiler makes the functions of a plan.
type compiler struct {
	leaves map[*schema.Node]int // their indexes in Columns
	maps   int                  // how many there are so far
}

// fields returns the function that appends the fields of a struct.
func (c *compiler) fields(nodes []*schema.Node) appendFunc {
	type field struct {
		cell
		offset uintptr
	}
	fields := make([]field, len(nodes))
	for i, n := range nodes {
		steps := n.Source().Steps
		fields[i] = field{c.node(n, steps[1:]), steps[0].Offset} // the first step leads to the field
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

// node returns the cell that appends a node. The steps lead to its value.
func (c *compiler) node(n *schema.Node, steps []gosource.Step) cell {
	if len(steps) == 0 {
		return c.value(n)
	}
	s, next := steps[0], c.node(n, steps[1:])
	if s.Op == gosource.Add {
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			return next.append(c, unsafe.Add(p, s.Offset), rep)
		})
	}
	definition := definitionOfNull(n)
	if next.method != viaCall && !next.nilIsNull && (s.Op == gosource.Deref || s.Op == gosource.Nil) {
		next.nilIsNull, next.deref, next.nullDef = true, s.Op == gosource.Deref, uint8(definition) // maxDepth keeps levels in a byte
		return next
	}
	null := c.null(n, definition)
	switch s.Op {
	case gosource.Deref:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	case gosource.Valid:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if !*(*bool)(unsafe.Add(p, s.Offset)) {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	case gosource.Oneof:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			i := (*[2]unsafe.Pointer)(p) // an interface in memory
			if i[0] != s.Table || i[1] == nil {
				return null(c, p, rep)
			}
			return next.append(c, i[1], rep)
		})
	case gosource.Nil:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if *(*unsafe.Pointer)(p) == nil {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	default:
		return called(func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if s.IsZero(p) {
				return null(c, p, rep)
			}
			return next.append(c, p, rep)
		})
	}
}

// definitionOfNull returns the definition level of a null at n: that of the values of its parent.
func definitionOfNull(n *schema.Node) int {
	definition, _ := n.MaxLevels()
	if n.Nullable() {
		definition--
	}
	if n.Kind() == schema.List || n.Kind() == schema.Map {
		definition--
	}
	return definition
}

func called(f appendFunc) cell { return cell{call: f} }

// null returns the function that appends a null, or an empty list, to all leaves of n.
func (c *compiler) null(n *schema.Node, definition int) appendFunc {
	first, last := n, n
	for children := n.Children(); len(children) > 0; children = first.Children() {
		first = children[0]
	}
	for children := n.Children(); len(children) > 0; children = last.Children() {
		last = children[len(children)-1]
	}
	def, from, to := uint8(definition), c.leaves[first], c.leaves[last] // maxDepth keeps levels in a byte
	return func(c *Columns, _ unsafe.Pointer, rep uint8) error {
		for i := from; i <= to; i++ {
			c.level(&c.leaves[i], def, rep)
		}
		return nil
	}
}

// value returns the cell that appends a value that is not null.
func (c *compiler) value(n *schema.Node) cell {
	switch n.Type().Kind {
	case schema.Struct:
		return called(c.fields(n.Children()))
	case schema.List:
		return called(c.list(n))
	case schema.Map:
		return called(c.mapping(n))
	}
	definition, _ := n.MaxLevels()
	f := cell{method: methodFor(n), def: uint8(definition), leaf: c.leaves[n], path: n.PathString()} // maxDepth keeps levels in a byte
	if f.method == viaCall {
		i, put, path, def := f.leaf, putLeaf(n.Type(), n.Source()), f.path, f.def
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

// A slice is a slice as it lies in memory.
type slice struct {
	first unsafe.Pointer
	len   int
	cap   int
}

func (c *compiler) list(n *schema.Node) appendFunc {
	t := n.Source().Type
	def, rep := n.MaxLevels()
	element := n.Children()[0]
	next, empty, nextRep := c.node(element, element.Source().Steps), c.null(n, def-1), uint8(rep) // maxDepth keeps levels in a byte
	size := t.Elem().Size()
	each := func(c *Columns, first unsafe.Pointer, count int, rep uint8) error {
		if count == 0 {
			return empty(c, first, rep)
		}
		for i := range count {
			if err := next.append(c, unsafe.Add(first, uintptr(i)*size), rep); err != nil {
				return err
			}
			rep = nextRep
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
