package columns

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/buffers"
)

// ErrFull is wrapped by the error of Append if a leaf would get more than MaxLeaf bytes. The payload is not rejected: encode
// and Reset the Columns, and append it again.
var ErrFull = errors.New("columns are full")

// The limits of values. Parquet readers fail on pages of more than 2 GiB, Arrow counts the bytes of a column by int32.
const (
	MaxValue = 1 << 30           // bytes of one string, bytes or JSON
	MaxLeaf  = math.MaxInt32 - 1 // bytes of all of them in one leaf
)

// Columns hold rows until they are encoded: for each leaf of a schema its values, one behind the other, and their levels.
// They start with some hundred bytes and grow by doubling, in buffers that all Columns of the process share. They are
// for one goroutine at a time.
type Columns struct {
	schema  *schema.Schema
	layout  *layout
	rows    int
	leaves  []Leaf
	lists   []*Leaf // the leaves in lists and maps
	held    int64   // bytes of memory
	text    []byte  // the text of one value
	scratch any     // a *T, for plans of values that are not pointers
	row     *Row    // of AppendRow
	maps    []any   // buffers that maps are sorted in, by the place of the map in the plan
}

// New returns Columns of a schema, without rows. Those of nil have no leaves.
func New(s *schema.Schema) *Columns {
	if s == nil {
		s = new(schema.Schema)
	}
	shared := layoutOf(s)
	c := &Columns{schema: s, layout: shared, leaves: make([]Leaf, len(shared.leaves))}
	copy(c.leaves, shared.leaves)
	c.held = c.overhead()
	for i := range c.leaves {
		if l := &c.leaves[i]; l.maxRep > 0 {
			c.lists = append(c.lists, l)
		}
	}
	return c
}

// Schema returns the schema that the Columns are of.
func (c *Columns) Schema() *schema.Schema { return c.schema }

// Rows returns the number of rows.
func (c *Columns) Rows() int { return c.rows }

// Len returns the number of leaves.
func (c *Columns) Len() int { return len(c.leaves) }

// Leaf returns the values of leaf i, which is Schema.Leaves()[i], from 0 to Len()-1. It is valid until rows are
// appended, or the Columns reset or released.
func (c *Columns) Leaf(i int) *Leaf { return &c.leaves[i] }

// Buffered returns the bytes that the Columns hold, room for growth included, and some without any rows.
func (c *Columns) Buffered() int64 { return c.held }

func (c *Columns) overhead() int64 { return int64(len(c.leaves)) * int64(unsafe.Sizeof(Leaf{})) }

// Reset removes all rows and keeps the buffers.
func (c *Columns) Reset() {
	for i := range c.leaves {
		c.leaves[i].truncate(0, 0)
		c.leaves[i].detached = 0
	}
	c.rows = 0
}

// Release removes all rows and gives the buffers to other Columns. More rows can be appended afterwards.
func (c *Columns) Release() {
	c.Reset()
	for i := range c.leaves {
		c.leaves[i].release()
	}
	c.held, c.text, c.scratch, c.row, c.maps = c.overhead(), nil, nil, nil, nil
}

// begin notes where a row begins in the leaves of lists and maps. In others the number of rows tells.
func (c *Columns) begin() {
	for _, l := range c.lists {
		l.begun = len(l.rep)
	}
}

// takeBack removes the last rows, so that left rows remain.
func (c *Columns) takeBack(left int) {
	if left >= c.rows {
		return
	}
	for _, l := range c.lists {
		l.begun = l.rowBegins(c.rows - left)
	}
	c.rows = left
	c.rollback()
}

// rollback removes the row that was begun.
func (c *Columns) rollback() {
	for i := range c.leaves {
		l := &c.leaves[i]
		switch {
		case l.maxRep > 0:
			l.truncate(l.begun, l.valuesBefore(l.begun))
		case l.maxDef > 0:
			l.truncate(c.rows, l.valuesBefore(c.rows))
		default:
			l.truncate(0, c.rows-l.detached)
		}
	}
}

// room makes room in the leaf's data for n bytes of one value. If all data is within the limit of one value, so is the value.
func (c *Columns) room(l *Leaf, n int) error {
	if len(l.data)+n <= min(cap(l.data), MaxValue) {
		return nil
	}
	return c.makeRoom(l, n)
}

//go:noinline
func (c *Columns) makeRoom(l *Leaf, n int) error {
	switch {
	case n > MaxValue:
		return fmt.Errorf("%d bytes are more than the %d that a value may have", n, MaxValue)
	case n > MaxLeaf-len(l.data) && c.rows == 0:
		return fmt.Errorf("the row has more than %d bytes of it", MaxLeaf)
	case n > MaxLeaf-len(l.data):
		return ErrFull
	case n <= cap(l.data)-len(l.data):
		return nil
	}
	var bytes int64
	l.data, bytes = buffers.Bytes.Grow(l.data, n)
	c.held += bytes
	return nil
}

// putText appends a value of a leaf of bytes, and copies it.
func (c *Columns) putText(l *Leaf, value string) error {
	if err := c.room(l, len(value)); err != nil {
		return err
	}
	if len(l.n32) == 0 {
		c.put32(l, 0)
	}
	c.room32(l)
	l.data = append(l.data, value...)
	l.n32 = append(l.n32, uint32(len(l.data))) // MaxLeaf fits
	return nil
}

// putBytes is putText of a slice.
func (c *Columns) putBytes(l *Leaf, value []byte) error {
	return c.putText(l, unsafe.String(unsafe.SliceData(value), len(value)))
}

// putFixed appends a value of a leaf of bytes of a fixed length, and copies it.
func (c *Columns) putFixed(l *Leaf, value []byte) error {
	if err := c.room(l, len(value)); err != nil {
		return err
	}
	l.data = append(l.data, value...)
	return nil
}

func (c *Columns) put32(l *Leaf, value uint32) {
	c.room32(l)
	l.n32 = append(l.n32, value)
}

func (c *Columns) put64(l *Leaf, value uint64) {
	c.room64(l)
	l.n64 = append(l.n64, value)
}

// level appends the levels of a value, or of a null.
func (c *Columns) level(l *Leaf, def, rep uint8) {
	if l.maxDef > 0 {
		c.roomForLevel(&l.def)
		l.def = append(l.def, def)
	}
	if l.maxRep > 0 {
		c.roomForLevel(&l.rep)
		l.rep = append(l.rep, rep)
	}
}

// The three functions below are small enough to be inlined, since the growing is in functions of its own. Their callers append
// without a call.

func (c *Columns) room32(l *Leaf) {
	if len(l.n32) == cap(l.n32) {
		c.grow32(l)
	}
}

func (c *Columns) room64(l *Leaf) {
	if len(l.n64) == cap(l.n64) {
		c.grow64(l)
	}
}

func (c *Columns) roomForLevel(levels *[]uint8) {
	if len(*levels) == cap(*levels) {
		c.growLevels(levels)
	}
}

//go:noinline
func (c *Columns) grow32(l *Leaf) {
	var bytes int64
	l.n32, bytes = buffers.Uint32s.Grow(l.n32, 1)
	c.held += bytes
}

//go:noinline
func (c *Columns) grow64(l *Leaf) {
	var bytes int64
	l.n64, bytes = buffers.Uint64s.Grow(l.n64, 1)
	c.held += bytes
}

//go:noinline
func (c *Columns) growLevels(levels *[]uint8) {
	var bytes int64
	*levels, bytes = buffers.Bytes.Grow(*levels, 1)
	c.held += bytes
}
