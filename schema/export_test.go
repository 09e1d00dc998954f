package schema

import (
	"reflect"
	"unsafe"
)

// OfType is Of for types that are made at run time.
func OfType(t reflect.Type, opts ...Option) (*Schema, error) { return of(t, opts) }

// AppendAt appends the row at p, of the Go type that the schema of c is of.
func AppendAt(c *Columns, p unsafe.Pointer) error {
	_, err := c.append(c.schema.compile(), p)
	return err
}

// FillLeaf makes leaf i of c look as if it had one value, and room for n bytes more. It must not be read.
func FillLeaf(c *Columns, i, n int) {
	l, size := &c.leaves[i], MaxLeaf-n
	l.data = *(*[]byte)(unsafe.Pointer(&slice{unsafe.Pointer(new(byte)), size, size + 1000}))
	l.n32 = []uint32{0, uint32(size)} // MaxLeaf fits
	c.rows = 1
}
