package jetcapture

import (
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestSealReason(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	limits := sealLimits{interval: 15 * time.Minute, grace: time.Second, maxMessages: 100, maxBytes: 1000}
	// A block of the interval that begins at noon, opened a minute later, on a stream whose messages come as they are
	// published.
	block := blockStats{intervalEnd: at(15 * time.Minute), opened: at(time.Minute), messages: 10, bytes: 100}
	live := func(d time.Duration) clocks { return clocks{now: at(d), stream: at(d), lastMessage: at(d)} }
	late := block
	late.late, late.opened = true, at(20*time.Minute)

	for _, c := range []struct {
		name   string
		block  blockStats
		clocks clocks
		want   SealReason
	}{
		{"stays open within its interval", block, live(14 * time.Minute), ""},
		{"stays open during the grace", block, live(15*time.Minute + 900*time.Millisecond), ""},
		{"ends when a message is past the grace", block, live(15*time.Minute + time.Second), SealInterval},
		{
			"stays open on a silent stream until its interval ends", block,
			clocks{now: at(14 * time.Minute), stream: at(2 * time.Minute), lastMessage: at(2 * time.Minute)},
			"",
		},
		{
			"ends by the wall clock on a silent stream", block,
			clocks{now: at(15*time.Minute + time.Second), stream: at(2 * time.Minute), lastMessage: at(2 * time.Minute)},
			SealIdle,
		},
		{
			"stays open while a backlog comes in, however long ago its interval was", block,
			clocks{now: at(10 * time.Minute), stream: at(-5 * time.Hour), lastMessage: at(10 * time.Minute)},
			"",
		},
		{
			"of a backlog ends by stream time",
			blockStats{intervalEnd: at(-5 * time.Hour), opened: at(0), messages: 1},
			clocks{now: at(time.Second), stream: at(-4 * time.Hour), lastMessage: at(time.Second)},
			SealInterval,
		},
		{
			"of a backlog that stalls ends by the wall clock",
			blockStats{intervalEnd: at(-5 * time.Hour), opened: at(0), messages: 1},
			clocks{now: at(3 * time.Second), stream: at(-6 * time.Hour), lastMessage: at(time.Second)},
			SealIdle,
		},
		{
			"ends by age although only redeliveries come", block,
			clocks{now: at(16*time.Minute + time.Second), stream: at(2 * time.Minute), lastMessage: at(16*time.Minute + time.Second)},
			SealAge,
		},
		{"opened late waits for more of its kind", late, live(20*time.Minute + 29*time.Second), ""},
		{"opened late ends after its linger", late, live(20*time.Minute + 30*time.Second), SealInterval},
		{
			"opened late on a silent stream waits as well", late,
			clocks{now: at(20*time.Minute + 5*time.Second), stream: at(time.Minute), lastMessage: at(20 * time.Minute)},
			"",
		},
		{"full of messages", blockStats{intervalEnd: at(15 * time.Minute), opened: at(0), messages: 100}, live(0), SealMaxMessages},
		{"full of bytes", blockStats{intervalEnd: at(15 * time.Minute), opened: at(0), messages: 1, bytes: 1000}, live(0), SealMaxBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sealReason(c.block, limits, c.clocks); got != c.want {
				t.Errorf("sealReason = %q, want %q", got, c.want)
			}
		})
	}
}

func TestSealReasonWithoutLimits(t *testing.T) {
	now := time.Now()
	b := blockStats{intervalEnd: now.Add(time.Hour), opened: now, messages: 1 << 40, bytes: 1 << 60}
	if got := sealReason(b, sealLimits{interval: time.Hour}, clocks{now: now, stream: now, lastMessage: now}); got != "" {
		t.Errorf("sealReason = %q without any limit, want none", got)
	}
}

// Looking at ten thousand open blocks takes a while, and need not be done ten times a second.
func TestBlocksSealWithinASecondOfTheirEndHoweverManyAreOpen(t *testing.T) {
	for _, keys := range []int{10, 25 * checkAtOnce} {
		p := newTrack(t, AtLeastOnce)
		l := p.loop
		key := 0
		l.o.MessageDecoder = NatsToNats(func(*nats.Msg) string { key++; return strconv.Itoa(key) })
		p.take(p.messages(keys, 10))
		l.tick()
		if len(l.queue.waiting) > 0 {
			t.Fatalf("%d blocks of %d were sealed before the end of their interval", len(l.queue.waiting), keys)
		}
		l.clocks.stream = l.clocks.stream.Add(l.open.limits.interval + l.open.limits.grace)
		ticks := 0
		for len(l.queue.waiting) == 0 && ticks < 100 {
			l.clocks.now = l.clocks.now.Add(tickEvery)
			l.tick()
			ticks++
		}
		if want := min(max(1, keys/checkAtOnce), 10); len(l.queue.waiting) != keys || ticks != want {
			t.Errorf("%d blocks of %d were sealed after %d ticks, want all after %d", len(l.queue.waiting), keys, ticks, want)
		}
	}
}
