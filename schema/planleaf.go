package schema

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// A putFunc appends the value at p to a leaf, without its levels.
type putFunc func(c *Columns, l *Leaf, p unsafe.Pointer) error

// leaf returns what appends values of a leaf.
func (c *compiler) leaf(n *Node) putFunc {
	t := n.source.typ
	switch n.source.reader {
	case readTime, readProtoTime:
		return putTime(n.typ, t)
	case readProtoSpan:
		return putProtoSpan(t)
	case readJSON:
		return putMarshaled(t)
	}
	switch n.typ.Kind {
	case Decimal:
		return putDecimal(n)
	case String, Bytes, JSON:
		return putBytes(n.typ.Kind, n.source, c.textPolicy(n))
	case Fixed, UUID:
		return putFixed(n.typ, t)
	case Bool:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			if err := c.room(l, 1); err != nil {
				return err
			}
			l.data = append(l.data, *(*byte)(p))
			return nil
		}
	}
	return putInteger(n.typ, t)
}

// textPolicy returns what becomes of text that is not UTF-8. Keys are never replaced, as two could become one.
func (c *compiler) textPolicy(n *Node) UTF8Policy {
	if n.parent != nil && n.parent.typ.Kind == Map && n.name == "key" {
		return RejectInvalid
	}
	return c.opts.utf8
}

func put8(c *Columns, l *Leaf, p unsafe.Pointer) error {
	c.room64(l)
	l.n64 = append(l.n64, *(*uint64)(p))
	return nil
}

// putInteger appends integers of the Go type t, those of times and dates too.
func putInteger(typ Type, t reflect.Type) putFunc {
	least, most := limits(typ)
	wide, _ := typ.Physical()
	store := func(c *Columns, l *Leaf, v int64) {
		if wide == PhysicalInt64 {
			c.put64(l, uint64(v))
		} else {
			c.put32(l, uint32(v)) // in the limits
		}
	}
	divide := int64(1)
	if typ.Kind == TimeOfDay && t == durationType {
		divide = typ.Unit.nanos()
	}
	own := goInteger(t)
	if own.isUnsigned() {
		load := loadUint(t)
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			v := load(p)
			if typ.Kind != Uint64 && v > uint64(most) {
				return fmt.Errorf("%d is above %d, the most of %s", v, most, typ)
			}
			store(c, l, int64(v))
			return nil
		}
	}
	if own == Int64 && wide == PhysicalInt64 && least == math.MinInt64 && most == math.MaxInt64 && typ.Kind != Uint64 {
		return put8
	}
	load := loadInt(t)
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		v := load(p)
		if divide > 1 {
			v = floorDivide(v, divide)
		}
		if v < least || v > most {
			return fmt.Errorf("%d is not from %d to %d, as %s is", v, least, most, typ)
		}
		store(c, l, v)
		return nil
	}
}

// limits returns the least and the most that signed values of a type may be; for Uint64 the most is beyond them.
func limits(t Type) (least, most int64) {
	switch k := t.Kind; {
	case k.isSigned():
		bits := 8 << (k - Int8)
		return math.MinInt64 >> (64 - bits), math.MaxInt64 >> (64 - bits)
	case k == Uint64:
		return 0, math.MaxInt64
	case k.isUnsigned():
		return 0, 1<<(8<<(k-Uint8)) - 1
	case k == Date:
		return firstSecond / daySeconds, lastSecond / daySeconds
	case k == TimeOfDay:
		return 0, daySeconds*(1e9/t.Unit.nanos()) - 1
	case k == Timestamp && t.Unit == Nanos:
		return nanosFirst * 1e9, mostNanos
	case k == Timestamp:
		second := 1e9 / t.Unit.nanos()
		return firstSecond * second, lastSecond*second + second - 1
	}
	return math.MinInt64, math.MaxInt64
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

// putBytes appends strings, slices of bytes, and texts that types make of their values.
func putBytes(k Kind, from source, policy UTF8Policy) putFunc {
	check := checkText(k, policy)
	switch {
	case from.reader == readText && from.typ == reflect.TypeFor[netip.Addr]():
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			if addr := (*netip.Addr)(p); addr.IsValid() {
				c.text = addr.AppendTo(c.text[:0])
			} else {
				c.text = c.text[:0] // as its MarshalText has it
			}
			return c.putBytes(l, c.text)
		}
	case from.reader != readKind:
		text := textOf(from.typ, from.reader)
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
	case k == String && policy == RejectInvalid && from.typ.Kind() == reflect.String:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			s := *(*string)(p)
			if !utf8.ValidString(s) {
				return notUTF8(s)
			}
			return c.putText(l, s)
		}
	default: // a string begins like a slice
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			b, err := check(bytesAt(from.typ, p))
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

// checkText returns what checks text for a kind, and returns it with what is wrong replaced if that is the policy.
func checkText(k Kind, policy UTF8Policy) func([]byte) ([]byte, error) {
	switch k {
	case JSON:
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
	case Bytes:
		return func(b []byte) ([]byte, error) { return b, nil }
	}
	return func(b []byte) ([]byte, error) {
		if utf8.Valid(b) {
			return b, nil
		}
		if policy == ReplaceInvalid {
			return []byte(strings.ToValidUTF8(string(b), "\uFFFD")), nil
		}
		return nil, notUTF8(string(b))
	}
}

func notUTF8(s string) error { return fmt.Errorf("%.200q is not UTF-8", s) }

// putFixed appends arrays and slices of bytes, and the UUIDs of text.
func putFixed(typ Type, t reflect.Type) putFunc {
	_, size := typ.Physical()
	if t.Kind() == reflect.String {
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			id, err := parseUUID(*(*string)(p))
			if err != nil {
				return err
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

// parseUUID reads the text of RFC 9562: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
func parseUUID(s string) (id [16]byte, err error) {
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		var digits [32]byte
		copy(digits[:], s[:8])
		copy(digits[8:], s[9:13])
		copy(digits[12:], s[14:18])
		copy(digits[16:], s[19:23])
		copy(digits[20:], s[24:])
		if _, err := hex.Decode(id[:], digits[:]); err == nil {
			return id, nil
		}
	}
	return id, fmt.Errorf("%.50q is no UUID, such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6", s)
}

var errPanic = errors.New("panic")
