package jetcapture

import (
	"cmp"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/evidence"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/rawheaders"
)

const (
	rejectedLogged = 5 // dead letters between two samples; the others are counted
	nakDelay       = 2 * time.Second
	handBackDelay  = 100 * time.Millisecond
	pendingDelay   = time.Second // until a message is delivered once more that another block may hold
)

// A pipe takes messages from the intake to open blocks, and these to the queue and out of it. The loop alone uses it, and what its
// parts own.
type pipe[P Payload, K DestKey] struct {
	o       *Options[P, K]
	log     logger
	acker   *acks.Acker
	headers *rawheaders.Source
	once    *exactlyOnce[K] // nil: at least once
	budget  budget
	clocks  clocks

	intake  intake
	history *history
	open    openBlocks[P, K]
	queue   queue[K]
	brake   brake
	doubts  doubts

	poll func() // has the consumer and the stream polled now
	stop error  // why to end
}

// doubts are for the watch to look into.
type doubts struct {
	unsure    bool // the consumer may be gone
	streamDue bool // the stream is to be polled soon
}

// seal gives an open block to the queue.
func (p *pipe[P, K]) seal(b *block[K], reason SealReason) {
	p.open.close(b)
	if b.Count() == 0 {
		p.forget(b) // all that was written to it was rejected
		return
	}
	b.sealed, b.reason = p.clocks.now, reason
	if p.o.Observer.BlockSealed != nil {
		p.o.Observer.BlockSealed(b.describe(), reason)
	}
	p.queue.add(b)
}

// sealAll seals each block that reason has a reason for.
func (p *pipe[P, K]) sealAll(reason func(*block[K]) SealReason) {
	for b := range p.open.all() {
		if reason := reason(b); reason != "" {
			p.seal(b, reason)
		}
	}
}

func always[K DestKey](reason SealReason) func(*block[K]) SealReason {
	return func(*block[K]) SealReason { return reason }
}

// settle takes a block back from the committer.
func (p *pipe[P, K]) settle(o outcome[K]) {
	p.queue.remove(o.block)
	switch {
	case o.err == nil:
		p.brake.stored()
		p.queue.backlog.done()
		p.intake.suspects.Clear(o.block.Messages())
		p.forget(o.block)
		return
	case o.handBack != nil:
		p.refused(o)
		return
	case o.suspect:
		p.intake.suspects.Add(o.block.Messages())
	case o.fatal:
		p.stop = cmp.Or(p.stop, o.err)
	default:
		p.brake.setback(o.err, p.clocks.now)
	}
	p.abandon(o.block, o.err)
}

// refused forgets a block that the ledger did not let be stored. Its messages that are in no other file are delivered again
// at once. If it was too old for the ledger, fewer blocks may wait for the store from now on.
func (p *pipe[P, K]) refused(o outcome[K]) {
	if errors.Is(o.err, ledger.ErrStale) && p.queue.late(o.block.sealed, p.clocks.now) {
		p.log.Warn("sealed blocks wait until they are too old for the ledger: fewer may wait from now on",
			zap.Int("waiting", p.queue.size()), zap.Int("limit", p.queue.backlog.limit))
	}
	p.log.often.Info("a block is given up, its messages are or will be in others", zap.String("block", o.block.id),
		zap.Int("messages", o.block.Count()), zap.Int("again", o.handBack.Count()), zap.Error(o.err))
	if p.o.Observer.BlockAbandoned != nil {
		p.o.Observer.BlockAbandoned(o.block.describe(), o.err)
	}
	p.intake.counts.repeated += o.block.Count() - o.handBack.Count()
	p.intake.suspects.Clear(o.block.Messages())
	p.forget(o.block)
	if p.stop == nil || p.intake.watermark != nil {
		p.handBack(*o.handBack, handBackDelay)
	}
}

// closeFailed gives up an open block that failed.
func (p *pipe[P, K]) closeFailed(b *block[K], err error) {
	p.open.close(b)
	p.abandon(b, err)
}

// abandon gives up a block that is neither open nor in the queue: its messages will be delivered again.
func (p *pipe[P, K]) abandon(b *block[K], err error) {
	p.log.often.Error("a block is given up, its messages will be delivered again", zap.String("block", b.id),
		zap.Int("messages", b.Count()), zap.Error(err))
	if p.o.Observer.BlockAbandoned != nil {
		p.o.Observer.BlockAbandoned(b.describe(), err)
	}
	p.forget(b)
	if p.stop == nil || p.intake.watermark != nil { // or an ack of a later message would stand for these
		p.handBack(b.Refs, nakDelay)
	}
}

// forget drops a block that is neither open nor in the queue, and its messages.
func (p *pipe[P, K]) forget(b *block[K]) {
	b.spool.Close()
	for m := range b.Messages() {
		p.intake.held.Remove(m)
	}
	b.budgeted = 0
}

// handBack asks for messages again that no block has.
func (p *pipe[P, K]) handBack(m acks.Refs, delay time.Duration) {
	switch {
	case m.Count() == 0:
	case p.intake.watermark == nil:
		p.acker.Nak(m, delay)
	default:
		p.intake.restart = p.intake.watermark.breakOff(errGivenUp)
	}
}

// setBack notes that a message could not be written, through no fault of its own.
func (p *pipe[P, K]) setBack(d *acks.Delivery, err error) {
	p.brake.setback(err, p.clocks.now)
	p.handBack(d.Alone(), nakDelay)
}

// forked does what a fork calls for: blocks end, since none may hold two messages of one sequence, and lost messages are not
// held any more. They are stored all the same.
func (p *pipe[P, K]) forked(f evidence.Loss) {
	p.sealAll(always[K](SealFork))
	for _, r := range p.queue.records {
		for reader := r.Reader(); reader.Next(); {
			if reader.Epoch() <= f.Epoch && reader.Ref.StreamSeq >= f.Seq {
				p.intake.held.Remove(reader.Ref.Message())
			}
		}
	}
	p.history.lose(f)
	if p.intake.watermark != nil && p.intake.restart == nil {
		p.intake.restart = errForked
	}
	p.tellOfFork(Fork(f.Fork), f.To)
}

// tellOfFork tells people and the ledger. to is the highest sequence that was given to two messages, as far as is known.
func (p *pipe[P, K]) tellOfFork(f Fork, to uint64) {
	p.log.Warn("the stream lost messages and used their sequences again", zap.Uint64("from", f.Seq), zap.Uint64("to", to))
	if p.o.Observer.StreamForked != nil {
		p.o.Observer.StreamForked(f)
	}
	if p.history.onFork != nil {
		p.history.onFork(f)
	}
}
