package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const infoTimeout = 5 * time.Second

// bindConsumer finds the consumer, or creates it where that was asked for.
func bindConsumer(ctx context.Context, nc *nats.Conn, domain, stream, consumer string, create *jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	js, err := newJetStream(nc, domain)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, lookupError(err, stream, consumer)
	}
	c, err := s.Consumer(ctx, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && create != nil {
		c, err = s.CreateConsumer(ctx, *create)
		if errors.Is(err, jetstream.ErrConsumerExists) { // another capture was faster, with other settings
			c, err = s.Consumer(ctx, consumer)
		}
	}
	if err != nil {
		return nil, lookupError(err, stream, consumer)
	}
	return c, nil
}

func newJetStream(nc *nats.Conn, domain string) (jetstream.JetStream, error) {
	if domain != "" {
		return jetstream.NewWithDomain(nc, domain)
	}
	return jetstream.New(nc)
}

// captureConsumer is the configuration of a consumer that suits a capture: it waits for acks as long as a block may
// stay open and be stored, and lets five captures share it.
func captureConsumer(name string, interval time.Duration, maxInFlight int) *jetstream.ConsumerConfig {
	return &jetstream.ConsumerConfig{
		Durable:       name,
		Description:   "archived by jetcapture",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       interval + max(interval/2, time.Minute),
		MaxAckPending: 5 * maxInFlight,
		MaxDeliver:    -1,
	}
}

// lookupError names what was not found, and what to do.
func lookupError(err error, stream, consumer string) error {
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %q: create it, or name another (with a JetStream domain, if it is in one)", ErrStreamNotFound, stream)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return fmt.Errorf("%w: %q of stream %q: create a durable pull consumer with explicit acks, or ask the capture to do it", ErrConsumerNotFound, consumer, stream)
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return fmt.Errorf("%w: %q of stream %q is a push consumer: create a pull consumer", ErrConsumerUnfit, consumer, stream)
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("look up stream %q: JetStream is not there for this account: enable it, or set a JetStream domain: %w", stream, err)
	default:
		return fmt.Errorf("look up consumer %q of stream %q: %w", consumer, stream, err)
	}
}

func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}

// A finding is something about a consumer that a capture suffers from, with the change that mends it.
type finding struct {
	fatal   bool
	problem string
	fix     string
}

// examine checks a consumer's configuration against what a capture does to it.
func examine(c jetstream.ConsumerConfig, delivery Delivery, interval time.Duration, maxInFlight int) (findings []finding) {
	report := func(bad, fatal bool, problem, fix string) {
		if bad {
			findings = append(findings, finding{fatal, problem, fix})
		}
	}
	report(c.DeliverSubject != "", true, "it is a push consumer", "create a pull consumer")
	report(c.AckPolicy != jetstream.AckExplicitPolicy && (c.AckPolicy != jetstream.AckAllPolicy || delivery != ExactlyOnce), true,
		fmt.Sprintf("its ack policy is %s", c.AckPolicy), "create a consumer with explicit acks (or, for exactly-once delivery by a single capture, with AckAll)")
	report(c.MaxDeliver > 0, false,
		fmt.Sprintf("MaxDeliver is %d: a message delivered so often without an ack is stranded in silence", c.MaxDeliver), "set it to -1")
	report(len(c.BackOff) > 0, false, "BackOff is set, which overrides AckWait", "remove it")
	report(c.AckWait > 0 && c.AckWait < interval, false,
		fmt.Sprintf("AckWait %v is shorter than the interval %v: held messages will be delivered again and again", c.AckWait, interval),
		fmt.Sprintf("set it to %v or more", interval+max(interval/2, time.Minute)))
	report(c.MaxAckPending > 0 && c.MaxAckPending < min(maxInFlight, 10_000), false,
		fmt.Sprintf("MaxAckPending is %d: blocks will be sealed at half of that, which makes small files", c.MaxAckPending),
		fmt.Sprintf("set it to %d", maxInFlight))
	report(c.InactiveThreshold > 0, false,
		fmt.Sprintf("InactiveThreshold is %v: the server deletes the consumer, and its position, when no capture runs for so long", c.InactiveThreshold),
		"remove it")
	return findings
}

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
