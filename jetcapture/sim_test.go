package jetcapture

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jetcapture/lake/jetcapture/capturetest"
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
	for range 20 + w.rng.IntN(200) {
		w.event()
		if w.violated != nil {
			return w.violated
		}
	}
	w.fair = true
	for n := 0; !w.settled(); n++ {
		if n%500 == 499 {
			w.stream.giveUp()
		}
		if n > 5_000 {
			w.violate("after 5000 peaceful events still not everything is archived")
		}
		w.event()
		if w.violated != nil {
			return w.violated
		}
	}
	w.store.land(true)
	for _, m := range w.stream.messages {
		if n := w.store.holding[m.Message]; n != 1 && !m.beyond {
			w.violate("in the end message %s is in %d files", simName(m.Message), n)
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
	return w.stream.floor() == uint64(len(w.stream.messages))
}

// event is one thing that happens.
func (w *world) event() {
	c := w.captures[w.rng.IntN(len(w.captures))]
	switch n := w.rng.IntN(200); {
	case n < 36:
		w.stream.deliver(c)
	case n < 42:
		w.stream.publish()
	case n < 60:
		if len(c.open) > 0 && len(c.jobs) < 3 {
			c.seal()
		}
	case n < 68:
		for range 1 + w.rng.IntN(4) {
			c.reader.step()
		}
	case n < 73:
		if len(c.jobs) < 3 && c.ready {
			c.keep()
		}
	case n < 75:
		c.clocks.hear()
	case n < 78:
		w.store.land(false)
	case n < 80 || (w.traits.retentions || w.traits.clocks) && n < 84:
		w.wait()
	case n < 86:
		c.noteFork()
	case n < 89:
		if !w.fair {
			w.fault(c)
		}
	default:
		if len(c.jobs) > 0 {
			c.jobs[w.rng.IntN(len(c.jobs))].pick()
		}
	}
}

// fault is what ought not to happen.
func (w *world) fault(c *simCapture) {
	switch n := w.rng.IntN(6); {
	case n == 0 && w.traits.streamLoss:
		w.stream.lose()
	case n < 3 && w.traits.logLoss:
		w.log.lose()
	default:
		c.crash()
	}
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

// simulate runs schedules from a seed on, with the traits in which the sabotage like shows, until one fails, and returns that.
func simulate(from uint64, n int, s, like sabotage) (failed *world, seed uint64) {
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
				w := newWorld(from+i, s, like)
				err := w.run()
				w.stop()
				if err == nil {
					continue
				}
				stopped.Store(true)
				w = newWorld(from+i, s, like) // the same again, to see how
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
	usual := 5_000 // make test-long runs more
	if capturetest.RaceDetector {
		usual = 300 // see TestSimulationNoticesWhenAnIngredientIsMissing
	}
	if testing.Short() {
		capturetest.WithoutRace(t)
	}
	n, from := schedules(t, usual), uint64(0)
	if seed := os.Getenv("JETCAPTURE_SEED"); seed != "" {
		var err error
		if from, err = strconv.ParseUint(seed, 10, 64); err != nil {
			t.Fatalf("JETCAPTURE_SEED: %v", err)
		}
	}
	if w, seed := simulate(from, n, "", ""); w != nil {
		t.Fatalf("seed %d: %v\n%s", seed, w.violated, strings.Join(w.trace, "\n"))
	}
	t.Logf("%d schedules from seed %d", n, from)
	for _, s := range sabotages { // a defect like a rare one shows where that does, and maybe in none of the schedules above
		if _, alone := needs[s]; !alone && rare[s] == 0 {
			continue
		}
		if w, seed := simulate(rare[s], 400, "", s); w != nil {
			t.Fatalf("seed %d, with the traits of %q: %v\n%s", seed, s, w.violated, strings.Join(w.trace, "\n"))
		}
	}
}
