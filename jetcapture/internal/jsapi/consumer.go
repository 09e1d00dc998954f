package jsapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// Timeout is how long a request to the API may take.
const Timeout = 5 * time.Second

const attempts = 6 // of a request while the server does not answer

// A Binding is the stream and the consumer that a capture uses. Each is nil if it was not found.
type Binding struct {
	Stream   *jetstream.StreamInfo
	Consumer jetstream.Consumer
	Lowered  bool      // the consumer was created with a lower MaxAckPending than wanted, because the server allows no more
	Asked    time.Time // when the server was asked for the consumer
	Answered time.Time // when it answered
}

// Bind finds the consumer, or creates it if create is not nil. With an error it returns what it has found before.
func Bind(ctx context.Context, js jetstream.JetStream, stream, consumer string, create *jetstream.ConsumerConfig) (*Binding, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	b := new(Binding)
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return b, LookupError(err, stream, consumer)
	}
	b.Stream, b.Asked = s.CachedInfo(), time.Now()
	c, err := s.Consumer(ctx, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && create != nil {
		config := *create
		b.Lowered, err = WithinLimits(&config, func() error {
			c, err = s.CreateConsumer(ctx, config)
			return err
		})
		if errors.Is(err, jetstream.ErrMaximumConsumersLimit) {
			return b, fmt.Errorf("create consumer %q of stream %q: %w: remove one, or allow the stream more", consumer, stream, err)
		}
		if errors.Is(err, jetstream.ErrConsumerExists) { // another capture was faster, with other settings
			c, err = s.Consumer(ctx, consumer)
		}
	}
	if err != nil {
		return b, LookupError(err, stream, consumer)
	}
	b.Consumer, b.Answered = c, time.Now()
	if IsAhead(c.CachedInfo(), &b.Stream.State) { // messages were published in between, or the stream has lost messages
		if b.Stream, err = s.Info(ctx); err != nil {
			return b, LookupError(err, stream, consumer)
		}
	}
	return b, nil
}

const (
	codeMaxAckPending = 10121 // a consumer's MaxAckPending is above a limit of the server, the account or the stream
	pendingLimits     = 3     // the server, the account and the stream have one each
)

// WithinLimits calls a function that sends the configuration of a consumer to the server. If the server refuses its MaxAckPending,
// WithinLimits lowers it to what is allowed, and calls the function again.
func WithinLimits(config *jetstream.ConsumerConfig, send func() error) (lowered bool, err error) {
	for range pendingLimits {
		var api *jetstream.APIError
		if err = send(); !errors.As(err, &api) || api.ErrorCode != codeMaxAckPending {
			return lowered, err
		}
		most, bad := strconv.Atoi(api.Description[strings.LastIndexByte(api.Description, ' ')+1:]) // ... exceeds system limit of 1000
		if bad != nil || most <= 0 || config.MaxAckPending > 0 && most >= config.MaxAckPending {
			return lowered, err
		}
		config.MaxAckPending, lowered = most, true
	}
	return lowered, send()
}

// ConsumerConfig returns the configuration of a consumer for captures: it waits for acks until a block is closed and stored, and up to
// five captures can share it.
func ConsumerConfig(name string, interval time.Duration, maxInFlight int) *jetstream.ConsumerConfig {
	return &jetstream.ConsumerConfig{
		Durable:       name,
		Description:   "archived by jetcapture",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       interval + max(interval/2, time.Minute),
		MaxAckPending: 5 * maxInFlight,
		MaxDeliver:    -1,
	}
}

// LookUpStream asks the server about a stream.
func LookUpStream(ctx context.Context, js jetstream.JetStream, name string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	s, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

// LookupError returns an error that says which stream or consumer was not found, and what to do.
func LookupError(err error, stream, consumer string) error {
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %q: create it, or name another (with a JetStream domain, if it is in one)", ErrStreamNotFound, stream)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return fmt.Errorf("%w: %q of stream %q: create a durable pull consumer with explicit acks, or set Options.CreateConsumer", ErrConsumerNotFound, consumer, stream)
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return fmt.Errorf("%w: %q of stream %q is a push consumer: create a pull consumer", ErrConsumerUnfit, consumer, stream)
	case IsNoJetStream(err):
		return fmt.Errorf("look up stream %q: JetStream is not there for this account: enable it, or set a JetStream domain: %w", stream, err)
	default:
		return fmt.Errorf("look up consumer %q of stream %q: %w", consumer, stream, err)
	}
}

// IsGone reports whether the stream or the consumer does not exist.
func IsGone(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}

// IsNoJetStream reports whether the connection has no JetStream.
func IsNoJetStream(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, nats.ErrNoResponders)
}

// IsAhead reports whether a consumer has delivered messages that its stream does not have, which was looked up after the consumer. A
// consumer that starts at a sequence which is still to come counts as if it had delivered all messages before that sequence.
func IsAhead(info *jetstream.ConsumerInfo, after *jetstream.StreamState) bool {
	return after != nil && info.Delivered.Stream > after.LastSeq && info.Delivered.Stream >= info.Config.OptStartSeq
}

// UntilAnswered repeats a request while the server does not answer, as when it restarts or elects a leader.
func UntilAnswered[T any](ctx context.Context, log *zap.Logger, ask func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		answer, err := ask()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || attempt == attempts {
			return answer, err
		}
		log.Warn("the server does not answer, will retry", zap.Error(err))
	}
}
