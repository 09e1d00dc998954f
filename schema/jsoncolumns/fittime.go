package jsoncolumns

import (
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// fitTime takes text of times, and numbers where the column has an epoch unit.
func fitTime(r *reader, c *Column, raw []byte, v *value) bool {
	var n int64
	var ok bool
	switch {
	case isText(raw):
		n, ok = timeOf(r.unquoted(raw), c)
	case isNumber(raw) && c.Epoch != NoEpoch:
		n, ok = sinceEpoch(raw, r.digits[:0], c)
	}
	v.bits = uint64(n)
	return ok
}

// timeOf returns a time in the unit of a column. What is finer is cut off, unless the column is exact.
func timeOf(text []byte, c *Column) (n int64, ok bool) {
	var seconds, nanos int64
	var rest []byte
	var whole bool // there is nothing below nanoseconds
	switch c.Type.Kind {
	case schema.Date:
		return parseDate(text)
	case schema.TimeOfDay:
		seconds, nanos, whole, rest, ok = parseClock(text)
		ok = ok && len(rest) == 0
	default:
		seconds, nanos, whole, ok = parseTimestamp(text, c.Type.Local)
	}
	if !ok || c.Exact && !whole {
		return 0, false
	}
	return count(seconds, nanos, c)
}

// sinceEpoch reads a number of units since 1970 as a time in the unit of the column.
func sinceEpoch(raw, buffer []byte, c *Column) (n int64, ok bool) {
	d := parseDecimal(raw, buffer)
	magnitude, whole, ok := d.cut(unitDigits(c.Type.Unit) - c.Epoch.digits())
	if !ok || d.isMinusZero() || c.Exact && !whole || magnitude > 1<<63-1 {
		return 0, false
	}
	if n = int64(magnitude); d.negative {
		if n = -n; !whole { // times are cut towards the past, as those before 1970 that are text
			n--
		}
	}
	if c.Type.Unit == schema.Nanos {
		return n, hasNanos(n)
	}
	seconds := ranges.FloorDivide(n, perSecond(c.Type.Unit))
	return n, seconds >= ranges.FirstSecond && seconds <= ranges.LastSecond
}

// unitDigits returns how many digits behind the point a second has in a unit.
func unitDigits(u schema.Unit) int {
	switch u {
	case schema.Millis:
		return 3
	case schema.Micros:
		return 6
	}
	return 9
}
