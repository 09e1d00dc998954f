package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

const (
	resetRetry   = time.Second     // between two attempts to reset a consumer
	ownerAnswers = 5 * time.Second // in which an owner that is there answers
)

// A pulling asks for messages while there is room for more, and starts again when its requests are void. With a watermark it
// acknowledges, and has the consumer reset before it starts again.
type pulling[P Payload, K DestKey] struct {
	pipe  *pipe[P, K]
	watch *watch[P, K]
	nc    *nats.Conn
}

// pull asks for more messages, or notes why not.
func (l *pulling[P, K]) pull() {
	p := l.pipe
	if p.intake.restart != nil {
		l.restart()
	}
	room := p.intake.room(p.budget.inFlight)
	now := load{queueFull: p.queue.full(), memory: l.memory(), room: room}
	if !p.brake.apply(now, p.budget.memory, p.clocks.now) || l.isResetting() {
		return
	}
	if err := p.intake.puller.Request(p.clocks.now, room); err != nil && !l.nc.IsClosed() {
		p.log.often.Warn("asking for messages failed, will retry", zap.Error(err))
	}
}

// memory returns the bytes that blocks and the record of held messages take.
func (l *pulling[P, K]) memory() int64 {
	return l.pipe.open.memory + l.pipe.queue.memory + l.pipe.intake.held.Bytes()
}

// isResetting reports whether a reset of the consumer is awaited, or is to be tried again.
func (l *pulling[P, K]) isResetting() bool {
	return l.pipe.intake.watermark != nil && l.pipe.intake.restart != nil
}

// restart starts pulling again, after taking the messages that have come already. With a watermark, pulling starts when the consumer
// was reset, which happens beside the loop.
func (l *pulling[P, K]) restart() {
	p := l.pipe
	w := p.intake.watermark
	if w != nil && (w.resetting || p.intake.puller.Delayed(p.clocks.now)) {
		return // or it was tried just now
	}
	cause := p.intake.restart
	p.log.Info("pulling starts again", zap.NamedError("cause", cause))
	if p.o.Observer.PullReset != nil {
		p.o.Observer.PullReset(cause)
	}
	messages := p.intake.puller.Messages()
	p.intake.puller.Stop()
	l.takeReceived(messages)
	if w == nil {
		l.restarted()
		return
	}
	w.broken = cause // messages on their way may be lost, and the latest of all may be one of them
	w.askReset()
}

// messages has the messages to take; it is nil while none is to be taken.
func (l *pulling[P, K]) messages() <-chan *nats.Msg {
	if l.pipe.brake.waits(l.pipe.clocks.now) {
		return nil
	}
	return l.pipe.intake.messages()
}

// answers has the results of look-ups; it is nil while no message is to be taken.
func (l *pulling[P, K]) answers() <-chan lookedUp {
	if l.pipe.brake.waits(l.pipe.clocks.now) {
		return nil
	}
	return l.pipe.intake.answers()
}

// takeReceived handles the messages in the channel of subscriptions that have ended. No message waits for the ledger now: one that
// would is handed back.
func (l *pulling[P, K]) takeReceived(messages <-chan *nats.Msg) {
	l.handBackWaiting()
	for {
		select {
		case msg := <-messages:
			l.pipe.handle(msg)
			l.handBackWaiting()
		default:
			return
		}
	}
}

// handBackWaiting hands back the message that waits for the ledger, if there is one.
func (l *pulling[P, K]) handBackWaiting() {
	if w := l.pipe.intake.waits; w != nil {
		l.pipe.intake.waits = nil
		l.pipe.handBack(w.Alone(), pendingDelay)
	}
}

// restarted begins a new epoch, and asks for messages again.
func (l *pulling[P, K]) restarted() {
	p := l.pipe
	p.intake.restart = nil
	p.intake.puller.Start(p.clocks.now)
	p.history.cut(p.intake.puller.Connection())
	if p.once != nil {
		p.history.before, p.open.lineage = allBefore, p.once.book.Lineage()
	}
	l.watch.streamDue = true
	l.watch.ask(true)
}

// fenceAnswers has what the fence of the watermark has found out; it is nil without one.
func (l *pulling[P, K]) fenceAnswers() <-chan fenceAnswer {
	if l.pipe.intake.watermark == nil {
		return nil
	}
	return l.pipe.intake.watermark.fence.answers
}

