package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A simCapture is one process: the real ledger and committer, and what the loop would hold.
type simCapture struct {
	began     uint64 // the last sequence of the stream when it began
	w         *world
	name      string
	dir       string
	book      *ledger.Book
	reader    logReader
	clocks    simClocks
	committer *committer[string]
	ready     bool // the ledger is read and its settings are agreed on
	behind    bool // the log has lost its end, and this capture has not yet appended again what it had claimed

	epoch   int    // of the stream, when this capture connected
	lineage string // that the ledger knew then
	seen    map[ledger.Message]int
	noted   int // losses of the stream that it has told the ledger

	held    map[uint64]int64 // times of messages
	open    []acks.Delivery  // of the open block
	label   string           // its lineage
	oldest  elapsed.Moment
	jobs    []*job
	running *job // whose step is being made
}

var (
	created    = time.Unix(1_600_000_000, 0)
	errCrashed = errors.New("crashed")
	tombstone  = []byte("-\n")
)

func newSimCapture(w *world) *simCapture {
	w.blocks++
	c := &simCapture{w: w, name: "c" + strconv.Itoa(w.blocks), dir: "d", held: map[uint64]int64{}, seen: map[ledger.Message]int{}}
	if w.traits.layouts {
		c.dir += []string{"/first=1", "/second=1"}[w.rng.IntN(2)]
	}
	c.clocks.init(c)
	c.reader.c, c.reader.losses = c, w.log.losses
	c.book = ledger.NewBook(1 << (6 + w.rng.IntN(12))) // often too small for a set, so that it is fetched
	once := &exactlyOnce[string]{
		book: c.book, locator: simStore{c}, clock: c.clocks.elapsed,
		Ledger: ledger.New(c.book, simLog{c}, simFiles{c}, c.options()),
	}
	once.tombstones.blocks = tombstone
	if w.sabotage != allNew {
		c.began = uint64(len(w.stream.messages))
	}
	c.committer = &committer[string]{
		store: simStore{c}, layout: func(time.Time) string { return c.dir }, acks: simAcks{c}, once: once,
		sleep: simClock{c}.Sleep, log: newLogger(zap.NewNop()),
	}
	c.start(func(ctx context.Context) { c.agree(ctx) })
	return c
}

func (c *simCapture) options() ledger.Options {
	o := ledger.Options{
		Instance: c.name, Retention: simRetention, SettleAfter: simSettle, RewindGrace: simGrace, Clock: simClock{c}, Heard: c.clocks.heard,
	}
	if c.w.traits.retentions {
		o.Retention = simRetention << c.w.rng.IntN(4) / 2
		o.Asked = c.w.rng.IntN(2) == 0
		o.LeastRetention = simRetention << c.w.rng.IntN(2) / 8
	}
	if c.w.sabotage == ownRetention {
		o.LeastRetention = 0
	}
	if c.w.sabotage == noGrace {
		o.RewindGrace = 1
	}
	return o
}

// agree is what keeper.ready does.
func (c *simCapture) agree(ctx context.Context) {
	for ctx.Err() == nil {
		if (simLog{c}).Sync(ctx) != nil {
			continue
		}
		if c.w.sabotage != ownRetention {
			if _, err := c.committer.once.Agree(ctx); err != nil {
				continue
			}
		}
		c.ready = true
		c.connected()
		return
	}
}

// connected is the begin of an epoch.
func (c *simCapture) connected() {
	c.epoch, c.lineage = c.w.stream.epoch, c.book.Lineage()
}

// restore is what keeper.restore does.
func (c *simCapture) restore() {
	losses, generation := c.reader.losses, c.book.Generation()
	c.start(func(ctx context.Context) {
		for c.w.sabotage != noRestore && c.committer.once.Restore(ctx) != nil {
			if ctx.Err() != nil || c.book.Generation() != generation {
				return
			}
			simClock{c}.Sleep(ctx, 0)
		}
		if ctx.Err() == nil && losses == c.w.log.losses {
			c.behind = false
		}
	})
}

// deliver is the loop's receive.
func (c *simCapture) deliver(m *streamed) {
	w, once := c.w, c.committer.once
	w.note("%s gets %s", c.name, simName(m.Message))
	c.seen[m.Message] = c.epoch
	held, ok := c.held[m.Seq]
	if ok && held == m.Time {
		return
	}
	if !once.New(m.Seq) {
		about := m.Message
		if w.sabotage == sequenceAlone {
			about.Time = 0
		}
		switch once.Look(context.Background(), about) {
		case ledger.Archived:
			w.stream.ack(m.Seq)
			return
		case ledger.Pending:
			return
		}
	}
	if ok && slices.ContainsFunc(c.open, func(d acks.Delivery) bool { return d.StreamSeq == m.Seq }) {
		c.seal() // a block never holds two messages of one sequence
	}
	if len(c.open) == 0 {
		c.oldest, c.label = c.clocks.elapsed.Now(), c.lineage
	}
	c.open = append(c.open, acks.Delivery{StreamSeq: m.Seq, Timestamp: m.Time, NumDelivered: m.delivered, Epoch: uint64(c.epoch)})
	c.held[m.Seq] = m.Time
}

