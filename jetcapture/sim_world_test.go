package jetcapture

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// The simulation drives the real committer and the real ledger, each capture with a Book of its own, against a world of one
// stream with one consumer, one log and one store that do everything that real ones may do: answers get lost, writes arrive
// late, any message that is not acknowledged is delivered again to anybody, the stream and the log lose their ends and grow
// again, captures crash at any step and come back with other flags, clocks run on, stand still or go back. All of it is decided
// by one seed, so a schedule that fails can be run again.
//
// Every call out of a capture is a step: the code that makes it stands still until the world picks it.
//
// What the protocol does not promise is kept out: see world.wait, world.loseLog and simStream.ambiguous.

const (
	simRetention = time.Hour
	simSettle    = 30 * time.Second
	simGrace     = 10 * time.Second
	simUnsynced  = 2 * time.Minute // what a server that dies loses of acks and of the log
)

// A world is what the captures of one schedule share.
type world struct {
	rng      *rand.Rand
	sabotage sabotage
	traits   traits
	fair     bool // no more faults
	now      time.Time
	violated error

	stream   simStream
	log      simLedger
	store    simStorage
	captures []*simCapture
	blocks   int
	tracing  bool
	trace    []string
}

// traits are what can happen in a schedule. With all at once few schedules would get far.
type traits struct {
	streamLoss bool
	timesFall  bool // of messages
	logLoss    bool
	acksLost   bool // with the end of the log
	retentions bool
	layouts    bool
	clocks     bool
}

// newWorld has the traits in which the sabotage like shows, if that needs some.
func newWorld(seed uint64, s, like sabotage) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), sabotage: s, now: time.Unix(1_700_000_000, 0)}
	one := func(n int) bool { return w.rng.IntN(n) == 0 }
	w.traits = traits{
		streamLoss: one(2), timesFall: one(2), logLoss: one(2), acksLost: one(3), retentions: one(4), layouts: one(4), clocks: one(4),
	}
	if only, ok := needs[like]; ok {
		w.traits = only
	}
	w.stream.w, w.log.w, w.store.w = w, w, w
	w.stream.init()
	w.log.lastSeq = map[string]uint64{}
	w.store.files, w.store.holding = map[string]*simFile{}, map[ledger.Message]int{}
	for range 2 + w.rng.IntN(3) {
		w.captures = append(w.captures, newSimCapture(w))
	}
	return w
}

func (w *world) note(format string, args ...any) {
	if w.tracing {
		w.trace = append(w.trace, fmt.Sprintf(format, args...))
	}
}

func (w *world) violate(format string, args ...any) {
	if w.violated == nil {
		w.violated = fmt.Errorf(format, args...)
		w.note("VIOLATION: %v", w.violated)
	}
}

// chance is true once in n times, and never in a fair world.
func (w *world) chance(n int) bool { return !w.fair && w.rng.IntN(n) == 0 }

// pass lets time go by, but not so much that a capture which has to append its claims again would be late: one that takes longer
// than RewindGrace is more than the protocol promises to bear.
func (w *world) pass(d time.Duration) {
	for _, c := range w.captures {
		if c.behind {
			d = max(0, min(d, w.log.lostAt.Add(simGrace-time.Nanosecond).Sub(w.now)))
			break
		}
	}
	w.now = w.now.Add(d)
	for _, c := range w.captures {
		c.clocks.pass(d)
	}
}

// wait lets much time pass, but not while a write is on its way: a write that takes longer than the retention, or a
// process that stands still before it for so long, is more than the protocol promises to bear.
func (w *world) wait() {
	for _, c := range w.captures {
		for _, j := range c.jobs {
			if j.at.write != nil {
				return
			}
		}
	}
	w.store.land(true)
	d := simRetention/8 + time.Duration(w.rng.Int64N(int64(simRetention)))
	if w.fair {
		d /= 16 // or each block may be too old before it is checked, again and again
	}
	w.pass(d)
	w.note("it is %v", w.now.Format(time.TimeOnly))
}

var errSim = errors.New("no answer")
