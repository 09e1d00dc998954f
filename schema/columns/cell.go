package columns

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/gosource"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// A cell appends the value at a place in memory to all leaves of a node. Values of the most frequent types are appended in
// the method itself, by a switch: calling a function value costs as much as appending the value.
type cell struct {
	method    method
	nilIsNull bool  // the first word at the place is nil if the value is null
	deref     bool  // the first word points to the value
	def       uint8 // the definition level of a value
	nullDef   uint8 // and of a null
	leaf      int
	path      string     // for errors
	call      appendFunc // of viaCall
}

// A method is a way in which a cell appends a value.
type method uint8

const (
	viaCall    method = iota
	copyByte          // a bool
	copy32            // 32 bits
	copy64            // 64 bits
	copyText          // a string, if it is UTF-8
	copyBytes         // a string or a slice of bytes
	copyMicros        // a time.Time as microseconds since 1970, UTC
)

// append appends the value at p. rep is the repetition level of its first part.
func (f *cell) append(c *Columns, p unsafe.Pointer, rep uint8) error {
	if f.method == viaCall {
		return f.call(c, p, rep)
	}
	l := &c.leaves[f.leaf]
	if f.nilIsNull {
		first := *(*unsafe.Pointer)(p)
		if first == nil {
			c.level(l, f.nullDef, rep)
			return nil
		}
		if f.deref {
			p = first
		}
	}
	switch f.method {
	case copy64:
		c.room64(l)
		l.n64 = append(l.n64, *(*uint64)(p))
	case copyText:
		s := *(*string)(p)
		if !isASCII(s) && !utf8.ValidString(s) {
			return f.wrong(notUTF8(s))
		}
		if err := c.putText(l, s); err != nil {
			return f.wrong(err)
		}
	case copyBytes:
		if err := c.putText(l, *(*string)(p)); err != nil { // a slice begins like a string
			return f.wrong(err)
		}
	case copyMicros:
		at := (*time.Time)(p)
		seconds := at.Unix()
		if seconds < ranges.FirstSecond || seconds > ranges.LastSecond {
			return f.wrong(notInYears(seconds))
		}
		c.room64(l)
		l.n64 = append(l.n64, uint64(seconds*1e6+int64(at.Nanosecond())/1e3))
	case copy32:
		c.room32(l)
		l.n32 = append(l.n32, *(*uint32)(p))
	default:
		if err := c.room(l, 1); err != nil {
			return f.wrong(err)
		}
		l.data = append(l.data, *(*byte)(p))
	}
	if f.def > 0 {
		c.roomForLevel(&l.def)
		l.def = append(l.def, f.def)
		if l.maxRep > 0 {
			c.roomForLevel(&l.rep)
			l.rep = append(l.rep, rep)
		}
	}
	return nil
}

func (f *cell) wrong(err error) error { return fmt.Errorf("column %s: %w", f.path, err) }

// methodFor returns the method that appends the values of a leaf.
func methodFor(n *schema.Node) method {
	t, typ := n.Source().Type, n.Type()
	switch n.Source().Reader {
	case gosource.ByTime:
		if t == timeType && typ.Kind == schema.Timestamp && typ.Unit == schema.Micros && !typ.Local {
			return copyMicros
		}
		return viaCall
	case gosource.ByKind:
	default:
		return viaCall
	}
	kind := typ.Kind
	switch {
	case kind == schema.Bool:
		return copyByte
	case kind == schema.Float32, kind == schema.Int32 && signedBits(t) == 32, kind == schema.Uint32 && unsignedBits(t) == 32:
		return copy32
	case kind == schema.Float64, (kind == schema.Int64 || kind == schema.Duration) && signedBits(t) == 64,
		kind == schema.Uint64 && unsignedBits(t) == 64:
		return copy64
	case kind == schema.String && t.Kind() == reflect.String && !n.Source().ReplaceInvalid:
		return copyText
	case kind == schema.Bytes: // never of an array
		return copyBytes
	}
	return viaCall
}

// isASCII reports whether s has no byte above 0x7f. It is UTF-8 then.
func isASCII(s string) bool {
	const high = 0x8080808080808080
	if len(s) < 8 {
		var all byte
		for i := range len(s) {
			all |= s[i]
		}
		return all < 0x80
	}
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	last := b[len(b)-8:] // may overlap with the words before
	for ; len(b) > 8; b = b[8:] {
		if binary.NativeEndian.Uint64(b)&high != 0 {
			return false
		}
	}
	return binary.NativeEndian.Uint64(last)&high == 0
}
