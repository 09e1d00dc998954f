package jetcapture

import (
	"errors"
	"io"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/held"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/pull"
	"github.com/jetcapture/lake/jetcapture/internal/rawheaders"
	"github.com/jetcapture/lake/jetcapture/internal/suspects"
	"github.com/jetcapture/lake/store"
)

// handle takes one message of the subscription to its block.
func (p *pipe[P, K]) handle(msg *nats.Msg) {
	if msg.Reply == "" {
		p.handleStatus(msg)
		return
	}
	d, ok := acks.Parse(msg.Reply)
	if !ok {
		p.log.Warn("a message that JetStream did not deliver came to the inbox of the capture: it is ignored",
			zap.String("reply", msg.Reply))
		return
	}
	if p.history.receive(&d) {
		p.doubts.streamDue = true
	}
	switch p.intake.receive(msg, &d, &p.clocks) {
	case held.Present:
		return
	case held.Another: // which proves a fork
		old, _ := p.intake.held.TimeOf(d.StreamSeq)
		p.forked(p.history.collide(&d, old))
		p.history.rejoin(&d)
	}
	if p.once == nil || p.lookUp(msg, &d) {
		p.archive(msg, &d)
	}
}

func (p *pipe[P, K]) handleStatus(msg *nats.Msg) {
	switch event, cause := p.intake.puller.Status(msg, p.clocks.now); event {
	case pull.Lost:
		p.intake.restart = cause
	case pull.Unsure:
		p.intake.restart, p.doubts.unsure = cause, true
		p.poll()
	}
}

// lookUp reports whether a message needs a block, by the part of the ledger that is in memory. If that does not tell, the message waits until
// the ledger was read.
func (p *pipe[P, K]) lookUp(msg *nats.Msg, d *acks.Delivery) bool {
	if p.once.New(d.StreamSeq) {
		return true
	}
	verdict, known := p.once.Recall(d.Message())
	if known {
		return p.needsBlock(verdict, msg, d)
	}
	if p.intake.wait(msg, d) {
		return false
	}
	if p.intake.watermark != nil {
		return true // to hand it back would reset the consumer, again and again; its claim settles whether it is in a file
	}
	p.handBack(d.Alone(), pendingDelay)
	return false
}

// lookedUp continues with the message that waited.
func (p *pipe[P, K]) lookedUp(a lookedUp) {
	w := p.intake.answered(a)
	switch {
	case w == nil: // it was handed back
	case w.Epoch != p.history.epoch: // the stream has lost messages meanwhile, this one perhaps
		p.handBack(w.Alone(), pendingDelay)
	case p.needsBlock(a.verdict, w.msg, &w.Delivery):
		p.archive(w.msg, &w.Delivery)
	}
}

// needsBlock reports whether a message is neither in a file, nor in a block of another capture. If it is, needsBlock acknowledges it or has it delivered again later.
func (p *pipe[P, K]) needsBlock(verdict ledger.Verdict, msg *nats.Msg, d *acks.Delivery) bool {
	switch verdict {
	case ledger.Archived:
		if p.intake.watermark == nil {
			p.acker.AckUnconfirmed(msg.Reply, p.intake.puller.Connection())
		}
		p.intake.counts.repeated++
		return false
	case ledger.Pending:
		if p.intake.watermark != nil {
			return true // an ack of later ones would stand for it: it must be held, and its claim settles who has it
		}
		p.acker.Nak(d.Alone(), pendingDelay)
		p.intake.counts.dropped++
		return false
	case ledger.Reused: // held messages are not touched: the stream may have forked before this capture began
		if f, more := p.history.reused(d); more && !p.once.book.Forked(d.Message()) {
			p.tellOfFork(f, p.once.book.Top())
		}
		return true
	default:
		return true
	}
}

