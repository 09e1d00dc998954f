package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A watermark acknowledges the messages of a consumer with the AckAll policy: one ack stands for all messages up to it,
// which costs the server a tenth. It must never stand for one that is neither stored nor held. So
//
//   - this capture is the only one of the consumer. It takes it in the ledger, and begins with resetting it, so that all that is not
//     acknowledged is delivered to it, numbered from 1;
//   - it acks only what it had received when the ledger still said so. If another has taken the consumer it ends;
//   - it acks only while these numbers, the consumer sequences, have come without a gap. What was lost on its way leaves
//     one, if something came after it. Then the consumer is reset again;
//   - so it is when pulling starts again, after a connection or a leader was lost, as what was lost may be the last there is,
//     and when a block is given up;
//   - it acks on the connection alone on which the consumer was reset: after another one the stream may have lost its end.
//
// After a reset what is stored above the ack floor comes again, and the ledger knows it: AckAll needs ExactlyOnce.
type watermark struct {
	js       jetstream.JetStream
	stream   string
	consumer string
	acker    *acker
	route    ackRoute

	received ackRef // the highest stream sequence, and the consumer sequence up to which there is no gap
	acked    ackRef
	broken   error // why nothing may be acked before a reset

	connection uint64 // that it was reset on

	fence  *fence
	sure   ackRef // up to which this capture is known to have owned the consumer
	asked  bool   // the fence
	resets int
}

var (
	errGap       = errors.New("a message was lost on its way")
	errGivenUp   = errors.New("messages are to be delivered again")
	errSharedAll = errors.New("somebody else pulls from it, and a consumer with the ack policy AckAll has one capture: stop the other, or use explicit acks")
	errNotOwned  = errors.New("the ledger has lost that this capture owns it")
)

// receive counts a delivery, and reports false if one before it is missing.
func (w *watermark) receive(d *delivery) bool {
	if w.broken != nil {
		return true // to be reset
	}
	if d.consumerSeq != w.received.consumerSeq+1 {
		w.broken = fmt.Errorf("%w: %d deliveries before stream sequence %d", errGap, int64(d.consumerSeq-w.received.consumerSeq-1), d.streamSeq)
		return false
	}
	w.route = d.route
	w.received.consumerSeq = d.consumerSeq
	w.received.streamSeq = max(w.received.streamSeq, d.streamSeq)
	return true
}

// reset lets the consumer begin anew after its ack floor. Nothing of the old numbering may be received afterwards.
func (w *watermark) reset(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	connection := w.acker.connection()
	if err := w.fence.check(ctx); err != nil {
		return fmt.Errorf("reset consumer %q of stream %q: %w", w.consumer, w.stream, err)
	}
	if err := resetConsumer(ctx, w.js, &jetstream.ConsumerInfo{Stream: w.stream, Name: w.consumer}, 0); err != nil {
		return err
	}
	if !w.acker.isConnected(connection) { // it was asked on one connection and done on the next, and nobody knows when
		return fmt.Errorf("reset consumer %q of stream %q: %w", w.consumer, w.stream, errConnectionLost)
	}
	if err := w.fence.check(ctx); err != nil { // another may have taken it before it was reset: whoever is not the owner must not pull
		return fmt.Errorf("reset consumer %q of stream %q: %w", w.consumer, w.stream, err)
	}
	w.received, w.acked, w.sure, w.broken, w.connection = ackRef{}, ackRef{}, ackRef{}, nil, connection
	w.resets++
	return nil
}

// resetWatermark resets the consumer. What is held comes again under new numbers, so until it is stored none of these is
// acknowledged.
func (l *loop[P, K]) resetWatermark(ctx context.Context) error {
	if err := l.watermark.reset(ctx); err != nil {
		return err
	}
	for b := range l.blocks() {
		b.firstDelivery = 1
	}
	return nil
}

// blocks yields all that are open or sealed and not settled.
func (l *loop[P, K]) blocks() iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for b := range l.openBlocks() {
			if !yield(b) {
				return
			}
		}
		for _, b := range l.waiting {
			if !yield(b) {
				return
			}
		}
		for b := range l.inStore {
			if !yield(b) {
				return
			}
		}
	}
}

// low returns the highest numbers below which nothing is held: all messages up to them are stored.
func (l *loop[P, K]) low() ackRef {
	low := l.watermark.received
	for b := range l.blocks() {
		if b.count() > 0 {
			low.streamSeq = min(low.streamSeq, b.firstSeq-1)
			low.consumerSeq = min(low.consumerSeq, b.firstDelivery-1)
		}
	}
	low.numDelivered = 1
	return low
}

