package formattest

import (
	"math"
	"slices"
	"time"

	"github.com/jetcapture/lake/schema"
)

const (
	yearOne      = -62135596800 // seconds from 1970 to 0001-01-01T00:00:00Z
	endOfYears   = 253402300800 // to 10000-01-01T00:00:00Z
	secondsOfDay = 24 * 60 * 60
	nanosFirst   = -9223286400e9 // 1677-09-22T00:00:00Z
)

var (
	east = time.FixedZone("east", 5*3600+30*60)
	west = time.FixedZone("west", -5*3600)
)

// moments are times with their seconds and nanoseconds since 1970 in UTC, and the offset of the clocks of their zone.
var moments = []struct {
	at             time.Time
	seconds, nanos int64
	offset         int64
}{
	{time.Time{}, yearOne, 0, 0},
	{time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), endOfYears - 1, 999_999_999, 0},
	{time.Unix(0, 0).UTC(), 0, 0, 0},
	{time.Unix(0, -1).UTC(), -1, 999_999_999, 0},
	{time.Unix(-1, 1).UTC(), -1, 1, 0},
	{time.Unix(-5, -999_999_500).UTC(), -6, 500, 0},
	{time.Date(2026, 11, 23, 12, 15, 0, 123_456_789, time.UTC), 1795436100, 123_456_789, 0},
	{time.Unix(1795436100, 999_999_999).In(east), 1795436100, 999_999_999, 19800},
	{time.Unix(1795393800, 0).In(west), 1795393800, 0, -18000}, // 2026-11-22 in its zone, and 2026-11-23 in UTC
	{time.Unix(-1, 0).In(east), -1, 0, 19800},                  // 1970 in its zone
	{time.Unix(-9223286400, 0).UTC(), -9223286400, 0, 0},       // the first day of nanoseconds, almost
	{time.Unix(9223372035, 999_999_999).UTC(), 9223372035, 999_999_999, 0},
	{time.Date(1600, 2, 29, 1, 2, 3, 4, time.UTC), -11670994677, 4, 0},
}

// tooFar are times that no column can hold.
var tooFar = []time.Time{
	time.Unix(endOfYears, 0).UTC(), time.Unix(yearOne-1, 999_999_999).UTC(),
	time.Unix(math.MaxInt64/2, 0).UTC(), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC),
}

func (s *source) moment(first, last int64) (at time.Time, seconds, nanos, offset int64) {
	seconds, nanos, offset = first+s.Int64N(last-first), s.Int64N(1e9), s.Int64N(86400)-43200
	if s.IntN(3) == 0 {
		nanos = 0
	}
	return time.Unix(seconds, nanos).In(time.FixedZone("", int(offset))), seconds, nanos, offset
}

func perSecond(u schema.Unit) int64 {
	return map[schema.Unit]int64{schema.Millis: 1e3, schema.Micros: 1e6, schema.Nanos: 1e9}[u]
}

// timestampLeaf has times that are counted from 1970 in a unit, in UTC or on their own clocks.
func timestampLeaf(name, words string, unit schema.Unit, local bool) leaf {
	count := func(seconds, nanos, offset int64) any {
		if local {
			seconds += offset
		}
		return Timestamp{seconds*perSecond(unit) + nanos/(1e9/perSecond(unit)), unit, !local}
	}
	first, last := int64(yearOne+secondsOfDay), int64(endOfYears-secondsOfDay) // a day from the end, for clocks of any zone
	if unit == schema.Nanos {
		first, last = nanosFirst/1e9+secondsOfDay, 9223372035-secondsOfDay
	}
	var values []is[time.Time]
	rejected := slices.Clone(tooFar)
	for _, m := range moments {
		if unit == schema.Nanos && (m.seconds < nanosFirst/1e9 || m.seconds > 9223372035) {
			rejected = append(rejected, m.at)
			continue
		}
		values = append(values, is[time.Time]{m.at, count(m.seconds, m.nanos, m.offset)})
	}
	return leafOf(name, words, values, func(s *source) (time.Time, any) {
		at, seconds, nanos, offset := s.moment(first, last)
		return at, count(seconds, nanos, offset)
	}, rejected...)
}

func dateLeaf() leaf {
	day := func(seconds int64) any { return Date((seconds-yearOne)/secondsOfDay + yearOne/secondsOfDay) }
	var values []is[time.Time]
	for _, m := range moments {
		values = append(values, is[time.Time]{m.at, day(m.seconds + m.offset)})
	}
	return leafOf("date", "date", values, func(s *source) (time.Time, any) {
		at, seconds, _, offset := s.moment(yearOne+secondsOfDay, endOfYears-secondsOfDay)
		return at, day(seconds + offset)
	}, tooFar...)
}

