package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Fix makes the changes that findings of Examine call for and that are safe at any time, also while captures run: of the consumer's
// configuration, and of the limits and the replicas of the ledger. Each is made by itself, so that one which cannot be made holds up no
// other. It returns the findings that it has dealt with, and what has become of the others in the error.
func Fix[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, options *Options[P, K], findings []Finding) ([]Finding, error) {
	js, err := newJetStream(nc, options.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	var fixed []Finding
	var failed []error
	for _, f := range inOrderOfFixing(findings) {
		var err error
		if f.fix != nil {
			err = fixConsumer(ctx, js, options.NATSStreamName, options.NATSConsumerName, f.fix)
		} else {
			err = fixStream(ctx, js, ledgerName(options), f.fixLedger)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s is not fixed: %w", f.Check, err))
			continue
		}
		fixed = append(fixed, f)
	}
	return fixed, errors.Join(failed...)
}

// inOrderOfFixing returns the findings that can be fixed. BackOff is the first: as long as it is there, the server takes no other AckWait.
func inOrderOfFixing(findings []Finding) []Finding {
	can := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.fix == nil && f.fixLedger == nil })
	slices.SortStableFunc(can, func(a, b Finding) int {
		switch {
		case a.Check == backOff && b.Check != backOff:
			return -1
		case a.Check != backOff && b.Check == backOff:
			return 1
		}
		return 0
	})
	return can
}

func fixConsumer(ctx context.Context, js jetstream.JetStream, stream, consumer string, fix func(*jetstream.ConsumerConfig)) error {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	c, err := js.Consumer(ctx, stream, consumer)
	if err != nil {
		return lookupError(err, stream, consumer)
	}
	config := c.CachedInfo().Config
	fix(&config)
	subject := apiPrefix(js.Options().Domain) + ".CONSUMER.CREATE." + stream + "." + consumer
	if config.FilterSubject != "" {
		subject += ".>"
	}
	if _, err := withinLimits(&config, func() error {
		_, err := permitted(ctx, js.Conn(), subject, func(ctx context.Context) (jetstream.Consumer, error) { return js.UpdateConsumer(ctx, stream, config) })
		return err
	}); err != nil {
		return fmt.Errorf("update consumer %q of stream %q: %w", consumer, stream, err)
	}
	return nil
}

func fixStream(ctx context.Context, js jetstream.JetStream, name string, fix func(*jetstream.StreamConfig)) error {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	s, err := js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("look up stream %q: %w", name, err)
	}
	config := s.CachedInfo().Config
	fix(&config)
	subject := apiPrefix(js.Options().Domain) + ".STREAM.UPDATE." + name
	if _, err := permitted(ctx, js.Conn(), subject, func(ctx context.Context) (jetstream.Stream, error) { return js.UpdateStream(ctx, config) }); err != nil {
		return fmt.Errorf("update stream %q: %w", name, err)
	}
	return nil
}
