package jsoncolumns

import (
	"fmt"

	"github.com/jetcapture/lake/schema"
)

// hint returns the type to write in place of the type of a column, so that a value fits.
func hint(c *Column, raw []byte) string {
	switch kind := c.Type.Kind; {
	case kind == schema.Timestamp && isNumber(raw) && !c.Type.Local && c.Epoch == NoEpoch:
		return fmt.Sprintf("write timestamp(%s) if it counts the %[1]s since 1970", epochLike(raw))
	case kind == schema.Timestamp && isNumber(raw) && !c.Type.Local && c.Epoch != epochLike(raw):
		return fmt.Sprintf("write timestamp(%s) if it counts the %[1]s since 1970, or int64", epochLike(raw))
	case isTime(kind) && isText(raw) && c.Exact:
		loose := *c
		loose.Exact = false
		if _, ok := timeOf(unquote(nil, raw), &loose); ok {
			return "it is finer than the unit: write nanos, or leave exact out to have it cut"
		}
		return "write string"
	case kind == schema.Decimal && isNumber(raw):
		return decimalHint(c.Type, raw)
	case isWhole(kind) && isNumber(raw):
		if d := parseDecimal(raw, nil); d.exponent < 0 {
			return "write float64, or decimal(18,2) with as many digits behind the point as there are"
		}
		return "write int64, uint64 or decimal(38,0)"
	case (kind == schema.Float32 || kind == schema.Float64) && isNumber(raw):
		return "it has more digits than the type: write float64 or decimal(38,10), or json, which keeps any number"
	case isText(raw):
		return "write string"
	}
	return "write json, which takes anything"
}

func isTime(k schema.Kind) bool { return k == schema.Timestamp || k == schema.TimeOfDay }

func isWhole(k schema.Kind) bool {
	return k >= schema.Int8 && k <= schema.Int64 || k >= schema.Uint8 && k <= schema.Uint64 || k == schema.Duration
}

// epochLike guesses the unit of a number since 1970: seconds have ten digits before the point from 2001 to 2286.
func epochLike(raw []byte) Epoch {
	d := parseDecimal(raw, nil)
	switch digits := len(d.digits) + d.exponent; {
	case digits <= 11:
		return EpochSeconds
	case digits <= 14:
		return EpochMillis
	case digits <= 17:
		return EpochMicros
	}
	return EpochNanos
}

// decimalHint names the decimal type that has room for a number too.
func decimalHint(t schema.Type, raw []byte) string {
	d := parseDecimal(raw, nil)
	behind := max(t.Scale, -d.exponent)
	before := max(t.Precision-t.Scale, len(d.digits)+d.exponent)
	if behind+before > schema.MaxPrecision || d.isMinusZero() {
		return "write float64 if digits may be lost, or json, which keeps any number"
	}
	return fmt.Sprintf("write decimal(%d,%d)", max(18, behind+before), behind)
}
