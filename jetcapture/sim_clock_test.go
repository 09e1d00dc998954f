package jetcapture

import (
	"context"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
)

// simClocks are those of a capture's machine. They may stand still, and the wall clock may be set back.
type simClocks struct {
	c               *simCapture
	monotonic, wall time.Duration // by how much they are behind
	still           bool          // the monotonic clock
	elapsed         *elapsed.Clock
}

func (k *simClocks) init(c *simCapture) {
	k.c = c
	began := c.w.now
	k.elapsed = &elapsed.Clock{Read: func() elapsed.Reading {
		now := c.w.now
		if c.w.sabotage == ageless {
			now = began
		}
		r := elapsed.Reading{Monotonic: now.Sub(created) - k.monotonic, Wall: now.Add(-k.wall)}
		if c.w.sabotage == oneClock {
			r.Wall = created.Add(r.Monotonic)
		}
		return r
	}}
	k.hear()
}

// hear tells the clock the server's time.
func (k *simClocks) hear() { k.heard(k.c.w.now) }

func (k *simClocks) heard(server time.Time) {
	if k.c.w.sabotage != oneClock && k.c.w.sabotage != ageless {
		k.elapsed.Heard(server)
	}
}

// pass is told that time went by.
func (k *simClocks) pass(d time.Duration) {
	if !k.c.w.traits.clocks || k.c.w.fair {
		return
	}
	if k.c.w.rng.IntN(3) == 0 {
		k.still = !k.still
	}
	if k.still {
		k.monotonic += d
		k.c.w.note("%s: its clock stands still", k.c.name)
	}
	switch k.c.w.rng.IntN(4) {
	case 0:
		k.wall += d
	case 1:
		k.wall += d + time.Duration(k.c.w.rng.Int64N(int64(simRetention)))
	}
}

// now is the local time, of which only differences are relied on.
func (k *simClocks) now() time.Time { return k.c.w.now.Add(-k.monotonic) }

// simClock is the time as a ledger has it.
type simClock struct{ c *simCapture }

func (k simClock) Now() time.Time { return k.c.clocks.now() }

func (k simClock) Sleep(ctx context.Context, _ time.Duration) bool {
	return k.c.do(ctx, step{what: "sleep", sleep: true}) == nil
}
