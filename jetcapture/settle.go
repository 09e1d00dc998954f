package jetcapture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// seal takes an open block to the end of the queue for the committer.
func (l *loop[P, K]) seal(b *block[K], reason SealReason) {
	l.close(b)
	if b.count() == 0 {
		l.release(b) // all that was written to it was rejected
		return
	}
	b.sealed, b.reason = l.clocks.now, reason
	l.waiting = append(l.waiting, b)
	if l.o.Observer.BlockSealed != nil {
		l.o.Observer.BlockSealed(b.describe(), reason)
	}
}

// close takes a block out of the open ones.
func (l *loop[P, K]) close(b *block[K]) {
	l.recent = nil
	l.openMessages -= b.count()
	l.openMemory -= b.memory
	if b.deadLetter {
		delete(l.letters, b.start.UnixNano())
		return
	}
	delete(l.open, b.key())
	if latest := l.latest[b.destKey]; latest != nil && latest.block == b {
		delete(l.latest, b.destKey)
	}
}

func (l *loop[P, K]) handedOver() {
	l.inStore[l.waiting[0]] = struct{}{}
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	l.storing++
}

// sealAll seals each block that pick has a reason for.
func (l *loop[P, K]) sealAll(pick func(*block[K]) SealReason) {
	for b := range l.openBlocks() {
		if reason := pick(b); reason != "" {
			l.seal(b, reason)
		}
	}
}

func always[K DestKey](reason SealReason) func(*block[K]) SealReason {
	return func(*block[K]) SealReason { return reason }
}

// settle takes note of what became of a sealed block.
func (l *loop[P, K]) settle(o outcome[K]) {
	l.storing--
	delete(l.inStore, o.block)
	if o.err == nil {
		l.setbacks = 0
		l.backlog.done()
		l.suspects.Clear(o.block.messages())
		l.release(o.block)
		return
	}
	if o.again != nil {
		l.shrinkBacklog(o)
		l.giveBack(o)
		return
	}
	switch {
	case o.suspect:
		l.suspects.Add(o.block.messages())
	case o.fatal:
		l.stop = cmp.Or(l.stop, o.err)
	default:
		l.setback(o.err)
	}
	l.abandon(o.block, o.err)
}

// shrinkBacklog lets fewer blocks wait for a store if one waited until it was too old for the ledger.
func (l *loop[P, K]) shrinkBacklog(o outcome[K]) {
	waiting := len(l.waiting) + l.storing
	if errors.Is(o.err, ledger.ErrStale) && l.backlog.late(o.block.sealed, waiting, l.clocks.now) {
		l.log.Warn("sealed blocks wait until they are too old for the ledger: fewer may wait from now on",
			zap.Int("waiting", waiting), zap.Int("limit", l.backlog.limit))
	}
}

// release forgets a block and its messages.
func (l *loop[P, K]) release(b *block[K]) {
	b.spool.close()
	for m := range b.messages() {
		l.held.Remove(m)
	}
	l.memory -= b.memory
	b.memory = 0
}

// abandonOpen gives up an open block whose spool failed.
func (l *loop[P, K]) abandonOpen(b *openBlock[P, K], err error) {
	l.close(b.block)
	l.setback(err)
	l.abandon(b.block, err)
}

// abandon gives up a block that is out of the open ones: its messages will be delivered again.
func (l *loop[P, K]) abandon(b *block[K], err error) {
	l.log.often.Error("a block is given up, its messages will be delivered again", zap.String("block", b.id),
		zap.Int("messages", b.count()), zap.Error(err))
	if l.o.Observer.BlockAbandoned != nil {
		l.o.Observer.BlockAbandoned(b.describe(), err)
	}
	l.release(b)
	if l.stop == nil {
		l.askAgain(b.messageRefs, nakDelay)
	}
}

