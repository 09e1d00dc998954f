package formattest

import (
	"time"

	"github.com/jetcapture/lake/format"
)

// Moments returns the times of the tables, and their expected seconds, nanoseconds and offsets.
func Moments() (at []time.Time, seconds, nanos, offsets []int64) {
	for _, m := range moments {
		at, offsets = append(at, m.at), append(offsets, m.offset)
		seconds, nanos = append(seconds, m.seconds), append(nanos, m.nanos)
	}
	return at, seconds, nanos, offsets
}

// LostCapabilities returns what Capabilities reports.
func LostCapabilities[P any](wrap func(format.Writer[P]) format.AnyWriter) []string {
	return lostCapabilities(wrap)
}
