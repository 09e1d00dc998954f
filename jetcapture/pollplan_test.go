package jetcapture

import (
	"testing"
	"time"
)

func TestTheConsumerIsPolledWhereItsStateMatters(t *testing.T) {
	for name, c := range map[string]struct {
		situation
		every  time.Duration
		stream bool
	}{
		"messages come":                 {situation{open: 5, held: 5, silent: time.Millisecond}, 0, false},
		"the consumer may be gone":      {situation{unsure: true}, time.Second, true},
		"it may be caught up":           {situation{untilCaughtUp: true, silent: caughtUpSilent}, 2 * caughtUpSilent, true},
		"others may have the rest":      {situation{untilCaughtUp: true, held: 3, pending: 1, silent: caughtUpSilent}, 2 * caughtUpSilent, false},
		"others may hold all":           {situation{open: 5, pending: 1, silent: idleAfter}, time.Second, false},
		"nothing was pending for long":  {situation{open: 5, silent: 20 * time.Second}, 10 * time.Second, false},
		"nothing was pending for hours": {situation{open: 5, silent: time.Hour}, quietPoll, false},
		"pulling pauses":                {situation{paused: true, open: 5, silent: time.Hour}, 0, false},
		"the stream is due":             {situation{streamDue: true}, time.Second, false},
		"the store is slow":             {situation{paused: true, waiting: 1, silent: 4 * time.Second}, 2 * time.Second, false},
	} {
		if every, stream := c.pollEvery(); every != c.every || stream != c.stream {
			t.Errorf("%s: polled every %v, the stream %v; want %v, %v", name, every, stream, c.every, c.stream)
		}
	}
}
