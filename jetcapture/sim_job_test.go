package jetcapture

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
)

// A job is code of a capture that stands still at a step.
type job struct {
	c      *simCapture
	cancel context.CancelFunc
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	at     step  // what it waits for
	answer error // of it
}

// A step is a call out of a capture. At most one of its functions is set, which makes it.
type step struct {
	what   string
	write  *put
	append func() error
	until  func() bool
	ack    func() bool // false if it did not arrive
	sleep  bool
}

// do makes a step: it stands still until the world has picked it.
func (c *simCapture) do(ctx context.Context, s step) error {
	j := c.running
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.at = s
	if !j.yield(struct{}{}) {
		return errCrashed
	}
	return j.answer
}

// start runs code up to its first step.
func (c *simCapture) start(run func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	j := &job{c: c, cancel: cancel}
	j.next, j.stop = iter.Pull(func(yield func(struct{}) bool) {
		j.yield = yield
		run(ctx)
	})
	c.jobs = append(c.jobs, j)
	j.resume()
}

func (j *job) resume() {
	j.c.running = j
	if _, more := j.next(); !more {
		j.c.jobs = slices.DeleteFunc(j.c.jobs, func(other *job) bool { return other == j })
		j.cancel()
	}
}

// pick makes the step that a job waits for, in one of the ways it may go.
func (j *job) pick() {
	w, s := j.c.w, j.at
	j.answer = nil
	switch {
	case s.write != nil:
		j.answer = w.write(s.write)
	case s.append != nil:
		if w.chance(10) {
			j.answer = errSim
		} else if j.answer = s.append(); w.chance(10) {
			j.answer = errSim
		}
	case s.until != nil:
		for !s.until() {
			if !j.c.reader.step() {
				if len(j.c.jobs) == 1 {
					w.violate("%s waits for an entry that is not there", j.c.name)
				}
				return // another job of it has more to do
			}
		}
	case s.ack != nil:
		if w.chance(20) || !s.ack() || w.chance(20) {
			j.answer = errSim
		}
	case s.sleep:
		w.pass(time.Duration(1+w.rng.IntN(20)) * time.Second)
	}
	w.note("%s: %s: %v", j.c.name, s.what, j.answer)
	j.resume()
}

// write brings a file to the store.
func (w *world) write(p *put) error {
	switch {
	case w.chance(8): // never sent
		return errSim
	case w.chance(8): // the answer is lost
		_ = w.store.create(p.name, p.content)
		return errSim
	case w.chance(8): // it is on its way
		w.store.wire = append(w.store.wire, *p)
		return errSim
	}
	return w.store.create(p.name, p.content)
}

// simAcks are the acks as a capture has them. Those of messages that came over an earlier connection are sent if the message is still
// there. When the connection ends, what was on its way is lost.
type simAcks struct{ c *simCapture }

func (a simAcks) Ack(ctx context.Context, m acks.Refs) error {
	if m.Count() == 0 {
		return nil
	}
	stream := &a.c.w.stream
	epoch := stream.epoch
	allowed, _ := m.Part(func(of uint64, ref acks.Ref) bool {
		return int(of) == epoch || a.c.w.sabotage == noEvidence || stream.has(ref.Message())
	})
	return a.c.do(ctx, step{what: "ack", ack: func() bool {
		if epoch != stream.epoch && a.c.w.sabotage != acksBuffered {
			return false
		}
		allowed.Seqs(stream.ack)
		return true
	}})
}
