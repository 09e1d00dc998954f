package jsoncolumns

import (
	"encoding/base64"
	"math"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/ranges"
	"github.com/jetcapture/lake/schema/internal/uuid"
)

// A value is the value of a column for one message.
type value struct {
	set  bool
	bits uint64 // bool, integer, times in the unit of their type, floating-point
	text []byte // string, bytes, UUID, JSON, decimals of many digits
}

// A fitFunc reads a value of JSON into v, if the column takes it. The text of v may be that of raw.
type fitFunc func(r *reader, c *Column, raw []byte, v *value) bool

// fitOf returns the function that reads the values of a type.
func fitOf(t schema.Type) fitFunc {
	switch k := t.Kind; {
	case k == schema.Bool:
		return fitBool
	case k >= schema.Int8 && k <= schema.Int64, k == schema.Duration:
		return fitInt
	case k >= schema.Uint8 && k <= schema.Uint64:
		return fitUint
	case k == schema.Float32, k == schema.Float64:
		return fitFloat
	case k == schema.Decimal:
		return fitDecimal
	case k == schema.String:
		return fitString
	case k == schema.Bytes, k == schema.Fixed:
		return fitBytes
	case k == schema.UUID:
		return fitUUID
	case k == schema.Timestamp, k == schema.Date, k == schema.TimeOfDay:
		return fitTime
	case k == schema.JSON:
		return fitJSON
	}
	return nil
}

func isNumber(raw []byte) bool { return raw[0] == '-' || raw[0]-'0' <= 9 }

func isText(raw []byte) bool { return raw[0] == '"' }

// numeral returns a number as JSON writes it: raw, or what it says if it is text of such a number.
func (r *reader) numeral(raw []byte) (number []byte, ok bool) {
	if !isText(raw) {
		return raw, isNumber(raw)
	}
	text := r.unquoted(raw)
	if len(text) == 0 || !isNumber(text) {
		return nil, false
	}
	s := scan{text: text}
	return text, s.number() && s.at == len(text)
}

func fitBool(_ *reader, _ *Column, raw []byte, v *value) bool {
	v.bits = 0
	if raw[0] == 't' {
		v.bits = 1
	}
	return raw[0] == 't' || raw[0] == 'f'
}

func fitInt(r *reader, c *Column, raw []byte, v *value) bool {
	raw, ok := r.numeral(raw)
	if !ok {
		return false
	}
	negative, magnitude, ok := parseInteger(raw, r.digits[:0])
	most := uint64(math.MaxInt64)
	if c.Type.Kind != schema.Duration {
		most >>= 64 - 8<<(c.Type.Kind-schema.Int8)
	}
	v.bits = magnitude
	if negative {
		v.bits = -magnitude
		most++
	}
	return ok && magnitude <= most
}

func fitUint(r *reader, c *Column, raw []byte, v *value) bool {
	raw, ok := r.numeral(raw)
	if !ok {
		return false
	}
	negative, magnitude, ok := parseInteger(raw, r.digits[:0])
	v.bits = magnitude
	return ok && !negative && magnitude <= math.MaxUint64>>(64-8<<(c.Type.Kind-schema.Uint8))
}

func fitFloat(r *reader, c *Column, raw []byte, v *value) bool {
	if !isNumber(raw) {
		return false
	}
	bits := 64
	if c.Type.Kind == schema.Float32 {
		bits = 32
	}
	f, ok := parseFloat(raw, r.digits[:0], bits)
	v.bits = math.Float64bits(f)
	return ok
}

func fitDecimal(r *reader, c *Column, raw []byte, v *value) bool {
	raw, ok := r.numeral(raw)
	if !ok {
		return false
	}
	t := &c.Type
	d := parseDecimal(raw, r.digits[:0])
	if len(d.digits) > 0 && (d.exponent < -t.Scale || len(d.digits)+d.exponent > t.Precision-t.Scale) || d.isMinusZero() {
		return false
	}
	if t.Precision <= ranges.MaxDigits64 {
		magnitude, ok := d.scaled(t.Scale)
		v.bits = magnitude
		if d.negative {
			v.bits = -magnitude
		}
		return ok
	}
	v.text = d.text(r)
	return true
}

func fitString(r *reader, _ *Column, raw []byte, v *value) bool {
	if !isText(raw) {
		return false
	}
	v.text = r.unquoted(raw)
	return true
}

func fitBytes(r *reader, c *Column, raw []byte, v *value) bool {
	if !isText(raw) {
		return false
	}
	text := r.unquoted(raw)
	start := len(r.scratch)
	r.scratch = append(r.scratch, make([]byte, base64.StdEncoding.DecodedLen(len(text)))...)
	n, err := strict64.Decode(r.scratch[start:], text)
	v.text = r.scratch[start : start+n]
	if err != nil || base64.StdEncoding.EncodedLen(n) != len(text) { // line ends are left out in silence
		return false
	}
	return c.Type.Kind == schema.Bytes || n == c.Type.Size
}

var strict64 = base64.StdEncoding.Strict()

func fitUUID(r *reader, _ *Column, raw []byte, v *value) bool {
	if !isText(raw) {
		return false
	}
	id, ok := uuid.Parse(r.unquoted(raw))
	start := len(r.scratch)
	r.scratch = append(r.scratch, id[:]...)
	v.text = r.scratch[start:]
	return ok
}

func fitJSON(_ *reader, _ *Column, raw []byte, v *value) bool {
	v.text = raw
	return true
}
