package jetcapture

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// schedules is how many the tests run; JETCAPTURE_SCHEDULES asks for more.
func schedules(t *testing.T, n int) int {
	t.Helper()
	if asked := os.Getenv("JETCAPTURE_SCHEDULES"); asked != "" {
		more, err := strconv.Atoi(asked)
		if err != nil {
			t.Fatalf("JETCAPTURE_SCHEDULES: %v", err)
		}
		return more
	}
	return n
}

// run lets the world go on as chance has it, and then in peace until all is archived.
func (w *world) run() error {
	for range 20 + w.rng.IntN(150) {
		w.event()
		if w.violated != nil {
			return w.violated
		}
	}
	w.fair = true
	for n := 0; !w.settled(); n++ {
		if n > 5_000 {
			w.violate("after 5000 peaceful events still not everything is archived")
		}
		w.event()
		if w.violated != nil {
			return w.violated
		}
	}
	w.land(true)
	for seq := 1; seq <= w.messages && w.violated == nil; seq++ {
		if n := w.holding(seq); n != 1 {
			w.violate("in the end message %d is in %d files", seq, n)
		}
	}
	return w.violated
}

// settled reports whether nothing is left to do.
func (w *world) settled() bool {
	for _, c := range w.captures {
		if len(c.jobs) > 0 || len(c.open) > 0 {
			return false
		}
	}
	return w.floor() == uint64(w.messages)
}

// event is one thing that happens.
func (w *world) event() {
	c := w.captures[w.rng.IntN(len(w.captures))]
	switch n := w.rng.IntN(100); {
	case n < 20:
		w.deliver(c)
	case n < 30:
		if len(c.open) > 0 && len(c.jobs) < 3 {
			c.seal()
		}
	case n < 34:
		c.readLog(1 + w.rng.IntN(4))
	case n < 37:
		if len(c.jobs) < 3 {
			c.keep()
		}
	case n < 39:
		w.land(false)
	case n < 41:
		if !w.fair {
			c.crash()
		}
	case n < 42:
		w.wait()
	default:
		if len(c.jobs) > 0 {
			c.jobs[w.rng.IntN(len(c.jobs))].pick()
		}
	}
}

// deliver gives some message that is not acknowledged to a capture. The server may do so at any time.
func (w *world) deliver(c *simCapture) {
	first := w.rng.IntN(w.messages)
	for i := range w.messages {
		seq := (first+i)%w.messages + 1
		if !w.acked[seq] && (w.fair || w.delivered[seq] < 8) {
			c.deliver(seq)
			return
		}
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
	w.land(true)
	w.now = w.now.Add(simRetention/8 + time.Duration(w.rng.Int64N(int64(simRetention))))
	w.note("it is %v", w.now.Format(time.TimeOnly))
}

func (w *world) stop() {
	for _, c := range w.captures {
		for _, j := range c.jobs {
			j.cancel()
			c.running = j
			j.stop()
		}
	}
}

// simulate runs schedules from a seed on until one fails, and returns that.
func simulate(from uint64, n int, s sabotage) (failed *world, seed uint64) {
	var next atomic.Uint64
	var mu sync.Mutex
	var workers sync.WaitGroup
	var stopped atomic.Bool
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !stopped.Load() {
				i := next.Add(1) - 1
				if i >= uint64(n) {
					return
				}
				w := newWorld(from+i, s)
				err := w.run()
				w.stop()
				if err == nil {
					continue
				}
				stopped.Store(true)
				w = newWorld(from+i, s) // the same again, to see how
				w.tracing = true
				_ = w.run()
				w.stop()
				mu.Lock()
				failed, seed = w, from+i
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return failed, seed
}

func TestNoScheduleLosesOrRepeatsAMessage(t *testing.T) {
	n := schedules(t, 5_000) // make test runs more, without the race detector
	if w, seed := simulate(0, n, ""); w != nil {
		t.Fatalf("seed %d: %v\n%s", seed, w.violated, strings.Join(w.trace, "\n"))
	}
	t.Logf("%d schedules", n)
}

func TestSimulationNoticesWhenAnIngredientIsMissing(t *testing.T) {
	for _, s := range []sabotage{overwrites, headForCreate, unordered, ackBeforeStored, forgetful, ageless} {
		w, seed := simulate(0, 100_000, s)
		if w == nil {
			t.Errorf("%s: nothing was noticed", s)
			continue
		}
		t.Logf("%s: seed %d: %v", s, seed, w.violated)
	}
}
