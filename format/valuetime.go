package format

import (
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// putTime returns a putFunc of dates, times of day, and timestamps, which are as in RFC 3339, without a zone if they are local.
// Seconds have all digits of the unit.
func putTime(t schema.Type) putFunc {
	second, digits := int64(1e9), 9
	switch t.Unit {
	case schema.Millis:
		second, digits = 1e3, 3
	case schema.Micros:
		second, digits = 1e6, 6
	}
	clock := func(out []byte, at time.Time, fraction int64) []byte {
		hour, minute, sec := at.Clock()
		out = append(appendDigits(out, int64(hour), 2), ':')
		out = append(appendDigits(out, int64(minute), 2), ':')
		out = append(appendDigits(out, int64(sec), 2), '.')
		return appendDigits(out, fraction, digits)
	}
	physical, _ := columns.PhysicalOf(t)
	number := func(l *columns.Leaf, i int) int64 {
		if physical == columns.PhysicalInt32 {
			return int64(l.Int32s()[i])
		}
		return l.Int64s()[i]
	}
	switch t.Kind {
	case schema.Date:
		return func(out []byte, l *columns.Leaf, i int) []byte {
			return appendDate(out, time.Unix(number(l, i)*24*60*60, 0).UTC())
		}
	case schema.TimeOfDay:
		return func(out []byte, l *columns.Leaf, i int) []byte {
			v := number(l, i)
			return clock(out, time.Unix(v/second, 0).UTC(), v%second)
		}
	}
	return func(out []byte, l *columns.Leaf, i int) []byte {
		v := number(l, i)
		whole, fraction := v/second, v%second
		if fraction < 0 {
			whole, fraction = whole-1, fraction+second
		}
		at := time.Unix(whole, 0).UTC()
		out = clock(append(appendDate(out, at), 'T'), at, fraction)
		if t.Local {
			return out
		}
		return append(out, 'Z')
	}
}

// appendDate appends the day of a time in the years 1 to 9999, the range that schemas hold.
func appendDate(out []byte, at time.Time) []byte {
	year, month, day := at.Date()
	out = append(appendDigits(out, int64(year), 4), '-')
	out = append(appendDigits(out, int64(month), 2), '-')
	return appendDigits(out, int64(day), 2)
}

// appendDigits appends the last digits of a number that is not negative.
func appendDigits(out []byte, v int64, digits int) []byte {
	out = append(out, "000000000"[:digits]...)
	for i := len(out) - 1; digits > 0; i, digits = i-1, digits-1 {
		out[i] = byte('0' + v%10)
		v /= 10
	}
	return out
}
