package jsoncolumns

import (
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// perSecond returns how many of a unit a second has.
func perSecond(u schema.Unit) int64 {
	switch u {
	case schema.Millis:
		return 1e3
	case schema.Micros:
		return 1e6
	}
	return 1e9
}

// parseDate reads 2026-11-23 as days since 1970.
func parseDate(text []byte) (days int64, ok bool) {
	if len(text) != len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	year, ok1 := digits(text[0:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:10])
	if !ok1 || !ok2 || !ok3 || year < 1 || month < 1 || month > 12 || day < 1 || day > 31 {
		return 0, false
	}
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if at.Day() != day { // the month is shorter
		return 0, false
	}
	return ranges.FloorDivide(at.Unix(), ranges.DaySeconds), true
}

// parseClock reads 12:15:00.123 and returns what is behind it. The fraction may have any number of digits; whole is false if
// one below nanoseconds is not 0.
func parseClock(text []byte) (seconds, nanos int64, whole bool, rest []byte, ok bool) {
	if len(text) < len("15:04:05") || text[2] != ':' || text[5] != ':' {
		return 0, 0, false, nil, false
	}
	hour, ok1 := digits(text[0:2])
	minute, ok2 := digits(text[3:5])
	second, ok3 := digits(text[6:8])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return 0, 0, false, nil, false
	}
	rest, whole = text[8:], true
	if len(rest) > 0 && rest[0] == '.' {
		n, unit := 1, int64(1e8)
		for ; n < len(rest) && rest[n]-'0' <= 9; n++ {
			whole = whole && (unit > 0 || rest[n] == '0')
			nanos += unit * int64(rest[n]-'0')
			unit /= 10
		}
		if n == 1 {
			return 0, 0, false, nil, false
		}
		rest = rest[n:]
	}
	return int64(hour)*3600 + int64(minute)*60 + int64(second), nanos, whole, rest, true
}

// parseTimestamp reads 2026-11-23T12:15:00.123Z, or without its time zone if local, as seconds since 1970.
func parseTimestamp(text []byte, local bool) (seconds, nanos int64, whole, ok bool) {
	if len(text) < len("2006-01-02T15:04:05") || text[10] != 'T' {
		return 0, 0, false, false
	}
	days, ok := parseDate(text[:10])
	if !ok {
		return 0, 0, false, false
	}
	seconds, nanos, whole, zone, ok := parseClock(text[11:])
	if !ok {
		return 0, 0, false, false
	}
	seconds += days * ranges.DaySeconds
	if local {
		return seconds, nanos, whole, len(zone) == 0
	}
	offset, ok := parseZone(zone)
	seconds -= offset
	return seconds, nanos, whole, ok && seconds >= ranges.FirstSecond && seconds <= ranges.LastSecond
}

// parseZone reads Z or +01:00.
func parseZone(zone []byte) (seconds int64, ok bool) {
	if string(zone) == "Z" {
		return 0, true
	}
	if len(zone) != len("+00:00") || zone[3] != ':' || zone[0] != '+' && zone[0] != '-' {
		return 0, false
	}
	hours, ok1 := digits(zone[1:3])
	minutes, ok2 := digits(zone[4:6])
	seconds = int64(hours)*3600 + int64(minutes)*60
	if zone[0] == '-' {
		seconds = -seconds
	}
	return seconds, ok1 && ok2 && hours <= 23 && minutes <= 59
}

// digits reads a number of at most four digits.
func digits(text []byte) (n int, ok bool) {
	for _, c := range text {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}

// count returns a time in the unit of a column, if the unit's int64 can hold it. An exact column takes none that is finer.
func count(seconds, nanos int64, c *Column) (n int64, ok bool) {
	per := perSecond(c.Type.Unit)
	fine := 1e9 / per
	if c.Exact && nanos%fine != 0 {
		return 0, false
	}
	n = seconds*per + nanos/fine
	if c.Type.Unit == schema.Nanos { // it overflows there only
		return n, ranges.FloorDivide(n, per) == seconds && hasNanos(n)
	}
	return n, true
}

// hasNanos reports whether timestamps of nanoseconds may be n.
func hasNanos(n int64) bool { return n >= ranges.FirstNanos && n <= ranges.LastNanos }
