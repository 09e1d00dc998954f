package schema

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// Plan appends values of T to Columns. It is compiled once, from offsets in memory and the levels of each null, so that a
// row needs no reflection but for types that have their own methods and for rare maps. It never changes, and is safe for
// concurrent use.
type Plan[T any] struct {
	schema  *Schema
	row     appendFunc
	pointer bool // T is one
}

// Compile returns the plan from values of T to Columns of s, which must be the schema of T or of *T. It is the error
// otherwise.
func Compile[T any](s *Schema) (*Plan[T], error) {
	t := reflect.TypeFor[T]()
	pointer := t.Kind() == reflect.Pointer
	if pointer {
		t = t.Elem()
	}
	if s.goType != t {
		return nil, fmt.Errorf("compile plan: the schema is not that of %.200s: take the one that Of returns for it", t)
	}
	return &Plan[T]{schema: s, row: s.compile(), pointer: pointer}, nil
}

// Schema returns the schema whose Columns the plan appends to.
func (p *Plan[T]) Schema() *Schema { return p.schema }

var errNilRow = errors.New("the value is a nil pointer, which is no row")

// Append appends value as one row and returns 1. Nothing of the value is kept: bytes and strings are copied.
//
// An error rejects the value alone and names the column; the Columns then hold what they held before. It wraps ErrFull
// if there is no room for any value of that size. Values are rejected for times, integers and decimals out of their
// column's range, text that is not UTF-8, JSON that is none, strings and bytes over MaxValue, and for errors and panics of
// their own methods.
func (p *Plan[T]) Append(c *Columns, value T) (rows int, err error) {
	if c.schema != p.schema {
		return 0, errors.New("the columns are of another schema than the plan: take those of its NewColumns")
	}
	var at unsafe.Pointer
	if p.pointer {
		if at = *(*unsafe.Pointer)(unsafe.Pointer(&value)); at == nil {
			return 0, errNilRow
		}
	} else {
		row, ok := c.scratch.(*T) // a copy, as value must not move to the heap for each row
		if !ok {
			row = new(T)
			c.scratch = row
		}
		*row = value
		at = unsafe.Pointer(row)
		defer func() { *row = *new(T) }()
	}
	return c.append(p.row, at)
}

// append appends the row at p, whole or not at all.
func (c *Columns) append(row appendFunc, p unsafe.Pointer) (rows int, err error) {
	c.begin()
	whole := false
	defer func() {
		if !whole {
			c.rollback()
		}
	}()
	if err := row(c, p, 0); err != nil {
		return 0, err
	}
	whole = true
	c.rows++
	return 1, nil
}

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
}

// fields returns what appends the parts of a struct.
func (c *compiler) fields(nodes []*Node) appendFunc {
	type field struct {
		offset uintptr
		append appendFunc
	}
	fields := make([]field, len(nodes))
	for i, n := range nodes {
		steps := n.source.steps
		fields[i] = field{steps[0].offset, c.node(n, steps[1:])} // the first leads to the field
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
func (c *compiler) node(n *Node, steps []step) appendFunc {
	if len(steps) == 0 {
		return c.value(n)
	}
	next := c.node(n, steps[1:])
	var null appendFunc
	if s := steps[0]; s.op != opAdd {
		def, _ := n.parent.MaxLevels()
		null = c.null(n, def)
	}
	switch s := steps[0]; s.op {
	case opAdd:
		return func(c *Columns, p unsafe.Pointer, rep uint8) error { return next(c, unsafe.Add(p, s.offset), rep) }
	case opDeref:
		return func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if p = *(*unsafe.Pointer)(p); p == nil {
				return null(c, p, rep)
			}
			return next(c, p, rep)
		}
	case opValid:
		return func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if !*(*bool)(unsafe.Add(p, s.offset)) {
				return null(c, p, rep)
			}
			return next(c, p, rep)
		}
	default:
		return func(c *Columns, p unsafe.Pointer, rep uint8) error {
			if s.zero(p) {
				return null(c, p, rep)
			}
			return next(c, p, rep)
		}
	}
}

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
func (c *compiler) value(n *Node) appendFunc {
	switch n.typ.Kind {
	case Struct:
		return c.fields(n.children)
	case List:
		return c.list(n)
	case Map:
		return c.mapping(n)
	}
	i, put := c.leaves[n], c.leaf(n)
	path := n.PathString()
	definition, _ := n.MaxLevels()
	def := uint8(definition) // maxDepth keeps levels in a byte
	if def == 0 {
		return func(c *Columns, p unsafe.Pointer, _ uint8) error {
			if err := put(c, &c.leaves[i], p); err != nil {
				return fmt.Errorf("column %s: %w", path, err)
			}
			return nil
		}
	}
	return func(c *Columns, p unsafe.Pointer, rep uint8) error {
		l := &c.leaves[i]
		if err := put(c, l, p); err != nil {
			return fmt.Errorf("column %s: %w", path, err)
		}
		c.roomForLevel(&l.def)
		l.def = append(l.def, def)
		if l.maxRep > 0 {
			c.roomForLevel(&l.rep)
			l.rep = append(l.rep, rep)
		}
		return nil
	}
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
			if err := next(c, unsafe.Add(first, uintptr(i)*size), rep); err != nil {
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
