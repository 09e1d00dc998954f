package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
)

// A watermark acknowledges the messages of a consumer with the AckAll policy: one ack stands for all messages up to it,
// which costs the server a tenth. It must never stand for one that is neither stored nor held. So
//
//   - this capture is the only one of the consumer. It takes it in the ledger, and begins with resetting it, so that all that is not
//     acknowledged is delivered to it, numbered from 1;
//   - it acks only what it had received when the ledger still named it as the owner. If another has taken the consumer it ends;
//   - it acks only while these numbers, the consumer sequences, have come without a gap. A message that was lost on its way leaves
//     a gap, if another came after it. Then the consumer is reset again;
//   - the consumer is also reset when pulling starts again after a connection or a leader was lost, because the lost message may be
//     the last there is, and when a block is given up;
//   - it acks on the connection alone on which the consumer was reset: after another one the stream may have lost its end.
//
// After a reset, messages that are stored above the ack floor come again, and the ledger knows them: AckAll needs ExactlyOnce.
type watermark struct {
	acker *acks.Acker
	fence *fence
	route acks.Route

	received acks.Ref // the highest stream sequence, and the consumer sequence up to which there is no gap
	acked    acks.Ref
	sure     acks.Ref // up to which this capture is known to have owned the consumer
	broken   error    // why nothing may be acked before a reset

	numbering  int    // how often the consumer was reset, by this capture
	connection uint64 // that it was reset on
	asked      bool   // the fence, who owns the consumer
	resetting  bool   // the fence was asked to reset the consumer
}

var (
	errGap       = errors.New("a message was lost on its way")
	errGivenUp   = errors.New("messages are to be delivered again")
	errSharedAll = errors.New("another client pulls from it, and a consumer with the ack policy AckAll has one capture: stop the other, or use explicit acks")
	errNotOwned  = errors.New("the ledger has lost that this capture owns it")
)

// receive counts a delivery, and reports false if one before it is missing.
func (w *watermark) receive(d *acks.Delivery) bool {
	if w.broken != nil {
		return true // to be reset
	}
	if d.ConsumerSeq != w.received.ConsumerSeq+1 {
		w.broken = fmt.Errorf("%w: %d deliveries before stream sequence %d", errGap, int64(d.ConsumerSeq-w.received.ConsumerSeq-1), d.StreamSeq)
		return false
	}
	w.route = d.Route
	w.received.ConsumerSeq = d.ConsumerSeq
	w.received.StreamSeq = max(w.received.StreamSeq, d.StreamSeq)
	return true
}

// breakOff makes sure that nothing is acked before a reset, and returns why.
func (w *watermark) breakOff(cause error) error {
	if w.broken == nil {
		w.broken = cause
	}
	return w.broken
}

// isVoid reports whether nothing can be acknowledged because the consumer was reset on another connection than pulling began on.
func (w *watermark) isVoid(connection uint64) bool {
	return w != nil && w.broken == nil && w.numbering > 0 && w.connection != connection
}

// askReset has the consumer reset, so that it begins again after its ack floor. Nothing of the old numbering may be received
// afterwards.
func (w *watermark) askReset() {
	w.fence.asks <- fenceAsk{reset: true}
	w.resetting = true
}

// renumbered notes that the consumer was reset.
func (w *watermark) renumbered(connection uint64) {
	w.received, w.acked, w.sure, w.broken, w.connection = acks.Ref{}, acks.Ref{}, acks.Ref{}, nil, connection
	w.numbering++
}

// ackUpTo acknowledges the messages up to low, which are all stored, as far as this capture is known to have owned the consumer. If
// low has risen only by messages that were delivered again, the ack before was lost.
func (w *watermark) ackUpTo(low acks.Ref) {
	if sure := w.limit(low); sure.StreamSeq >= w.acked.StreamSeq && sure.ConsumerSeq > w.acked.ConsumerSeq {
		w.acker.AckUnconfirmed(string(w.route.AppendSubject(nil, sure)), w.connection)
		w.acked = sure
	}
	if low.ConsumerSeq > w.sure.ConsumerSeq && !w.asked {
		w.fence.asks <- fenceAsk{received: w.received, numbering: w.numbering}
		w.asked = true
	}
}

// limit returns the numbers, or those up to which this capture is known to have owned the consumer if these are lower.
func (w *watermark) limit(low acks.Ref) acks.Ref {
	low.StreamSeq = min(low.StreamSeq, w.sure.StreamSeq)
	low.ConsumerSeq = min(low.ConsumerSeq, w.sure.ConsumerSeq)
	return low
}

