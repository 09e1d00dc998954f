package format

import (
	"encoding/binary"
	"math/bits"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// putDecimal returns a putFunc of decimals, with all digits of their scale after the point.
func putDecimal(t schema.Type) putFunc {
	scale := t.Scale
	if physical, _ := columns.PhysicalOf(t); physical == columns.PhysicalInt64 {
		return func(out []byte, l *columns.Leaf, i int) []byte {
			v := l.Int64s()[i]
			low := uint64(v)
			if v < 0 {
				low = -low
			}
			return appendDecimal(out, v < 0, 0, low, scale)
		}
	}
	return func(out []byte, l *columns.Leaf, i int) []byte {
		twos := fixedAt(l, i)
		high, low := binary.BigEndian.Uint64(twos), binary.BigEndian.Uint64(twos[8:])
		negative := high>>63 == 1
		if negative {
			var borrow uint64
			low, borrow = bits.Sub64(0, low, 0)
			high, _ = bits.Sub64(0, high, borrow)
		}
		return appendDecimal(out, negative, high, low, scale)
	}
}

// appendDecimal appends a number of 128 bits, which has at most schema.MaxPrecision digits, with scale of them after the point.
func appendDecimal(out []byte, negative bool, high, low uint64, scale int) []byte {
	const half = 10_000_000_000_000_000_000 // 10^19: splits the digits in halves
	first, second := bits.Div64(high, low, half)
	var digits [1 + schema.MaxPrecision]byte // the first is 0
	for i := len(digits) - 1; i >= 0; i-- {
		if i == schema.MaxPrecision/2 {
			second = first
		}
		digits[i] = byte('0' + second%10)
		second /= 10
	}
	point := len(digits) - scale
	begin := 0
	for begin < point-1 && digits[begin] == '0' {
		begin++
	}
	if negative {
		out = append(out, '-')
	}
	out = append(out, digits[begin:point]...)
	if scale == 0 {
		return out
	}
	return append(append(out, '.'), digits[point:]...)
}