// ackUpTo acknowledges what is stored, if that is more than before, or if something of it was delivered again: then the ack
// before was lost.
func (l *loop[P, K]) ackUpTo() {
	w := l.watermark
	if w == nil || w.broken != nil {
		return
	}
	low := l.low()
	if sure := w.limit(low); sure.streamSeq >= w.acked.streamSeq && sure.consumerSeq > w.acked.consumerSeq {
		w.acker.ackUnconfirmed(string(w.route.subject(nil, sure)), w.connection)
		w.acked = sure
	}
	if low.consumerSeq > w.sure.consumerSeq && !w.asked {
		w.fence.asks <- fenceAsk{w.received, w.resets}
		w.asked = true
	}
	l.sealBehind(low)
}

// limit returns the numbers, or those up to which this capture is known to have owned the consumer if these are lower.
func (w *watermark) limit(low ackRef) ackRef {
	low.streamSeq = min(low.streamSeq, w.sure.streamSeq)
	low.consumerSeq = min(low.consumerSeq, w.sure.consumerSeq)
	return low
}

// fenced yields what the fence has found out, to learnOwner.
func (l *loop[P, K]) fenced() <-chan fenceAnswer {
	if l.watermark == nil {
		return nil
	}
	return l.watermark.fence.answers
}

// learnOwner draws conclusions from who owns the consumer.
func (l *loop[P, K]) learnOwner(a fenceAnswer) {
	w := l.watermark
	w.asked = false
	switch {
	case errors.Is(a.err, ledger.ErrTaken):
		l.stop = l.errTaken(a.err)
	case a.err != nil:
		l.log.often.Warn("the ledger does not say who owns the consumer: nothing is acknowledged, will retry", zap.Error(a.err))
	case !a.owned:
		l.log.often.Warn("the ledger has lost that this capture owns the consumer: nothing is acknowledged before it says so again")
	case a.reset == w.resets:
		w.sure = a.received
		l.ackUpTo()
	}
}

func (l *loop[P, K]) errTaken(err error) error {
	return fmt.Errorf("%w: %q of stream %q: %w, and a consumer with the ack policy AckAll has one: stop it, or use explicit acks",
		ErrConsumerUnfit, l.o.NATSConsumerName, l.o.NATSStreamName, err)
}

// sealBehind seals the blocks that hold the watermark back while too much is stored above it.
func (l *loop[P, K]) sealBehind(low ackRef) {
	if l.watermark.received.consumerSeq-low.consumerSeq < uint64(l.inFlight)/2 {
		return
	}
	limit := l.watermark.received.consumerSeq - uint64(l.inFlight)/4
	l.sealAll(func(b *block[K]) SealReason {
		if b.firstDelivery < limit {
			return SealInFlight
		}
		return ""
	})
}

// confirmUpTo acknowledges all that is stored by a round trip, when the capture ends.
func (l *loop[P, K]) confirmUpTo(ctx context.Context) {
	w := l.watermark
	if w == nil || w.broken != nil || w.received.consumerSeq == 0 {
		return
	}
	received := w.received
	err := errConnectionLost
	if w.acker.isConnected(w.connection) {
		err = w.fence.check(ctx)
	}
	if err != nil {
		l.log.Warn("the last acks are not sent: messages will be delivered again", zap.Error(err))
		return
	}
	w.sure = received
	low := w.limit(l.low())
	if low.streamSeq == 0 || low.consumerSeq == 0 {
		return
	}
	if err := w.acker.confirm(ctx, string(w.route.subject(nil, low)), 1, w.connection); err != nil {
		l.log.Warn("the last acks are not confirmed: messages may be delivered again", zap.Error(err))
	}
}

// beginWatermark makes sure that nobody else is at work on the consumer, and resets it.
func (l *loop[P, K]) beginWatermark(ctx context.Context, consumer jetstream.Consumer) error {
	js, err := newJetStream(l.nc, l.o.JetStreamDomain)
	if err != nil {
		return err
	}
	l.watermark = &watermark{js: js, stream: l.o.NATSStreamName, consumer: l.o.NATSConsumerName, acker: l.acker, fence: newFence(l.once.Owns)}
	info, err := untilAnswered(ctx, l.log.Logger, func() (*jetstream.ConsumerInfo, error) {
		ctx, cancel := context.WithTimeout(ctx, infoTimeout)
		defer cancel()
		return consumer.Info(ctx)
	})
	if err != nil {
		return lookupError(err, l.o.NATSStreamName, l.o.NATSConsumerName)
	}
	if info.NumWaiting > 0 {
		return fmt.Errorf("%w: %q of stream %q: %w", ErrConsumerUnfit, l.o.NATSConsumerName, l.o.NATSStreamName, errSharedAll)
	}
	if err := l.once.Take(ctx, ownerAnswers); errors.Is(err, ledger.ErrTaken) {
		return l.errTaken(err)
	} else if err != nil {
		return err
	}
	return l.watermark.reset(ctx)
}

const ownerAnswers = 5 * time.Second // in which an owner that is there answers

// noAcks stands in for an acker where the loop acknowledges by watermark.
type noAcks struct{}

func (noAcks) ack(context.Context, messageRefs) error { return nil }

const watermarkConfirm = 5 * time.Second