// learnOwner draws conclusions from who owns the consumer. It reports whether more may be acknowledged.
func (w *watermark) learnOwner(a fenceAnswer, log logger) bool {
	w.asked = false
	switch {
	case a.err != nil:
		log.often.Warn("the ledger does not say who owns the consumer: nothing is acknowledged, will retry", zap.Error(a.err))
	case !a.owned:
		log.often.Warn("the ledger has lost that this capture owns the consumer: nothing is acknowledged before it says so again")
	case a.numbering == w.numbering:
		w.sure = a.received
		return true
	}
	return false
}

// heldBack returns the number of the delivery before which blocks are to be sealed, 0 if none: much is stored above what they hold.
func (w *watermark) heldBack(low acks.Ref, inFlight int) uint64 {
	if w.received.ConsumerSeq-low.ConsumerSeq < uint64(inFlight)/behindShare {
		return 0
	}
	return w.received.ConsumerSeq - uint64(inFlight)/latestShare
}

// confirm acknowledges by a round trip what low says when the capture ends.
func (w *watermark) confirm(ctx context.Context, low acks.Ref, log logger) {
	if w.broken != nil || w.received.ConsumerSeq == 0 {
		return
	}
	err := acks.ErrConnectionLost
	if w.acker.IsConnected(w.connection) {
		err = w.fence.check(ctx)
	}
	if err != nil {
		log.Warn("the last acks are not sent: messages will be delivered again", zap.Error(err))
		return
	}
	w.sure = w.received
	low = w.limit(low)
	if low.StreamSeq == 0 || low.ConsumerSeq == 0 {
		return
	}
	if err := w.acker.Confirm(ctx, string(w.route.AppendSubject(nil, low)), 1, w.connection); err != nil {
		log.Warn("the last acks are not confirmed: messages may be delivered again", zap.Error(err))
	}
}

const watermarkConfirm = 5 * time.Second

// A fence finds out, beside the loop, up to which delivery a watermark may acknowledge: all that came while the ledger named this
// capture as the consumer's owner. A capture that takes the consumer tells the ledger first, and then resets the consumer. The numbers
// begin at 1 again, and each of the two captures may get part of the messages.
//
// It also resets the consumer.
type fence struct {
	owns    func(context.Context) (bool, error)
	reset   func(context.Context) error
	acker   *acks.Acker
	asks    chan fenceAsk
	answers chan fenceAnswer
}

// A fenceAsk asks whether the consumer is owned, after some messages had been received, or for a reset.
type fenceAsk struct {
	received  acks.Ref
	numbering int
	reset     bool
}

// A fenceAnswer says whether the consumer is owned, or on which connection it was reset.
type fenceAnswer struct {
	fenceAsk
	owned      bool
	connection uint64
	err        error // another capture has the consumer, or the ledger does not answer
}

const fenceAsks = 2 // one of each kind may wait

func newFence(acker *acks.Acker, owns func(context.Context) (bool, error), reset func(context.Context) error) *fence {
	return &fence{owns: owns, reset: reset, acker: acker, asks: make(chan fenceAsk, fenceAsks), answers: make(chan fenceAnswer, fenceAsks)}
}

func (f *fence) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-f.asks:
			a := f.answer(ctx, q)
			select {
			case <-ctx.Done():
				return
			case f.answers <- a:
			}
		}
	}
}

func (f *fence) answer(ctx context.Context, q fenceAsk) fenceAnswer {
	ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout)
	defer cancel()
	a := fenceAnswer{fenceAsk: q}
	if q.reset {
		a.connection, a.err = f.resetConsumer(ctx)
	} else {
		a.owned, a.err = f.owns(ctx)
	}
	return a
}

// check returns why the consumer is not known to be owned, nil if it is.
func (f *fence) check(ctx context.Context) error {
	owned, err := f.owns(ctx)
	if err == nil && !owned {
		return errNotOwned
	}
	return err
}

// resetConsumer resets the consumer if it is owned, before and after. It returns the connection that this was done on.
func (f *fence) resetConsumer(ctx context.Context) (connection uint64, err error) {
	connection = f.acker.Connection()
	if err := f.check(ctx); err != nil {
		return 0, fmt.Errorf("reset the consumer: %w", err)
	}
	if err := f.reset(ctx); err != nil {
		return 0, err
	}
	if !f.acker.IsConnected(connection) { // it was asked on one connection and done on the next, and nobody knows when
		return 0, fmt.Errorf("reset the consumer: %w", acks.ErrConnectionLost)
	}
	if err := f.check(ctx); err != nil { // another may have taken it before it was reset: a capture that is not the owner must not pull
		return 0, fmt.Errorf("reset the consumer: %w", err)
	}
	return connection, nil
}

// noAcks stands in for an acker where the loop acknowledges by watermark.
type noAcks struct{}

func (noAcks) Ack(context.Context, acks.Refs) error { return nil }
