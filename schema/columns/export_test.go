package columns

import (
	"reflect"
	"unsafe"
)

// AppendAt appends the row at p, of the Go type that the schema of c is of.
func AppendAt(c *Columns, p unsafe.Pointer) error {
	_, err := c.append(compile(c.schema), p)
	return err
}

// FillLeaf makes leaf i of c look as if it had one value, of as many rows, and room for n bytes more. It must not be read.
func FillLeaf(c *Columns, i, n, rows int) {
	l, size := &c.leaves[i], MaxLeaf-n
	l.data = *(*[]byte)(unsafe.Pointer(&slice{unsafe.Pointer(new(byte)), size, size + 1000}))
	l.n32 = []uint32{0, uint32(size)} // MaxLeaf fits
	c.rows = rows
}

// MapRoom returns how many entries of maps c has room for, of map[string]int and of those of types without their own code.
func MapRoom(c *Columns) (room int) {
	for _, buffer := range c.maps {
		switch b := buffer.(type) {
		case *entries:
			room += b.room
		default:
			room += reflect.ValueOf(b).Elem().Cap()
		}
	}
	return room
}
