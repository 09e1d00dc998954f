package jetcapture

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
)

// A key of a message a minute, with intervals of a minute and folders of an hour.
func TestABlockOfFewMessagesLingersWithinItsFolder(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	minutes := func(from, to int) (all []int) {
		for m := from; m < to; m++ {
			all = append(all, m)
		}
		return all
	}
	for _, c := range []struct {
		name     string
		minimum  int
		linger   time.Duration
		minutes  []int
		duration time.Duration // by the local clock, from each message to the next
		want     string        // the messages and the minutes of each block
	}{
		{"each minute has its file", 0, time.Hour, minutes(0, 4), 0, "1:0-1 1:1-2 1:2-3 1:3-4"},
		{"until it has enough", 3, time.Hour, minutes(0, 7), 0, "3:0-3 3:3-6 1:6-7"},
		{"until its hour is over", 100, time.Hour, minutes(57, 62), 0, "3:57-60 2:60-62"},
		{"until it has lingered for long enough", 100, 2 * time.Minute, minutes(0, 7), time.Minute, "4:0-4 3:4-7"},
		{"over minutes without a message", 3, time.Hour, []int{0, 10, 20, 30}, 0, "3:0-21 1:30-31"},
		{"no longer than into the next hour", 3, time.Hour, []int{0, 61}, 0, "1:0-1 1:61-62"},
		{"and takes late messages of where it has been", 4, time.Hour, []int{0, 2, 1, 2}, 0, "4:0-3"},
		{"but not those from before", 3, time.Hour, []int{5, 4, 6, 7}, 0, "1:4-5 3:5-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTrack(t, AtLeastOnce)
			l := p.loop
			l.o.Layout = store.HiveLayout
			l.open.limits = sealLimits{interval: time.Minute, grace: time.Second, minMessages: c.minimum, maxLinger: c.linger}
			l.clocks = clocks{now: noon, stream: noon, lastMessage: noon}
			for _, minute := range c.minutes {
				p.now = noon.Add(time.Duration(minute) * time.Minute)
				l.sealAll(l.open.reason) // as a tick does
				p.take(p.messages(1, 10))
				l.clocks.now = l.clocks.now.Add(c.duration)
			}
			l.sealAll(always[string](SealShutdown))
			var got []string
			for _, b := range l.queue.waiting {
				got = append(got, fmt.Sprintf("%d:%.0f-%.0f", b.Count(), b.start.Sub(noon).Minutes(), b.end.Sub(noon).Minutes()))
			}
			slices.SortFunc(got, func(a, b string) int { return strings.Compare(minute(a), minute(b)) })
			if got := strings.Join(got, " "); got != c.want {
				t.Errorf("the blocks are %s, want %s", got, c.want)
			}
			if l.open.count()+len(l.open.latest) > 0 {
				t.Errorf("%d blocks are open, %d keys have a latest", l.open.count(), len(l.open.latest))
			}
		})
	}
}

// minute is where the block begins, such that text sorts by it.
func minute(block string) string {
	_, span, _ := strings.Cut(block, ":")
	from, _, _ := strings.Cut(span, "-")
	return fmt.Sprintf("%3s", from)
}
