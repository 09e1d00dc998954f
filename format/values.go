package format

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A putFunc appends value i of a leaf to out.
type putFunc func(out []byte, l *columns.Leaf, i int) []byte

// A value is how the values of a type are written: the text of each, and its form in JSON and CSV.
type value struct {
	put putFunc
	as  textForm
}

type textForm uint8

const (
	asNumber textForm = iota // JSON as it is
	asFloat                  // JSON as it is, except NaN and infinities
	asWord                   // of characters that need no escape in JSON and CSV
	asText                   // of any characters
	asJSON                   // JSON, but perhaps in several lines
)

func valueOf(t schema.Type) value {
	switch physical, _ := columns.PhysicalOf(t); t.Kind {
	case schema.Bool:
		return value{putBool, asNumber}
	case schema.Uint64:
		return value{putUint64, asNumber}
	case schema.Uint8, schema.Uint16, schema.Uint32:
		return value{putUint32, asNumber}
	case schema.Float32:
		return value{putFloat32, asFloat}
	case schema.Float64:
		return value{putFloat64, asFloat}
	case schema.String:
		return value{putBytes, asText}
	case schema.JSON:
		return value{putBytes, asJSON}
	case schema.Bytes:
		return value{putBase64, asWord}
	case schema.Fixed:
		return value{putFixed, asWord}
	case schema.UUID:
		return value{putUUID, asWord}
	case schema.Timestamp, schema.Date, schema.TimeOfDay:
		return value{putTime(t), asWord}
	case schema.Decimal:
		return value{putDecimal(t), asWord}
	default: // Duration too
		if physical == columns.PhysicalInt64 {
			return value{putInt64, asNumber}
		}
		return value{putInt32, asNumber}
	}
}

// json returns a putFunc of JSON. Decimals are strings, since readers make a float64 of a number.
func (v value) json() putFunc {
	switch v.as {
	case asFloat:
		name := v.name()
		return func(out []byte, l *columns.Leaf, i int) []byte {
			begin := len(out)
			out = v.put(out, l, i)
			if last := out[len(out)-1]; last == 'N' || last == 'y' { // NaN, Infinity
				return name(out[:begin], l, i)
			}
			return out
		}
	case asJSON:
		return func(out []byte, l *columns.Leaf, i int) []byte {
			begin := len(out)
			out = v.put(out, l, i)
			for j := begin; j < len(out); j++ {
				if out[j] == '\n' || out[j] == '\r' { // between tokens: a string cannot contain one
					out[j] = ' '
				}
			}
			return out
		}
	case asNumber:
		return v.put
	}
	return v.name()
}

// name returns a putFunc of strings of JSON.
func (v value) name() putFunc {
	if v.as == asText || v.as == asJSON {
		return func(out []byte, l *columns.Leaf, i int) []byte {
			offsets, data := l.Bytes()
			return appendJSONText(out, data[offsets[i]:offsets[i+1]])
		}
	}
	return func(out []byte, l *columns.Leaf, i int) []byte {
		return append(v.put(append(out, '"'), l, i), '"')
	}
}

// csv returns a putFunc of fields of CSV.
func (v value) csv() putFunc {
	switch v.as {
	case asText, asJSON:
		return func(out []byte, l *columns.Leaf, i int) []byte {
			offsets, data := l.Bytes()
			return appendCSVText(out, data[offsets[i]:offsets[i+1]])
		}
	case asWord:
		return func(out []byte, l *columns.Leaf, i int) []byte {
			begin := len(out)
			if out = v.put(out, l, i); len(out) == begin { // empty bytes, which are not null
				return append(out, `""`...)
			}
			return out
		}
	}
	return v.put
}

func putBool(out []byte, l *columns.Leaf, i int) []byte { return strconv.AppendBool(out, l.Bools()[i]) }

func putInt32(out []byte, l *columns.Leaf, i int) []byte {
	return strconv.AppendInt(out, int64(l.Int32s()[i]), 10)
}

func putInt64(out []byte, l *columns.Leaf, i int) []byte {
	return strconv.AppendInt(out, l.Int64s()[i], 10)
}

func putUint32(out []byte, l *columns.Leaf, i int) []byte {
	return strconv.AppendUint(out, uint64(uint32(l.Int32s()[i])), 10)
}

func putUint64(out []byte, l *columns.Leaf, i int) []byte {
	return strconv.AppendUint(out, uint64(l.Int64s()[i]), 10)
}

func putFloat32(out []byte, l *columns.Leaf, i int) []byte {
	return appendFloat(out, float64(l.Float32s()[i]), 32)
}

func putFloat64(out []byte, l *columns.Leaf, i int) []byte {
	return appendFloat(out, l.Float64s()[i], 64)
}

// appendFloat appends the shortest text that is read as the same number and is not an integer, so that a column has one type
// whatever numbers it has, and -0 keeps its sign.
func appendFloat(out []byte, v float64, bits int) []byte {
	switch {
	case math.IsNaN(v):
		return append(out, "NaN"...)
	case math.IsInf(v, 1):
		return append(out, "Infinity"...)
	case math.IsInf(v, -1):
		return append(out, "-Infinity"...)
	}
	begin, form := len(out), byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-6 || size >= 1e21) {
		form = 'e'
	}
	out = strconv.AppendFloat(out, v, form, -1, bits)
	if form == 'f' && bytes.IndexByte(out[begin:], '.') < 0 {
		return append(out, ".0"...)
	}
	return out
}

func putBytes(out []byte, l *columns.Leaf, i int) []byte {
	offsets, data := l.Bytes()
	return append(out, data[offsets[i]:offsets[i+1]]...)
}

func putBase64(out []byte, l *columns.Leaf, i int) []byte {
	offsets, data := l.Bytes()
	return base64.StdEncoding.AppendEncode(out, data[offsets[i]:offsets[i+1]])
}

func putFixed(out []byte, l *columns.Leaf, i int) []byte {
	return base64.StdEncoding.AppendEncode(out, fixedAt(l, i))
}

func fixedAt(l *columns.Leaf, i int) []byte {
	data, size := l.Fixed()
	return data[i*size : (i+1)*size]
}

func putUUID(out []byte, l *columns.Leaf, i int) []byte {
	id, begin := fixedAt(l, i), 0
	for _, end := range [...]int{4, 6, 8, 10, 16} {
		if begin > 0 {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, id[begin:end])
		begin = end
	}
	return out
}

// appendJSONText appends text, which is UTF-8, as a string of JSON. Like encoding/json it escapes U+2028 and U+2029, which
// some readers take for the end of a line.
func appendJSONText(out, text []byte) []byte {
	const digits = "0123456789abcdef"
	out = append(out, '"')
	done := 0
	for i, b := range text {
		if b >= ' ' && b != '"' && b != '\\' && b != 0xE2 {
			continue
		}
		if b == 0xE2 { // the first of the three bytes of U+2028 and U+2029
			if text[i+1] != 0x80 || text[i+2]&^1 != 0xA8 {
				continue
			}
			out = append(append(out, text[done:i]...), `\u202`...)
			out = append(out, digits[text[i+2]&0xF])
			done = i + 3
			continue
		}
		out = append(out, text[done:i]...)
		done = i + 1
		switch b {
		case '"', '\\':
			out = append(out, '\\', b)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		default:
			out = append(out, `\u00`...)
			out = append(out, digits[b>>4], digits[b&0xF])
		}
	}
	return append(append(out, text[done:]...), '"')
}
