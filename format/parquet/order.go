package parquet

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// An order is how the values of a column compare. Readers use it to skip row groups and pages whose bounds a filter excludes.
type order uint8

const (
	unordered order = iota // files have no bounds: for bytes and JSON they would be useless, and of any length
	boolOrder
	signed32
	unsigned32
	signed64
	unsigned64
	float32Order
	float64Order
	textOrder    // by bytes, of any length
	fixedOrder   // by bytes
	decimalOrder // two's complement, the first byte first
)

// maxBound is the length in bytes at which bounds of text are cut. Longer fixed bytes have no bounds.
const maxBound = 64

func orderOf(t schema.Type) order {
	physical, size := columns.PhysicalOf(t)
	unsigned := t.Kind >= schema.Uint8 && t.Kind <= schema.Uint64
	switch {
	case physical == columns.PhysicalBool:
		return boolOrder
	case physical == columns.PhysicalInt32 && unsigned:
		return unsigned32
	case physical == columns.PhysicalInt32:
		return signed32
	case physical == columns.PhysicalInt64 && unsigned:
		return unsigned64
	case physical == columns.PhysicalInt64:
		return signed64
	case physical == columns.PhysicalFloat32:
		return float32Order
	case physical == columns.PhysicalFloat64:
		return float64Order
	case t.Kind == schema.String:
		return textOrder
	case t.Kind == schema.Decimal:
		return decimalOrder
	case physical == columns.PhysicalFixed && size <= maxBound:
		return fixedOrder
	}
	return unordered
}

// compare compares two values in the PLAIN encoding, none of which is NaN.
func (o order) compare(a, b []byte) int {
	switch o {
	case signed32:
		return cmp.Compare(int32(binary.LittleEndian.Uint32(a)), int32(binary.LittleEndian.Uint32(b)))
	case unsigned32:
		return cmp.Compare(binary.LittleEndian.Uint32(a), binary.LittleEndian.Uint32(b))
	case signed64:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b)))
	case unsigned64:
		return cmp.Compare(binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b))
	case float32Order:
		return cmp.Compare(math.Float32frombits(binary.LittleEndian.Uint32(a)), math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case float64Order:
		return cmp.Compare(math.Float64frombits(binary.LittleEndian.Uint64(a)), math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case decimalOrder:
		return compareDecimals(a, b)
	}
	return bytes.Compare(a, b)
}

// compareDecimals compares numbers of the same size in two's complement.
func compareDecimals(a, b []byte) int {
	if c := cmp.Compare(int8(a[0]), int8(b[0])); c != 0 {
		return c
	}
	return bytes.Compare(a[1:], b[1:])
}

// cutLeast returns a bound that is not above text and at most maxBound long, and whether it is text itself.
func cutLeast(text []byte) (bound []byte, exact bool) {
	if len(text) <= maxBound {
		return text, true
	}
	return text[:runeStart(text, maxBound)], false
}

// cutGreatest returns a bound that is not below text and at most maxBound long, and whether it is text itself. It is nil if
// there is none.
func cutGreatest(text []byte) (bound []byte, exact bool) {
	if len(text) <= maxBound {
		return text, true
	}
	for end := runeStart(text, maxBound); end > 0; {
		start := runeStart(text, end-1)
		r, size := utf8.DecodeRune(text[start:end])
		if r == utf8.RuneError && size == 1 {
			return nil, false // not UTF-8
		}
		if r++; r == 0xD800 {
			r = 0xE000 // the surrogates are no runes
		}
		if r <= utf8.MaxRune {
			return utf8.AppendRune(bytes.Clone(text[:start]), r), false
		}
		end = start // no rune is above the last one, so the rune before must rise
	}
	return nil, false
}

// runeStart returns the last place up to at where a rune begins.
func runeStart(text []byte, at int) int {
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}
