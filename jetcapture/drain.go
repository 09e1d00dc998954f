package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	finishPollIn = 3 * time.Second
	drainQuiet   = 100 * time.Millisecond // of no message, when stopping: no more of those asked for will come
	drainReceive = time.Second            // at most, to receive the messages that were asked for
)

// finishPoll waits a moment for the state of the stream, so that a fork is told of though the capture ends.
func (l *loop[P, K]) finishPoll() {
	enough := time.NewTimer(finishPollIn)
	defer enough.Stop()
	for w := &l.watch; (w.asked || w.streamDue) && l.nc.IsConnected() && l.stop == nil; {
		if !w.asked {
			w.ask(true)
		}
		select {
		case a := <-w.poller.answers:
			l.clocks.now = time.Now()
			if w.learn(a); a.err != nil {
				time.Sleep(tickEvery)
			}
		case <-enough.C:
			return
		}
	}
}

// drain seals, stores and acks the blocks that are left. After timeout it calls giveUp, which must make the committer return.
func (l *loop[P, K]) drain(timeout time.Duration, giveUp func()) error {
	l.clocks.now = time.Now()
	if l.nc.IsClosed() {
		giveUp() // nothing could be acked: blocks that are stored now would be stored again
		timeout = 0
	} else if l.stop == nil {
		l.takeOutstanding()
	}
	l.intake.puller.Stop()
	if l.intake.watermark == nil { // or it is not acknowledged, as it still waits
		l.handBackWaiting()
	}
	l.sealAll(always[K](SealShutdown))

	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	var d drained
	for l.queue.size() > 0 {
		sealed, next := l.queue.next()
		select {
		case sealed <- next:
			l.queue.sent()
		case o := <-l.queue.outcomes:
			if o.handBack == nil { // a block that others were faster with is no failure
				d.count(o.block.Count(), o.err)
			}
			l.settle(o)
		case <-deadline.C:
			giveUp()
			for _, b := range l.queue.giveUp() {
				d.count(b.Count(), ErrDrainTimeout)
				l.forget(b)
				if w := l.intake.watermark; w != nil {
					_ = w.breakOff(errGivenUp)
				}
			}
			d.timedOut = timeout
		}
	}
	if l.intake.watermark != nil {
		l.confirm()
	}
	l.watch.takeForks()
	l.report()
	return d.err(l.o.NATSStreamName)
}

// confirm acknowledges what is stored, by watermark. A reset that was asked for is over before: the consumer is the next capture's
// then.
func (l *loop[P, K]) confirm() {
	ctx, cancel := context.WithTimeout(context.Background(), watermarkConfirm)
	defer cancel()
	w := l.intake.watermark
	for w.resetting {
		select {
		case a := <-w.fence.answers:
			w.resetting = w.resetting && !a.reset
		case <-ctx.Done():
			return
		}
	}
	w.confirm(ctx, l.low(), l.log)
}

// takeOutstanding takes the messages that were asked for and are on their way, so that they need not be delivered again.
// It stops when none comes for a moment, and on a live stream, where new ones keep coming, after a second.
func (l *loop[P, K]) takeOutstanding() {
	quiet, enough := time.NewTimer(drainQuiet), time.NewTimer(drainReceive)
	defer quiet.Stop()
	defer enough.Stop()
	for (l.intake.puller.Outstanding() > 0 || l.intake.waits != nil) && !l.brake.waits(l.clocks.now) {
		select {
		case msg := <-l.intake.messages():
			l.clocks.now = time.Now()
			l.handle(msg)
			quiet.Reset(drainQuiet)
		case a := <-l.intake.answers():
			l.clocks.now = time.Now()
			l.lookedUp(a)
			quiet.Reset(drainQuiet)
		case <-quiet.C:
			if l.intake.waits == nil {
				return
			}
			quiet.Reset(drainQuiet) // messages may have come that are taken after the one that waits
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
		return fmt.Errorf("capture stream %q: %w: %d blocks with %d messages were not stored within the %v of Options.DrainTimeout: they are not acknowledged and will be delivered again; one of them: %w",
			stream, ErrDrainTimeout, d.blocks, d.messages, d.timedOut, d.last)
	case d.timedOut > 0:
		return fmt.Errorf("capture stream %q: %w: %d blocks with %d messages were not stored within the %v of Options.DrainTimeout: they are not acknowledged and will be delivered again; allow more time, or see why the store is slow",
			stream, ErrDrainTimeout, d.blocks, d.messages, d.timedOut)
	default:
		return fmt.Errorf("capture stream %q: %d blocks with %d messages were not stored: they are not acknowledged and will be delivered again: %w",
			stream, d.blocks, d.messages, d.last)
	}
}