// learnFence draws conclusions from an answer of the fence.
func (l *pulling[P, K]) learnFence(a fenceAnswer) {
	p, w := l.pipe, l.pipe.intake.watermark
	if a.reset {
		w.resetting = false
		if a.err == nil && !p.acker.IsConnected(a.connection) {
			a.err = acks.ErrConnectionLost
		}
	}
	switch {
	case errors.Is(a.err, ledger.ErrTaken):
		p.stop = l.errTaken(a.err)
	case !a.reset:
		if w.learnOwner(a, p.log) {
			l.ackUpTo()
		}
	case a.err != nil:
		p.log.often.Warn("resetting the consumer failed, will retry", zap.Error(a.err))
		p.intake.puller.Delay(p.clocks.now.Add(resetRetry))
	default:
		w.renumbered(a.connection)
		l.renumber()
		l.restarted()
	}
}

// renumber notes that the consumer numbers its deliveries from 1 again. What is held comes again under new numbers, so until it is
// stored none of these is acknowledged.
func (l *pulling[P, K]) renumber() {
	for b := range l.pipe.open.all() {
		b.firstDelivery = 1
	}
	l.pipe.queue.renumber()
}

// low returns the highest numbers below which nothing is held: all messages up to them are stored.
func (l *pulling[P, K]) low() acks.Ref {
	in := &l.pipe.intake
	low := in.watermark.received
	for b := range l.pipe.open.all() {
		if b.Count() > 0 {
			low = b.below(low)
		}
	}
	if w := in.waits; w != nil {
		low.StreamSeq, low.ConsumerSeq = min(low.StreamSeq, w.StreamSeq-1), min(low.ConsumerSeq, w.ConsumerSeq-1)
	}
	low = l.pipe.queue.below(low)
	low.NumDelivered = 1
	return low
}

// ackUpTo acknowledges by watermark, and seals the blocks that hold it back while much is stored above.
func (l *pulling[P, K]) ackUpTo() {
	w := l.pipe.intake.watermark
	if w == nil || w.broken != nil {
		return
	}
	low := l.low()
	w.ackUpTo(low)
	if before := w.heldBack(low, l.pipe.budget.inFlight); before > 0 {
		l.pipe.sealAll(func(b *block[K]) SealReason {
			if b.firstDelivery < before {
				return SealInFlight
			}
			return ""
		})
	}
}

func (l *pulling[P, K]) errTaken(err error) error {
	return fmt.Errorf("%w: %q of stream %q: %w, and a consumer with the ack policy AckAll has one: stop it, or use explicit acks",
		ErrConsumerUnfit, l.pipe.o.NATSConsumerName, l.pipe.o.NATSStreamName, err)
}

// beginWatermark makes sure that no other client pulls from the consumer, and resets it.
func (l *pulling[P, K]) beginWatermark(ctx context.Context, consumer jetstream.Consumer) error {
	p := l.pipe
	js, err := jsapi.New(l.nc, p.o.JetStreamDomain)
	if err != nil {
		return err
	}
	w := &watermark{acker: p.acker, fence: newFence(p.acker, p.once.Owns, func(ctx context.Context) error {
		return jsapi.Reset(ctx, js, &jetstream.ConsumerInfo{Stream: p.o.NATSStreamName, Name: p.o.NATSConsumerName}, 0)
	})}
	p.intake.watermark = w
	info, err := jsapi.UntilAnswered(ctx, p.log.Logger, func() (*jetstream.ConsumerInfo, error) {
		ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout)
		defer cancel()
		return consumer.Info(ctx)
	})
	if err != nil {
		return jsapi.LookupError(err, p.o.NATSStreamName, p.o.NATSConsumerName)
	}
	if info.NumWaiting > 0 {
		return fmt.Errorf("%w: %q of stream %q: %w", ErrConsumerUnfit, p.o.NATSConsumerName, p.o.NATSStreamName, errSharedAll)
	}
	if err := p.once.Take(ctx, ownerAnswers); errors.Is(err, ledger.ErrTaken) {
		return l.errTaken(err)
	} else if err != nil {
		return err
	}
	a := w.fence.answer(ctx, fenceAsk{reset: true})
	switch {
	case errors.Is(a.err, ledger.ErrTaken):
		return l.errTaken(a.err)
	case a.err != nil:
		return fmt.Errorf("consumer %q of stream %q: %w", p.o.NATSConsumerName, p.o.NATSStreamName, a.err)
	}
	w.renumbered(a.connection)
	return nil
}