// seal gives the open block to a store worker.
func (c *simCapture) seal() {
	b := c.block()
	c.open = nil
	c.w.note("%s seals %s", c.name, b.id)
	c.start(func(ctx context.Context) {
		if c.w.sabotage == ackBeforeStored {
			_ = simAcks{c}.Ack(ctx, b.Refs)
		}
		o := c.committer.commit(ctx, b)
		if ctx.Err() != nil {
			return
		}
		c.w.note("%s is done with %s: %v", c.name, b.id, o.err)
		if o.fatal || o.err != nil && (errors.Is(o.err, fs.ErrExist) || errors.Is(o.err, ledger.ErrUnfit)) {
			c.w.violate("commit of %s: %v", b.id, o.err)
		}
		for r := b.Reader(); r.Next(); {
			ref := r.Ref
			if c.held[ref.StreamSeq] == ref.Timestamp {
				delete(c.held, ref.StreamSeq)
			}
			if o.err == nil && c.w.store.holding[ref.Message()] != 1 && c.w.sabotage != sequenceAlone {
				c.w.violate("message %s of %s, which is stored, is in no file", simName(ref.Message()), b.id)
			}
		}
	})
}

// block makes a real block of the open messages.
func (c *simCapture) block() *block[string] {
	c.w.blocks++
	b := &block[string]{id: "b" + strconv.Itoa(c.w.blocks), start: created, end: created, oldest: c.oldest, lineage: c.label}
	if c.w.sabotage == lineageOfClaim {
		b.lineage = c.book.Lineage()
	}
	writer := new(messageWriter)
	if err := b.openEncoder(writer, blockSpec{compression: None}); err != nil {
		c.w.violate("open block: %v", err)
	}
	for _, d := range c.open {
		_, _ = fmt.Fprintf(writer.out, "%d %d\n", d.StreamSeq, d.Timestamp) // to memory
		switch c.w.sabotage {
		case sequenceAlone:
			d.Timestamp = 0
		case epochsNotCut:
			d.Epoch = 0
		case allNew:
			d.NumDelivered = 1
		}
		b.add(&d, 1)
		if d.NumDelivered > 1 || d.StreamSeq <= c.began {
			b.heldBefore(d.StreamSeq)
		}
	}
	return b
}

// messageWriter is the encoder of blocks whose rows are messages.
type messageWriter struct{ out io.Writer }

func (s *messageWriter) InitNew(out io.Writer) error { s.out = out; return nil }
func (s *messageWriter) Flush() error                { return nil }

// keep is a round of the keeper.
func (c *simCapture) keep() {
	floor := c.w.stream.floor()
	if c.w.sabotage == forgetful {
		floor = uint64(len(c.w.stream.messages))
	}
	c.start(func(ctx context.Context) { _ = c.committer.once.Keep(ctx, floor) })
}

// noteFork tells the ledger of a loss of the stream that this capture knows of: it has got some of what was lost, or what came in
// its place.
func (c *simCapture) noteFork() {
	if c.noted == len(c.w.stream.losses) || !c.ready {
		return
	}
	loss := c.w.stream.losses[c.noted]
	c.noted++
	seq, before, after := uint64(0), int64(0), int64(0)
	for m, epoch := range c.seen {
		if m.Seq < loss.from {
			continue
		}
		switch {
		case epoch < loss.epoch && !c.w.stream.has(m):
			before = max(before, m.Time)
			if seq == 0 || m.Seq < seq {
				seq = m.Seq
			}
		case epoch >= loss.epoch && (after == 0 || m.Time < after):
			after = m.Time
		}
	}
	if seq == 0 {
		return // it did not see the stream before
	}
	c.w.note("%s notices the fork at %d", c.name, seq)
	c.start(func(ctx context.Context) {
		if c.committer.once.NoteFork(ctx, seq, before, after) == nil && loss.forks == 0 {
			loss.forks = len(c.book.Forks())
		}
	})
}

// knowsForks reports whether the Book has all forks of the stream.
func (c *simCapture) knowsForks() bool {
	forks := len(c.book.Forks())
	return !slices.ContainsFunc(c.w.stream.losses, func(l *simLoss) bool { return l.forks == 0 || forks < l.forks })
}

// crash ends the process. What it was about to do may still happen.
func (c *simCapture) crash() {
	w := c.w
	w.note("%s crashes", c.name)
	if c.behind { // see simLedger.lose
		w.store.land(true)
	}
	for len(c.jobs) > 0 {
		j := c.jobs[0]
		c.jobs = c.jobs[1:]
		switch {
		case j.at.write != nil && w.rng.IntN(2) == 0:
			if c.behind {
				_ = w.store.create(j.at.write.name, j.at.write.content)
				break
			}
			w.store.wire = append(w.store.wire, *j.at.write)
		case j.at.append != nil && w.rng.IntN(2) == 0:
			_ = j.at.append()
		case j.at.ack != nil && w.rng.IntN(2) == 0:
			j.at.ack()
		}
		j.cancel()
		c.running = j
		j.stop()
	}
	w.captures[slices.Index(w.captures, c)] = newSimCapture(w)
}
