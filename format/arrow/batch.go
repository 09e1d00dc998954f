package arrow

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v17/arrow/decimal128"

	"github.com/jetcapture/lake/schema/columns"
)

// An arrayNode has the numbers that a record batch gives for one array.
type arrayNode struct{ slots, nulls int }

// A batch is a record batch under construction: the arrays of a layout, each with its buffers in the order of the format.
type batch struct {
	rows    int
	nodes   []arrayNode
	buffers [][]byte // empty ones too
	items   []int    // how many there are in each list or map, by its array
	memory  arena
}

// fill makes b the batch of a span. A buffer is memory of the leaf where that has the form that Arrow wants, and of the arena
// otherwise.
func (b *batch) fill(l *layout, s *span) {
	b.rows = s.rows
	b.nodes, b.buffers = b.nodes[:0], b.buffers[:0]
	b.items = slices.Grow(b.items[:0], len(l.arrays))[:len(l.arrays)]
	b.memory.reset()
	for i := range l.arrays {
		a := &l.arrays[i]
		leaf := &s.leaves[a.leaf]
		slots := s.rows
		if a.list >= 0 {
			slots = b.items[a.list]
		}
		b.addValidity(a, leaf, slots)
		switch a.form {
		case structs:
		case lists:
			offsets := b.memory.take((slots + 1) * offsetSize)
			b.items[i] = a.offsets(cast[int32](offsets), leaf)
			b.buffers = append(b.buffers, offsets)
		case text:
			b.addText(a, leaf, slots)
		default:
			b.addValues(a, leaf, slots)
		}
	}
}

// release frees all memory that the next batch does not need.
func (b *batch) release() {
	clear(b.buffers[:cap(b.buffers)])
	b.memory.reset()
}

// addValidity adds an array with its bitmap, which is empty if no slot is null.
func (b *batch) addValidity(a *arrayPlan, s *leafSpan, slots int) {
	isLeaf := a.form > lists
	if !a.nullable || isLeaf && s.n == slots {
		b.nodes = append(b.nodes, arrayNode{slots: slots})
		b.buffers = append(b.buffers, nil)
		return
	}
	bitmap := b.memory.zeros((slots + 7) / 8)
	nulls := slots - a.validity(bitmap, s)
	if nulls == 0 {
		bitmap = nil
	}
	b.nodes = append(b.nodes, arrayNode{slots, nulls})
	b.buffers = append(b.buffers, bitmap)
}

func (b *batch) addText(a *arrayPlan, s *leafSpan, slots int) {
	ends, data := s.leaf.Bytes()
	ends = ends[s.first : s.first+s.n+1]
	offsets := cast[byte](ends)
	if s.n != slots || ends[0] != 0 {
		offsets = b.memory.take((slots + 1) * offsetSize)
		if s.n != slots {
			spreadOffsets(cast[int32](offsets), ends, a, s)
		} else {
			for i, to := 0, cast[uint32](offsets); i < len(ends); i++ {
				to[i] = ends[i] - ends[0]
			}
		}
	}
	b.buffers = append(b.buffers, offsets, data[ends[0]:ends[s.n]])
}

func (b *batch) addValues(a *arrayPlan, s *leafSpan, slots int) {
	values := b.values(a, s)
	if s.n != slots {
		sparse := b.memory.zeros(slots * a.width)
		switch a.width {
		case 1:
			spread(sparse, values, a, s)
		case 2:
			spread(cast[[2]byte](sparse), cast[[2]byte](values), a, s)
		case 4:
			spread(cast[[4]byte](sparse), cast[[4]byte](values), a, s)
		case 8:
			spread(cast[[8]byte](sparse), cast[[8]byte](values), a, s)
		case 16:
			spread(cast[[16]byte](sparse), cast[[16]byte](values), a, s)
		default:
			spreadBytes(sparse, values, a, s)
		}
		values = sparse
	}
	if a.form == inBits {
		bitmap := b.memory.zeros(max(1, (slots+7)/8)) // polars fails on an empty one if buffers are compressed
		pack(bitmap, values)
		values = bitmap
	}
	b.buffers = append(b.buffers, values)
}

// values returns the leaf's values in the form that Arrow wants, except bits, which are still bytes.
func (b *batch) values(a *arrayPlan, s *leafSpan) []byte {
	from, to := s.first, s.first+s.n
	switch a.form {
	case inBits:
		return cast[byte](s.leaf.Bools()[from:to])
	case narrow8:
		values := b.memory.take(s.n)
		for i, v := range s.leaf.Int32s()[from:to] {
			values[i] = byte(v)
		}
		return values
	case narrow16:
		values := b.memory.take(s.n * 2)
		for i, v := range s.leaf.Int32s()[from:to] {
			binary.NativeEndian.PutUint16(values[2*i:], uint16(v))
		}
		return values
	case decimal64:
		values := b.memory.take(s.n * 16)
		numbers := cast[decimal128.Num](values)
		for i, v := range s.leaf.Int64s()[from:to] {
			numbers[i] = decimal128.FromI64(v)
		}
		return values
	case decimal16:
		values := b.memory.take(s.n * 16)
		numbers := cast[decimal128.Num](values)
		data, _ := s.leaf.Fixed()
		for i := range numbers {
			v := data[16*(from+i):]
			numbers[i] = decimal128.New(int64(binary.BigEndian.Uint64(v)), binary.BigEndian.Uint64(v[8:]))
		}
		return values
	}
	return a.raw(s)[from*a.width : to*a.width]
}

// raw returns all values of a leaf whose form in Columns is the one of Arrow.
func (a *arrayPlan) raw(s *leafSpan) []byte {
	switch a.physical {
	case columns.PhysicalInt32:
		return cast[byte](s.leaf.Int32s())
	case columns.PhysicalInt64:
		return cast[byte](s.leaf.Int64s())
	case columns.PhysicalFloat32:
		return cast[byte](s.leaf.Float32s())
	case columns.PhysicalFloat64:
		return cast[byte](s.leaf.Float64s())
	}
	data, _ := s.leaf.Fixed()
	return data
}