// archive decodes a message and writes it to the block of its destination key and interval.
func (p *pipe[P, K]) archive(msg *nats.Msg, d *acks.Delivery) {
	p.intake.accept(d, &p.clocks)
	if !p.hasHeaders(msg, d) {
		return
	}
	payload, destKey, err := decode(p.o.MessageDecoder, msg)
	if err != nil {
		p.reject(msg, d, "decode", err)
		return
	}
	failed := p.intake.suspects.Failures(d.Message())
	if failed > 0 {
		err := tryAlone(p.o.WriterFactory, payload)
		if err == nil && suspects.IsDeadLetter(failed) {
			err = errChokes
		}
		if err != nil {
			p.reject(msg, d, "write", err)
			return
		}
	}
	b, err := p.open.find(destKey, d, failed)
	if errors.Is(err, store.ErrDestKey) {
		p.reject(msg, d, "destination key", err)
		return
	}
	if err != nil {
		p.setBack(d, err)
		return
	}
	rows, err := write(b.writer, payload)
	switch {
	case b.spool.Err() != nil:
		p.closeFailed(b.block, b.spool.Err())
		p.setBack(d, b.spool.Err())
	case errors.Is(err, format.ErrBroken):
		p.intake.suspects.Add(b.Messages())
		one := d.Alone()
		p.intake.suspects.Add(one.Messages())
		p.closeFailed(b.block, err)
		p.handBack(one, nakDelay)
	case err != nil:
		p.open.account(b.block)
		p.reject(msg, d, "write", err)
	default:
		p.hold(b.block, d, rows)
	}
}

// hasHeaders reports whether all headers of a message are there, after restoring those that the client has dropped. If they
// are not, the message is rejected or handed back.
func (p *pipe[P, K]) hasHeaders(msg *nats.Msg, d *acks.Delivery) bool {
	if !rawheaders.Missing(msg) {
		return true
	}
	err := p.headers.Restore(msg, d, p.clocks.now)
	switch {
	case err == nil:
		return true
	case errors.Is(err, rawheaders.ErrLater):
		p.handBack(d.Alone(), nakDelay)
	default:
		p.reject(msg, d, "headers", err)
	}
	return false
}

// errChokes says why a message that fits alone is a dead letter.
var errChokes = errors.New("the writer fails in each block that has the message, even in one of its own")

// tryAlone writes a payload alone, to see whether it made a block's writer fail.
func tryAlone[P Payload](factory func() format.Writer[P], payload P) error {
	w := factory()
	if err := guard.Call("InitNew", func() error { return w.InitNew(io.Discard) }); err != nil {
		return nil //nolint:nilerr // no fault of the payload
	}
	if _, err := write(w, payload); err != nil {
		return err
	}
	return guard.Call("Flush", w.Flush)
}

// reject puts a message that cannot be archived into a dead-letter block.
func (p *pipe[P, K]) reject(msg *nats.Msg, d *acks.Delivery, stage string, reason error) {
	if p.intake.counts.rejected++; p.intake.counts.rejected <= rejectedLogged {
		p.log.Warn("a message goes to the dead letters", zap.String("subject", msg.Subject),
			zap.Uint64("stream_seq", d.StreamSeq), zap.String("stage", stage), zap.Error(reason))
	}
	if p.o.Observer.DeadLettered != nil {
		p.o.Observer.DeadLettered(msg.Subject, reason)
	}
	b, err := p.open.findDeadLetters(d)
	if err != nil {
		p.setBack(d, err)
		return
	}
	letter := newDeadLetter(msg, d, p.o.NATSStreamName, p.o.NATSConsumerName, stage, reason)
	if _, err = write(b.writer, letter); err != nil {
		p.closeFailed(b.block, err)
		p.setBack(d, err)
		return
	}
	p.hold(b.block, d, 1)
}

// hold counts a message that was written to an open block, and seals the blocks that have reached a limit.
func (p *pipe[P, K]) hold(b *block[K], d *acks.Delivery, rows int) {
	b.requested(p.intake.requested)
	if d.NumDelivered > 1 || d.StreamSeq <= p.history.before {
		b.heldBefore(d.StreamSeq)
	}
	p.intake.held.Add(d.Message())
	p.open.add(b, d, rows)
	if reason := p.open.reason(b); reason != "" {
		p.seal(b, reason)
	}
	if p.open.isFull(&p.budget) {
		for b := range p.open.fullBlocks() {
			p.seal(b, SealInFlight)
		}
	}
	if p.open.isHeavy(&p.budget, p.intake.held) {
		for b := range p.open.heavyBlocks(p.intake.held) {
			p.seal(b, SealMemory)
		}
	}
}
