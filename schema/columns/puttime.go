package columns

import (
	"fmt"
	"math"
	"reflect"
	"time"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// The durations and timestamps in nanoseconds, in seconds.
const (
	nanosLast = math.MaxInt64/1_000_000_000 - 1 // a second earlier than nanoseconds end
	spanFirst = math.MinInt64 / 1_000_000_000
)

// putTime returns the function that appends times as timestamps, dates and times of day.
func putTime(typ schema.Type, t reflect.Type) putFunc {
	read := readClock(typ.Local || typ.Kind == schema.Date)
	if t != timeType {
		read = readProto(t)
	}
	per := int64(typ.Unit.Duration())
	store := (*Columns).put64
	if physical, _ := PhysicalOf(typ); physical == PhysicalInt32 {
		store = func(c *Columns, l *Leaf, v uint64) { c.put32(l, uint32(v)) } // in the limits
	}
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		seconds, nanos, err := read(p)
		if err != nil {
			return err
		}
		if seconds < ranges.FirstSecond || seconds > ranges.LastSecond {
			return notInYears(seconds)
		}
		var v int64
		switch typ.Kind {
		case schema.Date:
			v = ranges.FloorDivide(seconds, ranges.DaySeconds)
		case schema.TimeOfDay:
			v = ((seconds-ranges.FirstSecond)%ranges.DaySeconds*1e9 + nanos) / per
		default:
			if typ.Unit == schema.Nanos && (seconds < ranges.FirstNanosSecond || seconds > nanosLast) {
				return fmt.Errorf("%s is not in the years 1677 to 2262, as nanoseconds are: write microseconds",
					time.Unix(seconds, nanos).UTC().Format(time.RFC3339))
			}
			v = seconds*(1e9/per) + nanos/per
		}
		store(c, l, uint64(v))
		return nil
	}
}

func notInYears(seconds int64) error {
	return fmt.Errorf("a time %d seconds after 1970 is not in the years 1 to 9999", seconds)
}

// A secondsFunc reads a time: seconds since 1970, and nanoseconds of the next, from 0.
type secondsFunc func(p unsafe.Pointer) (seconds, nanos int64, err error)

// readClock returns the function that reads a time.Time; with local, on the clock of its own time zone.
func readClock(local bool) secondsFunc {
	return func(p unsafe.Pointer) (seconds, nanos int64, err error) {
		at := (*time.Time)(p)
		seconds, nanos = at.Unix(), int64(at.Nanosecond())
		if local {
			_, offset := at.Zone()
			seconds += int64(offset)
		}
		return seconds, nanos, nil
	}
}

// readProto returns the function that reads the seconds and nanoseconds of a protocol buffer.
func readProto(t reflect.Type) secondsFunc {
	s, _ := t.FieldByName("Seconds")
	n, _ := t.FieldByName("Nanos")
	return func(p unsafe.Pointer) (seconds, nanos int64, err error) {
		seconds, nanos = *(*int64)(unsafe.Add(p, s.Offset)), int64(*(*int32)(unsafe.Add(p, n.Offset)))
		if nanos <= -1e9 || nanos >= 1e9 {
			return 0, 0, fmt.Errorf("%d nanoseconds are more than a second", nanos)
		}
		if nanos < 0 { // of a negative duration
			seconds, nanos = seconds-1, nanos+1e9
		}
		return seconds, nanos, nil
	}
}

// putProtoSpan returns the function that appends durations of protocol buffers.
func putProtoSpan(t reflect.Type) putFunc {
	read := readProto(t)
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		seconds, nanos, err := read(p)
		if err != nil {
			return err
		}
		if seconds < spanFirst || seconds > nanosLast {
			return fmt.Errorf("a duration of %d seconds is more than 292 years", seconds)
		}
		c.put64(l, uint64(seconds*1e9+nanos))
		return nil
	}
}