// clockLeaf has durations since midnight.
func clockLeaf(name, words string, unit schema.Unit, local bool) leaf {
	var values []is[time.Duration]
	for _, d := range []time.Duration{
		0, 1, time.Microsecond, time.Millisecond + 999, time.Hour + time.Minute + time.Second + 123456789,
		24*time.Hour - 1, 24*time.Hour - 1000,
	} {
		values = append(values, is[time.Duration]{d, TimeOfDay{int64(d) / (1e9 / perSecond(unit)), unit, !local}})
	}
	return leafOf(name, words, values, func(s *source) (time.Duration, any) {
		d := s.Int64N(secondsOfDay * 1e9)
		return time.Duration(d), TimeOfDay{d / (1e9 / perSecond(unit)), unit, !local}
	}, -1, 24*time.Hour, math.MaxInt64)
}

// clockOfTimeLeaf has times, whose column is their time of day.
func clockOfTimeLeaf(name, words string, local bool) leaf {
	var values []is[time.Time]
	for _, m := range moments {
		seconds := m.seconds
		if local {
			seconds += m.offset
		}
		count := (seconds-yearOne)%secondsOfDay*1e6 + m.nanos/1e3
		values = append(values, is[time.Time]{m.at, TimeOfDay{count, schema.Micros, !local}})
	}
	return leafOf(name, words, values, nil, tooFar...)
}

// stamp embeds a time, and is one.
type stamp struct{ time.Time }

func timeLeaves() []leaf {
	var durations []is[time.Duration]
	for _, d := range []time.Duration{0, 1, -1, time.Hour, math.MaxInt64, math.MinInt64} {
		durations = append(durations, is[time.Duration]{d, Duration(d)})
	}
	var stamps []is[stamp]
	for _, m := range moments {
		stamps = append(stamps, is[stamp]{stamp{m.at}, Timestamp{m.seconds*1e6 + m.nanos/1e3, schema.Micros, true}})
	}
	return []leaf{
		timestampLeaf("time", "", schema.Micros, false),
		timestampLeaf("time delta", "delta", schema.Micros, false),
		timestampLeaf("millis", "timestamp(millisecond)", schema.Millis, false),
		timestampLeaf("micros", "timestamp(microsecond:utc)", schema.Micros, false),
		timestampLeaf("nanos", "timestamp(nanosecond)", schema.Nanos, false),
		timestampLeaf("local millis", "timestamp(millisecond:local)", schema.Millis, true),
		timestampLeaf("local micros", "timestamp(microsecond:local)", schema.Micros, true),
		timestampLeaf("local nanos", "timestamp(nanosecond:local)", schema.Nanos, true),
		leafOf("stamp", "", stamps, nil, stamp{tooFar[0]}),
		leafOf("int64 millis", "timestamp", []is[int64]{
			{0, Timestamp{0, schema.Millis, true}},
			{-1, Timestamp{-1, schema.Millis, true}},
			{yearOne * 1000, Timestamp{yearOne * 1000, schema.Millis, true}},
			{endOfYears*1000 - 1, Timestamp{endOfYears*1000 - 1, schema.Millis, true}},
		}, nil, yearOne*1000-1, endOfYears*1000),
		leafOf("int64 nanos", "timestamp(nanosecond:local)", []is[int64]{
			{0, Timestamp{0, schema.Nanos, false}},
			{nanosFirst, Timestamp{nanosFirst, schema.Nanos, false}},
			{math.MaxInt64 - 1, Timestamp{math.MaxInt64 - 1, schema.Nanos, false}},
		}, nil, math.MaxInt64, int64(nanosFirst-1), math.MinInt64, -math.MaxInt64),
		dateLeaf(),
		leafOf("int32 date", "date", []is[int32]{
			{0, Date(0)}, {-1, Date(-1)}, {-719162, Date(-719162)}, {2932896, Date(2932896)},
		}, nil, -719163, 2932897, math.MinInt32),
		clockLeaf("clock millis", "time", schema.Millis, false),
		clockLeaf("clock micros", "time(microsecond)", schema.Micros, false),
		clockLeaf("clock nanos", "time(nanosecond)", schema.Nanos, false),
		clockLeaf("local clock millis", "time(millisecond:local)", schema.Millis, true),
		clockLeaf("local clock micros", "time(microsecond:local)", schema.Micros, true),
		clockLeaf("local clock nanos", "time(nanosecond:local)", schema.Nanos, true),
		clockOfTimeLeaf("time as clock", "time(microsecond)", false),
		clockOfTimeLeaf("time as local clock", "time(microsecond:local)", true),
		leafOf("int32 clock", "time(millisecond:local)", []is[int32]{
			{0, TimeOfDay{0, schema.Millis, false}}, {86_399_999, TimeOfDay{86_399_999, schema.Millis, false}},
		}, nil, -1, 86_400_000),
		leafOf("duration", "", durations, func(s *source) (time.Duration, any) {
			d := s.Int64()
			return time.Duration(d), Duration(d)
		}),
	}
}
