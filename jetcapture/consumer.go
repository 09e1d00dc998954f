package jetcapture

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

const (
	infoTimeout  = 5 * time.Second
	bindAttempts = 6
)

// A binding is the stream and the consumer of a capture. Each is nil as long as it was not found.
type binding struct {
	stream   *jetstream.StreamInfo
	consumer jetstream.Consumer
	lowered  bool      // the consumer was created with a lower MaxAckPending than wanted, as the server allows no more
	asked    time.Time // when the server was asked for the consumer, and answered
	answered time.Time
}

// bindConsumer finds the consumer, or creates it where that was asked for. It returns what it has found also with an error.
func bindConsumer(ctx context.Context, js jetstream.JetStream, stream, consumer string, create *jetstream.ConsumerConfig) (*binding, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	b := new(binding)
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return b, lookupError(err, stream, consumer)
	}
	b.stream, b.asked = s.CachedInfo(), time.Now()
	c, err := s.Consumer(ctx, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && create != nil {
		config := *create
		b.lowered, err = withinLimits(&config, func() error {
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
		return b, lookupError(err, stream, consumer)
	}
	b.consumer, b.answered = c, time.Now()
	if isAhead(c.CachedInfo(), &b.stream.State) { // by what was published since, or because the stream has lost messages
		if b.stream, err = s.Info(ctx); err != nil {
			return b, lookupError(err, stream, consumer)
		}
	}
	return b, nil
}

const (
	jsErrMaxAckPending = 10121 // a consumer's MaxAckPending is above a limit of the server, the account or the stream
	limitsOfPending    = 3     // that there are
)

// withinLimits calls a function that sends the configuration of a consumer to the server. If that allows no such MaxAckPending, it takes
// the most that is allowed, and calls it again.
func withinLimits(config *jetstream.ConsumerConfig, send func() error) (lowered bool, err error) {
	for range limitsOfPending {
		var api *jetstream.APIError
		if err = send(); !errors.As(err, &api) || api.ErrorCode != jsErrMaxAckPending {
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

func streamInfo(ctx context.Context, js jetstream.JetStream, name string) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	s, err := js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
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

// lookupError names the missing stream or consumer, and says what to do.
func lookupError(err error, stream, consumer string) error {
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return fmt.Errorf("%w: %q: create it, or name another (with a JetStream domain, if it is in one)", ErrStreamNotFound, stream)
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return fmt.Errorf("%w: %q of stream %q: create a durable pull consumer with explicit acks, or ask the capture to do it", ErrConsumerNotFound, consumer, stream)
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return fmt.Errorf("%w: %q of stream %q is a push consumer: create a pull consumer", ErrConsumerUnfit, consumer, stream)
	case isNoJetStream(err):
		return fmt.Errorf("look up stream %q: JetStream is not there for this account: enable it, or set a JetStream domain: %w", stream, err)
	default:
		return fmt.Errorf("look up consumer %q of stream %q: %w", consumer, stream, err)
	}
}

func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}

// untilAnswered asks again while the server does not answer, as one that restarts or elects a leader.
func untilAnswered[T any](ctx context.Context, log *zap.Logger, ask func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		answer, err := ask()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil || attempt == bindAttempts {
			return answer, err
		}
		log.Warn("the server does not answer, will retry", zap.Error(err))
	}
}

// apiPrefix returns the beginning of all subjects of JetStream's API.
func apiPrefix(domain string) string {
	if domain == "" {
		return "$JS.API"
	}
	return "$JS." + domain + ".API"
}

// isAhead reports whether a consumer has delivered more than its stream had afterwards. One that begins at a sequence that is to
// come counts as if it had delivered what is before that.
func isAhead(info *jetstream.ConsumerInfo, after *jetstream.StreamState) bool {
	return after != nil && info.Delivered.Stream > after.LastSeq && info.Delivered.Stream >= info.Config.OptStartSeq
}

// resetConsumer lets a consumer deliver again from a sequence on, from its ack floor if that is 0. Its errors say why it could not.
func resetConsumer(ctx context.Context, js jetstream.JetStream, info *jetstream.ConsumerInfo, seq uint64) error {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	subject := apiPrefix(js.Options().Domain) + ".CONSUMER.RESET." + info.Stream + "." + info.Name
	_, err := permitted(ctx, js.Conn(), subject, func(ctx context.Context) (*jetstream.ConsumerResetResponse, error) {
		return js.ResetConsumerToSequence(ctx, info.Stream, info.Name, seq)
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("reset consumer %q of stream %q: %w", info.Name, info.Stream, whyNoReset(js.Conn(), info, err))
}

// whyNoReset explains an error of a reset. A server that does not know the request leaves it without an answer.
func whyNoReset(nc *nats.Conn, info *jetstream.ConsumerInfo, err error) error {
	version := info.Config.Metadata["_nats.ver"]
	if version == "" {
		version = nc.ConnectedServerVersion()
	}
	if atLeast(version, 2, 14) {
		return err
	}
	return fmt.Errorf("nats-server %s cannot, 2.14 and later can: %w", version, err)
}
