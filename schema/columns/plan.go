package columns

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/jetcapture/lake/schema"
)

// Plan appends values of T to Columns. It is compiled once, from offsets in memory and the levels of each null, so that a
// row needs no reflection, except for types with methods of their own and for rare types of maps. It never changes, and is safe for
// concurrent use.
type Plan[T any] struct {
	schema  *schema.Schema
	row     appendFunc
	pointer bool         // T is one
	dynamic reflect.Type // if T is an interface, the type of its values
}

// Compile returns the plan from values of T to Columns of s, which must be the schema of T or of *T.
//
// T may be any, or another interface, for a type that is known at run time only: the values are then pointers to the Go type
// of s, and Append rejects all others.
func Compile[T any](s *schema.Schema) (*Plan[T], error) {
	var rowType reflect.Type
	if s != nil && s.Source() != nil {
		rowType = s.Source().Type
	}
	if rowType == nil {
		return nil, errors.New("compile plan: the schema has no Go type: take a schema that Of returns, or append with AppendRow")
	}
	t := reflect.TypeFor[T]()
	plan := &Plan[T]{schema: s}
	switch t.Kind() {
	case reflect.Interface:
		if plan.dynamic = reflect.PointerTo(rowType); !plan.dynamic.Implements(t) {
			return nil, fmt.Errorf("compile plan: no %.200s is a %.200s, of which the schema is: write Compile[any]", t, plan.dynamic)
		}
	case reflect.Pointer:
		plan.pointer, t = true, t.Elem()
		fallthrough
	default:
		if rowType != t {
			return nil, fmt.Errorf("compile plan: the schema is that of %.200s, not of %.200s: take the one that Of returns for it",
				rowType, t)
		}
	}
	plan.row = compile(s)
	return plan, nil
}

// PlanOf returns the plan from values of T, which is a struct or a pointer to one, to Columns of its schema. The error is that
// of schema.Of.
func PlanOf[T any](opts ...schema.Option) (*Plan[T], error) {
	s, err := schema.Of[T](opts...)
	if err != nil {
		return nil, err
	}
	return Compile[T](s)
}

// Schema returns the schema whose Columns the plan appends to.
func (p *Plan[T]) Schema() *schema.Schema { return p.schema }

var errNilRow = errors.New("the value is a nil pointer, which is no row")

// Append appends value as one row and returns 1. Nothing of the value is kept: bytes and strings are copied.
//
// An error rejects this value only and names the column; the Columns are unchanged. It wraps ErrFull
// if there is no room for any value of that size. Values are rejected for times, integers and decimals out of their
// column's range, text that is not UTF-8, invalid JSON, strings and bytes over MaxValue, and for errors and panics of
// their own methods.
func (p *Plan[T]) Append(c *Columns, value T) (rows int, err error) {
	if c.schema != p.schema {
		return 0, errors.New("the columns are of another schema than the plan: take those that columns.New returns for it")
	}
	var at unsafe.Pointer
	switch {
	case p.pointer:
		if at = *(*unsafe.Pointer)(unsafe.Pointer(&value)); at == nil {
			return 0, errNilRow
		}
	case p.dynamic != nil:
		if at, err = pointerIn(value, p.dynamic); err != nil {
			return 0, err
		}
	default:
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

// pointerIn returns the pointer of type t that value is.
func pointerIn(value any, t reflect.Type) (unsafe.Pointer, error) {
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid():
		return nil, fmt.Errorf("the value is nil, which is no row: append a %.200s", t)
	case v.Type() != t:
		return nil, fmt.Errorf("the value is of type %.200s: append a %.200s, of which the schema is", v.Type(), t)
	case v.IsNil():
		return nil, fmt.Errorf("the value is a nil pointer of type %.200s, which is no row", t)
	}
	return v.UnsafePointer(), nil
}

// append appends the row at p, whole or not at all.
func (c *Columns) append(row appendFunc, p unsafe.Pointer) (rows int, err error) {
	c.begin()
	whole := false
	defer func() {
		if !whole {
			if r := recover(); r != nil { // in a method of the value that has no error to return
				rows, err = 0, fmt.Errorf("%w while the row was appended: %v", errPanic, r)
				c.maps = nil // one may have been cut off
			}
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