// giveBack forgets a block that the ledger did not let be stored. Its messages that are in no other file are delivered again
// at once.
func (l *loop[P, K]) giveBack(o outcome[K]) {
	l.log.often.Info("a block is given up, its messages are or will be in others", zap.String("block", o.block.id),
		zap.Int("messages", o.block.count()), zap.Int("again", o.again.count()), zap.Error(o.err))
	if l.o.Observer.BlockAbandoned != nil {
		l.o.Observer.BlockAbandoned(o.block.describe(), o.err)
	}
	l.repeated += o.block.count() - o.again.count()
	l.suspects.Clear(o.block.messages())
	l.release(o.block)
	if l.stop == nil {
		l.askAgain(*o.again, giveBackDelay)
	}
}

// setback makes the loop wait before it takes more messages, longer each time until a block is stored.
func (l *loop[P, K]) setback(err error) {
	l.setbacks++
	wait := backoff(min(l.setbacks+3, 10))
	l.retryAt = l.clocks.now.Add(wait)
	l.log.often.Error("writing blocks fails, pulling pauses", zap.Duration("retry_in", wait), zap.Error(err))
}

// drain seals, stores and acks what is left. After timeout it calls giveUp, which must make the committer return.
func (l *loop[P, K]) drain(timeout time.Duration, giveUp func()) error {
	l.clocks.now = time.Now()
	if l.nc.IsClosed() {
		giveUp() // nothing could be acked: what was stored now would be stored again
		timeout = 0
	} else if l.stop == nil {
		l.takeOutstanding()
	}
	l.puller.Stop()
	l.sealAll(always[K](SealShutdown))

	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	var d drained
	for len(l.waiting)+l.storing > 0 {
		var sealed chan<- *block[K]
		var next *block[K]
		if len(l.waiting) > 0 {
			sealed, next = l.sealed, l.waiting[0]
		}
		select {
		case sealed <- next:
			l.handedOver()
		case o := <-l.outcomes:
			if o.again == nil { // a block that others were faster with is no failure
				d.count(o.block.count(), o.err)
			}
			l.settle(o)
		case <-deadline.C:
			giveUp()
			for _, b := range l.waiting {
				d.count(b.count(), ErrDrainTimeout)
				l.release(b)
			}
			l.waiting = nil
			d.timedOut = timeout
		}
	}
	confirming, cancel := context.WithTimeout(context.Background(), watermarkConfirm)
	defer cancel()
	l.confirmUpTo(confirming)
	l.takeForks()
	l.report()
	return d.err(l.o.NATSStreamName)
}

// takeOutstanding takes the messages that were asked for and are on their way, so that they need not be delivered again.
// It stops when none comes for a moment, and on a live stream, where new ones keep coming, after a second.
func (l *loop[P, K]) takeOutstanding() {
	quiet, enough := time.NewTimer(drainQuiet), time.NewTimer(drainReceive)
	defer quiet.Stop()
	defer enough.Stop()
	for l.puller.Outstanding() > 0 && !l.clocks.now.Before(l.retryAt) {
		select {
		case msg := <-l.puller.Messages():
			l.clocks.now = time.Now()
			l.handle(msg)
			quiet.Reset(drainQuiet)
		case <-quiet.C:
			return
		case <-enough.C:
			return
		}
	}
}

// drained counts what a drain could not store.
type drained struct {
	blocks   int
	messages int
	last     error
	timedOut time.Duration
}

func (d *drained) count(messages int, err error) {
	if err != nil {
		d.blocks++
		d.messages += messages
		if !errors.Is(err, ErrDrainTimeout) {
			d.last = err
		}
	}
}

func (d *drained) err(stream string) error {
	switch {
	case d.blocks == 0:
		return nil
	case d.timedOut > 0 && d.last != nil:
		return fmt.Errorf("capture stream %q: %w: %d blocks with %d messages were not stored within %v: they are not acknowledged and will be delivered again; one of them: %w",
			stream, ErrDrainTimeout, d.blocks, d.messages, d.timedOut, d.last)
	case d.timedOut > 0:
		return fmt.Errorf("capture stream %q: %w: %d blocks with %d messages were not stored within %v: they are not acknowledged and will be delivered again; allow more time, or see why the store is slow",
			stream, ErrDrainTimeout, d.blocks, d.messages, d.timedOut)
	default:
		return fmt.Errorf("capture stream %q: %d blocks with %d messages were not stored: they are not acknowledged and will be delivered again: %w",
			stream, d.blocks, d.messages, d.last)
	}
}
