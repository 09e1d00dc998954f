package ranges_test

import (
	"testing"
	"time"

	"github.com/jetcapture/lake/schema/internal/ranges"
)

func TestBoundsAreThoseOfTheCalendar(t *testing.T) {
	for name, test := range map[string]struct{ got, want int64 }{
		"first second": {ranges.FirstSecond, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()},
		"last second":  {ranges.LastSecond, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()},
		"first nanos":  {ranges.FirstNanos, time.Date(1677, 9, 22, 0, 0, 0, 0, time.UTC).UnixNano()},
		"divided":      {ranges.FloorDivide(-1, ranges.DaySeconds), -1},
		"divided even": {ranges.FloorDivide(-ranges.DaySeconds, ranges.DaySeconds), -1},
		"divided up":   {ranges.FloorDivide(ranges.DaySeconds-1, ranges.DaySeconds), 0},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, want %d", name, test.got, test.want)
		}
	}
}
