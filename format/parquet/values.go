package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"github.com/parquet-go/parquet-go/encoding/bytestreamsplit"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema/columns"
)

// values has the values of a leaf, whose memory it shares, in one of its slices, which physical tells.
type values struct {
	physical columns.Physical
	bools    []bool
	int32s   []int32
	int64s   []int64
	float32s []float32
	float64s []float64
	offsets  []uint32 // of bytes, one more than there are values
	data     []byte   // of bytes and fixed
	size     int      // of fixed
}

func valuesOf(l *columns.Leaf) values {
	v := values{bools: l.Bools(), int32s: l.Int32s(), int64s: l.Int64s(), float32s: l.Float32s(), float64s: l.Float64s()}
	v.physical, _ = columns.PhysicalOf(l.Node().Type())
	switch v.physical {
	case columns.PhysicalBytes:
		v.offsets, v.data = l.Bytes()
	case columns.PhysicalFixed:
		v.data, v.size = l.Fixed()
	}
	return v
}

// at returns value i of bytes or fixed.
func (v *values) at(i int) []byte {
	if v.physical == columns.PhysicalBytes {
		return v.data[v.offsets[i]:v.offsets[i+1]]
	}
	return v.data[i*v.size : (i+1)*v.size]
}

// width returns the bytes of value i in the PLAIN encoding.
func (v *values) width(i int) int {
	if v.physical == columns.PhysicalBytes {
		return 4 + int(v.offsets[i+1]-v.offsets[i])
	}
	return v.fixedWidth()
}

// fixedWidth returns the bytes of each value in the PLAIN encoding, or 0 if values differ in it.
func (v *values) fixedWidth() int {
	switch v.physical {
	case columns.PhysicalBool:
		return 1 // an eighth, in fact
	case columns.PhysicalInt32, columns.PhysicalFloat32:
		return 4
	case columns.PhysicalInt64, columns.PhysicalFloat64:
		return 8
	}
	return v.size
}

// bytes returns the bytes of all n values in the PLAIN encoding, those of bools as if they were bytes.
func (v *values) bytes(n int) int {
	if v.physical == columns.PhysicalBytes {
		return 4*n + len(v.data)
	}
	return n * v.fixedWidth()
}

// plain appends values in the PLAIN encoding.
func (v *values) plain(dst []byte, from, to int) []byte {
	switch v.physical {
	case columns.PhysicalBool:
		return plainBools(dst, v.bools[from:to])
	case columns.PhysicalInt32:
		for _, n := range v.int32s[from:to] {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(n))
		}
	case columns.PhysicalInt64:
		for _, n := range v.int64s[from:to] {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(n))
		}
	case columns.PhysicalFloat32:
		for _, f := range v.float32s[from:to] {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(f))
		}
	case columns.PhysicalFloat64:
		for _, f := range v.float64s[from:to] {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		}
	case columns.PhysicalFixed:
		dst = append(dst, v.data[from*v.size:to*v.size]...)
	case columns.PhysicalBytes:
		start := v.offsets[from]
		for _, end := range v.offsets[from+1 : to+1] {
			dst = binary.LittleEndian.AppendUint32(dst, end-start)
			dst = append(dst, v.data[start:end]...)
			start = end
		}
	}
	return dst
}

// plainBools appends a bit for each, the lowest first.
func plainBools(dst []byte, bools []bool) []byte {
	for len(bools) > 0 {
		var b byte
		for i, set := range bools[:min(8, len(bools))] {
			if set {
				b |= 1 << i
			}
		}
		dst = append(dst, b)
		bools = bools[min(8, len(bools)):]
	}
	return dst
}

var (
	deltas  delta.BinaryPackedEncoding
	lengths delta.LengthByteArrayEncoding
	splits  bytestreamsplit.Encoding
)

// encode appends values in an encoding that supports allows for them. It uses scratch, and returns it.
func (v *values) encode(dst, scratch []byte, encoding pqformat.Encoding, from, to int) (encoded, used []byte, err error) {
	switch {
	case encoding == pqformat.Plain:
		return v.plain(dst, from, to), scratch, nil
	case encoding == pqformat.DeltaBinaryPacked && v.physical == columns.PhysicalInt32:
		scratch, err = deltas.EncodeInt32(scratch, v.int32s[from:to])
	case encoding == pqformat.DeltaBinaryPacked && v.physical == columns.PhysicalInt64:
		scratch, err = deltas.EncodeInt64(scratch, v.int64s[from:to])
	case encoding == pqformat.DeltaLengthByteArray && v.physical == columns.PhysicalBytes:
		scratch, err = lengths.EncodeByteArray(scratch, v.data[v.offsets[from]:v.offsets[to]], v.offsets[from:to+1])
	case encoding == pqformat.ByteStreamSplit && v.physical == columns.PhysicalFloat32:
		scratch, err = splits.EncodeFloat(scratch, v.float32s[from:to])
	case encoding == pqformat.ByteStreamSplit && v.physical == columns.PhysicalFloat64:
		scratch, err = splits.EncodeDouble(scratch, v.float64s[from:to])
	default:
		return nil, nil, fmt.Errorf("%s is not for these values", encoding)
	}
	return append(dst, scratch...), scratch, err
}

// encodeIndexes appends indexes of a dictionary with the given number of entries: their width in bits, then runs. It uses scratch,
// and returns it.
func encodeIndexes(dst, scratch []byte, indexes []int32, entries int) (encoded, used []byte, err error) {
	width := max(bits.Len(uint(entries-1)), 1) // some readers refuse 0
	scratch, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(scratch, indexes)
	return append(append(dst, byte(width)), scratch...), scratch, err
}

// encodeLevels appends levels up to most as runs. It uses scratch, and returns it.
func encodeLevels(dst, scratch, levels []byte, most uint8) (encoded, used []byte, err error) {
	if allEqual(levels) {
		dst = binary.AppendUvarint(dst, uint64(len(levels))<<1)
		return append(dst, levels[0]), scratch, nil
	}
	scratch, err = (&rle.Encoding{BitWidth: bits.Len8(most)}).EncodeLevels(scratch, levels)
	return append(dst, scratch...), scratch, err
}

// allEqual reports whether there are levels, and only one.
func allEqual(levels []byte) bool {
	return len(levels) > 0 && bytes.Count(levels, levels[:1]) == len(levels)
}
