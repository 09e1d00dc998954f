package columns

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/gosource"
	"github.com/jetcapture/lake/schema/internal/ranges"
	"github.com/jetcapture/lake/schema/internal/uuid"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// A putFunc appends the value at p to a leaf, without its levels.
type putFunc func(c *Columns, l *Leaf, p unsafe.Pointer) error

// putLeaf returns the function that appends values of a leaf.
func putLeaf(typ schema.Type, from *gosource.Value) putFunc {
	t := from.Type
	switch from.Reader {
	case gosource.ByTime, gosource.ByProtoTime:
		return putTime(typ, t)
	case gosource.ByProtoSpan:
		return putProtoSpan(t)
	case gosource.ByJSON:
		return putMarshaled(t)
	}
	switch typ.Kind {
	case schema.Decimal:
		return putDecimal(typ, from)
	case schema.String, schema.Bytes, schema.JSON:
		return putBytes(typ.Kind, from)
	case schema.Fixed, schema.UUID:
		return putFixed(typ, t)
	case schema.Bool:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			if err := c.room(l, 1); err != nil {
				return err
			}
			l.data = append(l.data, *(*byte)(p))
			return nil
		}
	}
	return putInteger(typ, t)
}

func put8(c *Columns, l *Leaf, p unsafe.Pointer) error {
	c.room64(l)
	l.n64 = append(l.n64, *(*uint64)(p))
	return nil
}

// putInteger returns the function that appends integers of the Go type t, also as times and dates.
func putInteger(typ schema.Type, t reflect.Type) putFunc {
	least, most := limits(typ)
	wide, _ := PhysicalOf(typ)
	store := func(c *Columns, l *Leaf, v int64) {
		if wide == PhysicalInt64 {
			c.put64(l, uint64(v))
		} else {
			c.put32(l, uint32(v)) // in the limits
		}
	}
	divide := int64(1)
	if typ.Kind == schema.TimeOfDay && t == durationType {
		divide = int64(typ.Unit.Duration())
	}
	if unsignedBits(t) > 0 {
		load := loadUint(t)
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			v := load(p)
			if typ.Kind != schema.Uint64 && v > uint64(most) {
				return fmt.Errorf("%d is above %d, the most of %s", v, most, typ)
			}
			store(c, l, int64(v))
			return nil
		}
	}
	if signedBits(t) == 64 && wide == PhysicalInt64 && least == math.MinInt64 && most == math.MaxInt64 && typ.Kind != schema.Uint64 {
		return put8
	}
	load := loadInt(t)
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		v := load(p)
		if divide > 1 {
			v = ranges.FloorDivide(v, divide)
		}
		if v < least || v > most {
			return fmt.Errorf("%d is not from %d to %d, as %s is", v, least, most, typ)
		}
		store(c, l, v)
		return nil
	}
}

// limits returns the least and the greatest int64 that a type may have. Uint64 has greater values too.
func limits(t schema.Type) (least, most int64) {
	switch k := t.Kind; {
	case k.IsSigned():
		bits := 8 << (k - schema.Int8)
		return math.MinInt64 >> (64 - bits), math.MaxInt64 >> (64 - bits)
	case k == schema.Uint64:
		return 0, math.MaxInt64
	case k.IsUnsigned():
		return 0, 1<<(8<<(k-schema.Uint8)) - 1
	case k == schema.Date:
		return ranges.FirstSecond / ranges.DaySeconds, ranges.LastSecond / ranges.DaySeconds
	case k == schema.TimeOfDay:
		return 0, ranges.DaySeconds*(1e9/int64(t.Unit.Duration())) - 1
	case k == schema.Timestamp && t.Unit == schema.Nanos:
		return ranges.FirstNanos, ranges.LastNanos
	case k == schema.Timestamp:
		second := 1e9 / int64(t.Unit.Duration())
		return ranges.FirstSecond * second, ranges.LastSecond*second + second - 1
	}
	return math.MinInt64, math.MaxInt64
}

// signedBits returns the size of the signed integers of t in bits, or 0 if they are none.
func signedBits(t reflect.Type) int {
	if k := t.Kind(); k >= reflect.Int && k <= reflect.Int64 {
		return t.Bits()
	}
	return 0
}

// unsignedBits returns the size of the unsigned integers of t in bits, or 0 if they are none.
func unsignedBits(t reflect.Type) int {
	if k := t.Kind(); k >= reflect.Uint && k <= reflect.Uint64 {
		return t.Bits()
	}
	return 0
}

