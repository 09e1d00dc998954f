package formattest

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/schema"
)

// Int has the digits of an integer of any size and sign.
//
// This type and the following ones are the canonical values, to which the values of all readers are converted; nil and bool are
// canonical too. Two values are the same if they are ==, with all bits of numbers; there is only one NaN.
type Int string

// Float32 has the bits of the number, see F32.
type Float32 uint32

// Float64 has the bits of the number, see F64.
type Float64 uint64

// Text is UTF-8.
type Text string

// JSON is one JSON value, byte for byte.
type JSON string

// Bytes is any bytes, of a fixed length or not.
type Bytes string

// UUID has its first digit first.
type UUID [16]byte

// Decimal has digits, with as many after the point as its column has, see Dec.
type Decimal string

// Date is days since 1970-01-01.
type Date int64

// Duration is nanoseconds.
type Duration int64

// Timestamp is counted since 1970, in UTC or on a wall clock.
type Timestamp struct {
	Count int64
	Unit  schema.Unit
	UTC   bool
}

// TimeOfDay is counted since midnight.
type TimeOfDay struct {
	Count int64
	Unit  schema.Unit
	UTC   bool
}

// List has the elements of a list.
type List []any

// Map has the entries of a map in their order.
type Map []Entry

// Struct has the fields of a struct, or the columns of a row, in their order.
type Struct []Field

// NoMap is the expected value of a null map: it is nil, but one reader does not know which maps are null.
type NoMap struct{}

// Entry is one entry of a map.
type Entry struct{ Key, Value any }

// Field is one field of a struct, or a column of a row.
type Field struct {
	Name  string
	Value any
}

// F32 returns the canonical value of f. All NaN are the same.
func F32(f float32) Float32 {
	if f != f {
		f = float32(math.NaN())
	}
	return Float32(math.Float32bits(f))
}

// F64 returns the canonical value of f. All NaN are the same.
func F64(f float64) Float64 {
	if f != f {
		f = math.NaN()
	}
	return Float64(math.Float64bits(f))
}

// I returns the canonical value of an integer.
func I[N ~int | ~int8 | ~int16 | ~int32 | ~int64](n N) Int {
	return Int(strconv.FormatInt(int64(n), 10))
}

// U returns the canonical value of an integer without a sign.
func U[N ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64](n N) Int {
	return Int(strconv.FormatUint(uint64(n), 10))
}

// Dec returns the canonical value of unscaled, in digits, times 10^-scale.
func Dec(unscaled string, scale int) Decimal {
	digits, negative := strings.CutPrefix(unscaled, "-")
	if scale > 0 {
		if missing := scale + 1 - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if negative {
		digits = "-" + digits
	}
	return Decimal(digits)
}

// String returns the number.
func (f Float32) String() string {
	return "Float32(" + strconv.FormatFloat(float64(math.Float32frombits(uint32(f))), 'g', -1, 32) + ")"
}

// String returns the number.
func (f Float64) String() string {
	return "Float64(" + strconv.FormatFloat(math.Float64frombits(uint64(f)), 'g', -1, 64) + ")"
}

// String returns the digits.
func (u UUID) String() string { return "UUID(" + hex.EncodeToString(u[:]) + ")" }

// show returns the text of a value for a report, cut if it is long.
func show(v any) string {
	var s string
	switch v := v.(type) {
	case nil, NoMap:
		return "null"
	case fmt.Stringer:
		return v.String()
	case Timestamp:
		return fmt.Sprintf("Timestamp(%d %s, UTC %t)", v.Count, v.Unit, v.UTC)
	case TimeOfDay:
		return fmt.Sprintf("TimeOfDay(%d %s, UTC %t)", v.Count, v.Unit, v.UTC)
	case Date:
		return fmt.Sprintf("Date(%d)", int64(v))
	case Duration:
		return fmt.Sprintf("Duration(%d)", int64(v))
	case Text, JSON, Bytes, Int, Decimal:
		s = fmt.Sprintf("%T(%.100q)", v, v)
		if n := len(fmt.Sprint(v)); n > 100 {
			s += fmt.Sprintf(" of %d bytes", n)
		}
	default:
		s = fmt.Sprintf("%T(%.200v)", v, v)
	}
	return strings.TrimPrefix(s, "formattest.")
}

// seen returns v with each value in it replaced by what see returns for it, from the inside out.
func seen(v any, see func(any) any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case List:
		list := make(List, len(v))
		for i := range v {
			list[i] = seen(v[i], see)
		}
		return see(list)
	case Map:
		entries := make(Map, len(v))
		for i, e := range v {
			entries[i] = Entry{seen(e.Key, see), seen(e.Value, see)}
		}
		return see(entries)
	case Struct:
		fields := make(Struct, len(v))
		for i, f := range v {
			fields[i] = Field{f.Name, seen(f.Value, see)}
		}
		return see(fields)
	}
	return see(v)
}

// difference describes how and where two values differ, or returns "".
func difference(path string, got, want any) string {
	switch w := want.(type) {
	case List:
		g, ok := got.(List)
		if !ok {
			break
		}
		if len(g) != len(w) {
			return fmt.Sprintf("%s has %d elements, want %d", path, len(g), len(w))
		}
		for i := range w {
			if d := difference(path+"["+strconv.Itoa(i)+"]", g[i], w[i]); d != "" {
				return d
			}
		}
		return ""
	case Map:
		g, ok := got.(Map)
		if !ok {
			break
		}
		if len(g) != len(w) {
			return fmt.Sprintf("%s has %d entries, want %d", path, len(g), len(w))
		}
		for i := range w {
			at := path + "{" + strconv.Itoa(i) + "}"
			if d := difference(at+".key", g[i].Key, w[i].Key); d != "" {
				return d
			}
			if d := difference(at+".value", g[i].Value, w[i].Value); d != "" {
				return d
			}
		}
		return ""
	case Struct:
		g, ok := got.(Struct)
		if !ok {
			break
		}
		if len(g) != len(w) {
			return fmt.Sprintf("%s has %d fields, want %d", path, len(g), len(w))
		}
		for i := range w {
			if g[i].Name != w[i].Name {
				return fmt.Sprintf("%s has the field %q, want %q", path, g[i].Name, w[i].Name)
			}
			if d := difference(path+"."+w[i].Name, g[i].Value, w[i].Value); d != "" {
				return d
			}
		}
		return ""
	default:
		switch got.(type) {
		case List, Map, Struct:
		default:
			if got == want || got == nil && want == (NoMap{}) {
				return ""
			}
		}
	}
	return fmt.Sprintf("%s is %s, want %s", path, show(got), show(want))
}
