package jetcapture

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A lookout answers questions about the consumer, off the loop, one at a time.
type lookout struct {
	consumer jetstream.Consumer
	asks     chan struct{}
	answers  chan lookoutAnswer
}

type lookoutAnswer struct {
	info *jetstream.ConsumerInfo
	err  error
}

func newLookout(consumer jetstream.Consumer) *lookout {
	return &lookout{consumer: consumer, asks: make(chan struct{}, 1), answers: make(chan lookoutAnswer, 1)}
}

// ask puts the question, unless one is waiting already.
func (l *lookout) ask() {
	select {
	case l.asks <- struct{}{}:
	default:
	}
}

func (l *lookout) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.asks:
		}
		var a lookoutAnswer
		a.info, a.err = l.look(ctx)
		select {
		case <-ctx.Done():
			return
		case l.answers <- a:
		}
	}
}

func (l *lookout) look(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	return l.consumer.Info(ctx)
}

// look asks for the state of the consumer where it matters.
func (l *loop[P, K]) look(silent time.Duration) {
	var every time.Duration
	switch {
	case l.unsure:
		every = time.Second
	case l.o.UntilCaughtUp && (l.held.size == 0 || l.pending > 0) && silent >= caughtUpSilent:
		every = 2 * caughtUpSilent
	case l.pause == "" && l.openMessages > 0 && silent >= idleAfter:
		// Others may hold so much that the server has stopped. That nothing was pending at the latest message does not
		// tell, as more may have been published since; but then the longer the silence, the rarer the looks.
		every = time.Second
		if l.pending == 0 {
			every = min(max(every, silent), quietLook)
		}
	default:
		return
	}
	if l.clocks.now.Sub(l.lastLook) >= every {
		l.lastLook = l.clocks.now
		l.lookout.ask()
	}
}

// learn draws conclusions from the state of the consumer.
func (l *loop[P, K]) learn(a lookoutAnswer) {
	if a.err != nil {
		if !isGone(a.err) {
			return // not reachable: reconnecting, or electing a leader
		}
		l.unsure = true
		if l.goneCount++; l.goneCount >= goneLooks {
			l.stop = lookupError(a.err, l.o.NATSStreamName, l.o.NATSConsumerName)
		}
		return
	}
	l.unsure, l.goneCount = false, 0
	silent := l.clocks.now.Sub(l.clocks.lastMessage)
	if silent >= caughtUpSilent {
		l.pending = a.info.NumPending // what was pending at our latest message went to other captures
	}
	if limit := a.info.Config.MaxAckPending; limit > 0 && a.info.NumAckPending >= limit && silent >= idleAfter {
		l.sealAll(always[K](SealInFlight)) // together with others we hold all that the consumer allows
	}
	if l.o.UntilCaughtUp && l.held.size == 0 && l.storing == 0 && len(l.puller.messages) == 0 &&
		a.info.NumPending == 0 && a.info.NumAckPending == 0 {
		l.done = true
	}
}
