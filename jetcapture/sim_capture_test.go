package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A simCapture is one process: the real ledger and committer, and what the loop would hold.
type simCapture struct {
	w         *world
	name      string
	book      *ledger.Book
	read      int // entries of the log applied to the book
	committer *committer[string]
	held      map[int]bool
	open      []int // messages in the open block
	oldest    time.Time
	jobs      []*job
	running   *job // whose step is being made
}

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

// A step is a call out of a capture. One of its fields says which.
type step struct {
	what   string
	write  *put
	append func() error
	until  func() bool
	ack    *messageRefs
	sleep  bool
}

var (
	created    = time.Unix(1_600_000_000, 0)
	errCrashed = errors.New("crashed")
	tombstone  = []byte("-\n")
)

func newSimCapture(w *world) *simCapture {
	w.blocks++
	c := &simCapture{w: w, name: "c" + strconv.Itoa(w.blocks), held: map[int]bool{}}
	c.book = ledger.NewBook(created, 1<<(6+w.rng.IntN(12))) // often too small for a set, so that it is fetched
	once := &exactlyOnce[string]{Ledger: ledger.New(c.book, simLog{c}, simFiles{c}, ledger.Options{
		Instance: c.name, Created: created, Retention: simRetention, SettleAfter: simSettle, Clock: simClock{c},
	})}
	once.tombstones.blocks = tombstone
	c.committer = &committer[string]{
		store: simStore{c}, layout: func(time.Time) string { return "d" }, acks: simAcks{c}, once: once,
		sleep: simClock{c}.Sleep, log: zap.NewNop(),
	}
	c.read = int(w.purged)
	return c
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

// readLog applies up to n entries.
func (c *simCapture) readLog(n int) {
	if c.read < int(c.w.purged) {
		c.read = int(c.w.purged)
		c.book.Skip(c.w.purged + 1)
	}
	for ; n > 0 && c.read < len(c.w.log); n-- {
		e := c.w.log[c.read]
		c.read++
		c.book.Apply(uint64(c.read), e.at, e.entry)
	}
}

// deliver is the loop's handle.
func (c *simCapture) deliver(seq int) {
	w := c.w
	w.delivered[seq]++
	w.note("%s gets %d", c.name, seq)
	if w.delivered[seq] > 1 {
		if c.held[seq] {
			return
		}
		switch c.committer.once.Look(context.Background(), uint64(seq)) {
		case ledger.Archived:
			w.ack(seq)
			return
		case ledger.Pending:
			return
		}
	}
	if len(c.open) == 0 {
		c.oldest = w.now
	}
	c.open = append(c.open, seq)
	c.held[seq] = true
}

// seal gives the open block to a store worker.
func (c *simCapture) seal() {
	b := c.block()
	c.open = nil
	c.w.note("%s seals %s", c.name, b.id)
	c.start(func(ctx context.Context) {
		if c.w.sabotage == ackBeforeStored {
			_ = simAcks{c}.ack(ctx, b.messageRefs)
		}
		o := c.committer.commit(ctx, b)
		if ctx.Err() != nil {
			return
		}
		c.w.note("%s is done with %s: %v", c.name, b.id, o.err)
		if o.fatal || o.err != nil && (errors.Is(o.err, fs.ErrExist) || errors.Is(o.err, ledger.ErrUnfit)) {
			c.w.violate("commit of %s: %v", b.id, o.err)
		}
		b.seqs(func(seq uint64) { delete(c.held, int(seq)) })
	})
}

// block makes a real block of the open messages.
func (c *simCapture) block() *block[string] {
	c.w.blocks++
	b := &block[string]{id: "b" + strconv.Itoa(c.w.blocks), start: created, end: created, oldest: c.oldest}
	if c.w.sabotage == ageless {
		b.oldest = c.w.now.Add(1000 * simRetention)
	}
	writer := new(seqWriter)
	if err := b.openEncoder(writer, blockSpec{compression: None}); err != nil {
		c.w.violate("open block: %v", err)
	}
	for _, seq := range c.open {
		_, _ = fmt.Fprintf(writer.out, "%d\n", seq) // to memory
		b.add(&delivery{streamSeq: uint64(seq)}, "", 1)
	}
	return b
}

// seqWriter is the encoder of blocks whose rows are sequences.
type seqWriter struct{ out io.Writer }

func (s *seqWriter) InitNew(out io.Writer) error { s.out = out; return nil }
func (s *seqWriter) Flush() error                { return nil }

// keep is a round of the keeper.
func (c *simCapture) keep() {
	floor := c.w.floor()
	if c.w.sabotage == forgetful {
		floor = uint64(c.w.messages)
	}
	c.start(func(ctx context.Context) { _ = c.committer.once.Keep(ctx, floor) })
}

// crash ends the process. What it was about to do may still happen.
func (c *simCapture) crash() {
	w := c.w
	w.note("%s crashes", c.name)
	for len(c.jobs) > 0 {
		j := c.jobs[0]
		c.jobs = c.jobs[1:]
		switch {
		case j.at.write != nil && w.rng.IntN(2) == 0:
			w.wire = append(w.wire, *j.at.write)
		case j.at.append != nil && w.rng.IntN(2) == 0:
			_ = j.at.append()
		case j.at.ack != nil && w.rng.IntN(2) == 0:
			ackAll(w, j.at.ack)
		}
		j.cancel()
		c.running = j
		j.stop()
	}
	w.captures[slices.Index(w.captures, c)] = newSimCapture(w)
}

func ackAll(w *world, m *messageRefs) {
	m.seqs(func(seq uint64) { w.ack(int(seq)) })
}

// pick makes the step that a job waits for, in one of the ways it may go.
func (j *job) pick() {
	w, s := j.c.w, j.at
	w.note("%s: %s", j.c.name, s.what)
	switch {
	case s.write != nil:
		switch {
		case w.chance(8): // never sent
			j.answer = errSim
		case w.chance(8): // the answer is lost
			_ = w.create(s.write.name, s.write.content)
			j.answer = errSim
		case w.chance(8): // it is on its way
			w.wire = append(w.wire, *s.write)
			j.answer = errSim
		default:
			j.answer = w.create(s.write.name, s.write.content)
		}
	case s.append != nil:
		switch {
		case w.chance(10):
			j.answer = errSim
		case w.chance(10):
			_ = s.append()
			j.answer = errSim
		default:
			j.answer = s.append()
		}
	case s.until != nil:
		for !s.until() {
			if j.c.read == len(w.log) && j.c.book.Stats().Applied == uint64(len(w.log)) {
				w.violate("%s waits for an entry that is not there", j.c.name)
				return
			}
			j.c.readLog(1)
		}
		j.answer = nil
	case s.ack != nil:
		j.answer = nil
		if w.chance(10) {
			j.answer = errSim
			if w.rng.IntN(2) == 0 {
				break
			}
		}
		ackAll(w, s.ack)
	case s.sleep:
		w.now = w.now.Add(time.Duration(1+w.rng.IntN(20)) * time.Second)
		j.answer = nil
	}
	j.resume()
}