func loadInt(t reflect.Type) func(unsafe.Pointer) int64 {
	switch t.Size() {
	case 1:
		return func(p unsafe.Pointer) int64 { return int64(*(*int8)(p)) }
	case 2:
		return func(p unsafe.Pointer) int64 { return int64(*(*int16)(p)) }
	case 4:
		return func(p unsafe.Pointer) int64 { return int64(*(*int32)(p)) }
	}
	return func(p unsafe.Pointer) int64 { return *(*int64)(p) }
}

func loadUint(t reflect.Type) func(unsafe.Pointer) uint64 {
	switch t.Size() {
	case 1:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint8)(p)) }
	case 2:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint16)(p)) }
	case 4:
		return func(p unsafe.Pointer) uint64 { return uint64(*(*uint32)(p)) }
	}
	return func(p unsafe.Pointer) uint64 { return *(*uint64)(p) }
}

// putBytes returns the function that appends strings, slices of bytes, and the texts of types with MarshalText or String.
func putBytes(k schema.Kind, from *gosource.Value) putFunc {
	check := checkText(k, from.ReplaceInvalid)
	switch {
	case from.Reader == gosource.ByText && from.Type == reflect.TypeFor[netip.Addr]():
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			if addr := (*netip.Addr)(p); addr.IsValid() {
				c.text = addr.AppendTo(c.text[:0])
			} else {
				c.text = c.text[:0] // as its MarshalText has it
			}
			return c.putBytes(l, c.text)
		}
	case from.Reader != gosource.ByKind:
		text := textOf(from.Type, from.Reader)
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			b, err := text(p)
			if err == nil {
				b, err = check(b)
			}
			if err != nil {
				return err
			}
			return c.putBytes(l, b)
		}
	case k == schema.String && !from.ReplaceInvalid && from.Type.Kind() == reflect.String:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			s := *(*string)(p)
			if !utf8.ValidString(s) {
				return notUTF8(s)
			}
			return c.putText(l, s)
		}
	default: // a string begins like a slice
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			b, err := check(bytesAt(from.Type, p))
			if err != nil {
				return err
			}
			return c.putBytes(l, b)
		}
	}
}

// bytesAt returns the bytes of a string, a slice or an array at p. They are not to be changed.
func bytesAt(t reflect.Type, p unsafe.Pointer) []byte {
	switch t.Kind() {
	case reflect.String:
		s := *(*string)(p)
		return unsafe.Slice(unsafe.StringData(s), len(s))
	case reflect.Slice:
		return *(*[]byte)(p)
	}
	return unsafe.Slice((*byte)(p), t.Len())
}

// checkText returns the function that checks text for a kind. With replace, it replaces invalid UTF-8 instead of rejecting it.
func checkText(k schema.Kind, replace bool) func([]byte) ([]byte, error) {
	switch k {
	case schema.JSON:
		return func(b []byte) ([]byte, error) {
			if len(b) > MaxValue {
				return b, nil // refused for that below
			}
			if !utf8.Valid(b) {
				return nil, notUTF8(string(b[:min(len(b), 200)]))
			}
			if !json.Valid(b) {
				return nil, fmt.Errorf("%.200q is not JSON", b)
			}
			return b, nil
		}
	case schema.Bytes:
		return func(b []byte) ([]byte, error) { return b, nil }
	}
	return func(b []byte) ([]byte, error) {
		if utf8.Valid(b) {
			return b, nil
		}
		if replace {
			return []byte(strings.ToValidUTF8(string(b), "\uFFFD")), nil
		}
		return nil, notUTF8(string(b))
	}
}

func notUTF8(s string) error { return fmt.Errorf("%.200q is not UTF-8", s) }

// putFixed returns the function that appends arrays and slices of bytes, and UUIDs from text.
func putFixed(typ schema.Type, t reflect.Type) putFunc {
	_, size := PhysicalOf(typ)
	if t.Kind() == reflect.String {
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			text := *(*string)(p)
			id, ok := uuid.Parse(text)
			if !ok {
				return fmt.Errorf("%.50q is no UUID, such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6", text)
			}
			return c.putFixed(l, id[:])
		}
	}
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		b := bytesAt(t, p)
		if len(b) != size {
			return fmt.Errorf("%d bytes are not %d, as %s has", len(b), size, typ)
		}
		return c.putFixed(l, b)
	}
}

var errPanic = errors.New("panic")
