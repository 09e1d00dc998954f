package columns

import (
	"bytes"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/buffers"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// Physical is the memory layout of the values of a leaf.
type Physical uint8

// The layouts. Integers of less than 32 bits are extended to 32, with their sign if they have one.
const (
	PhysicalBool    Physical = iota + 1 // Leaf.Bools
	PhysicalInt32                       // Leaf.Int32s: integers up to 32 bits, Date, TimeOfDay in Millis
	PhysicalInt64                       // Leaf.Int64s: other integers and times, Decimal up to 18 digits
	PhysicalFloat32                     // Leaf.Float32s
	PhysicalFloat64                     // Leaf.Float64s
	PhysicalBytes                       // Leaf.Bytes: String, Bytes, JSON
	PhysicalFixed                       // Leaf.Fixed: Fixed, UUID, Decimal of more digits
)

// PhysicalOf returns the layout of the values of a type, and for PhysicalFixed their size in bytes. Both are 0 for lists, maps
// and structs.
//
// A Decimal of more than 18 digits is 16 bytes, big-endian, in two's complement.
func PhysicalOf(t schema.Type) (p Physical, size int) {
	switch k := t.Kind; {
	case k == schema.Bool:
		return PhysicalBool, 0
	case k == schema.Float32:
		return PhysicalFloat32, 0
	case k == schema.Float64:
		return PhysicalFloat64, 0
	case k == schema.String || k == schema.Bytes || k == schema.JSON:
		return PhysicalBytes, 0
	case k == schema.Fixed:
		return PhysicalFixed, t.Size
	case k == schema.UUID, k == schema.Decimal && t.Precision > ranges.MaxDigits64:
		return PhysicalFixed, 16
	case k == schema.Date, k == schema.TimeOfDay && t.Unit == schema.Millis, (k.IsSigned() || k.IsUnsigned()) && k != schema.Int64 && k != schema.Uint64:
		return PhysicalInt32, 0
	case k.IsLeaf():
		return PhysicalInt64, 0
	}
	return 0, 0
}

// Leaf holds the values and levels of one leaf of Columns. The slices that it returns are its own: do not change them, and do
// not use them after the next Append, Reset or Release.
//
// Nulls have levels, but no values. A leaf without nulls and lists has one value for each row.
type Leaf struct {
	node           *schema.Node
	physical       Physical
	maxDef, maxRep uint8
	size           int // of PhysicalFixed

	def, rep []uint8
	n32      []uint32 // values, or the offsets of bytes
	n64      []uint64
	data     []byte // values of bytes, one behind the other, or bools
	begun    int    // the number of levels before the row, in a list or map
	detached int    // values that Columns.Detach took out
}

func newLeaf(n *schema.Node) Leaf {
	def, rep := n.MaxLevels()
	physical, size := PhysicalOf(n.Type())
	return Leaf{node: n, physical: physical, size: size, maxDef: uint8(def), maxRep: uint8(rep)} // maxDepth keeps levels in a byte
}

// Node returns the leaf's node in the schema. Its MaxLevels say which definition level values have.
func (l *Leaf) Node() *schema.Node { return l.node }

// Definitions returns the definition level of each value and null. It is empty for a leaf that is never null and in no list
// or map: all levels would be 0.
func (l *Leaf) Definitions() []uint8 { return l.def }

// Repetitions returns the repetition level of each value and null, where 0 begins a row. It is empty if the leaf is in no
// list or map.
func (l *Leaf) Repetitions() []uint8 { return l.rep }

// Len returns the number of values, without the nulls.
func (l *Leaf) Len() int {
	switch l.physical {
	case PhysicalBool:
		return len(l.data)
	case PhysicalInt32, PhysicalFloat32:
		return len(l.n32)
	case PhysicalInt64, PhysicalFloat64:
		return len(l.n64)
	case PhysicalBytes:
		return max(len(l.n32)-1, 0)
	}
	return len(l.data) / l.size
}

// Bools returns the values of a PhysicalBool.
func (l *Leaf) Bools() []bool { return view[bool](l, l.data, PhysicalBool) }

// Int32s returns the values of a PhysicalInt32. Unsigned ones have the same bits.
func (l *Leaf) Int32s() []int32 { return view[int32](l, l.n32, PhysicalInt32) }

// Int64s returns the values of a PhysicalInt64. Unsigned ones have the same bits.
func (l *Leaf) Int64s() []int64 { return view[int64](l, l.n64, PhysicalInt64) }

// Float32s returns the values of a PhysicalFloat32.
func (l *Leaf) Float32s() []float32 { return view[float32](l, l.n32, PhysicalFloat32) }

// Float64s returns the values of a PhysicalFloat64.
func (l *Leaf) Float64s() []float64 { return view[float64](l, l.n64, PhysicalFloat64) }

// Bytes returns the values of a PhysicalBytes: value i is data[offsets[i]:offsets[i+1]]. There is one offset more than
// values.
func (l *Leaf) Bytes() (offsets []uint32, data []byte) {
	switch {
	case l.physical != PhysicalBytes:
		return nil, nil
	case len(l.n32) == 0:
		return []uint32{0}, nil
	}
	return l.n32, l.data
}

// Fixed returns the values of a PhysicalFixed one behind the other, and the size of each.
func (l *Leaf) Fixed() (data []byte, size int) {
	if l.physical != PhysicalFixed {
		return nil, 0
	}
	return l.data, l.size
}

// view returns values as a slice of To if their layout is p. From and To have the same size.
func view[To, From any](l *Leaf, values []From, p Physical) []To {
	if l.physical != p {
		return nil
	}
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(values))), len(values))
}

// valuesBefore returns the number of values that belong to the first levels.
func (l *Leaf) valuesBefore(levels int) int {
	if levels >= len(l.def) {
		return l.Len()
	}
	return l.Len() - bytes.Count(l.def[levels:], []byte{l.maxDef})
}

// rowBegins returns the number of levels before the last rows of a leaf in a list or map.
func (l *Leaf) rowBegins(last int) int {
	i := len(l.rep)
	for ; last > 0 && i > 0; last-- {
		i = bytes.LastIndexByte(l.rep[:i], 0)
	}
	return max(i, 0)
}

// truncate keeps the first levels and values only.
func (l *Leaf) truncate(levels, values int) {
	l.def, l.rep = l.def[:min(levels, len(l.def))], l.rep[:min(levels, len(l.rep))]
	if values >= l.Len() {
		return
	}
	switch l.physical {
	case PhysicalBool:
		l.data = l.data[:values]
	case PhysicalInt32, PhysicalFloat32:
		l.n32 = l.n32[:values]
	case PhysicalInt64, PhysicalFloat64:
		l.n64 = l.n64[:values]
	case PhysicalBytes:
		l.n32 = l.n32[:values+1]
		l.data = l.data[:l.n32[values]]
	default:
		l.data = l.data[:values*l.size]
	}
}

func (l *Leaf) release() {
	buffers.Bytes.Put(l.def)
	buffers.Bytes.Put(l.rep)
	buffers.Bytes.Put(l.data)
	buffers.Uint32s.Put(l.n32)
	buffers.Uint64s.Put(l.n64)
	l.def, l.rep, l.n32, l.n64, l.data = nil, nil, nil, nil, nil
}
