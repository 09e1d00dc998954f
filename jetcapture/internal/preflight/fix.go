package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// Fix makes the changes of findings that are Fixable, one by one, so that one which fails does not stop the others. It returns the
// findings that it has fixed, and an error that names those that it could not fix.
func Fix(ctx context.Context, nc *nats.Conn, p *Plan, findings []Finding) ([]Finding, error) {
	js, err := jsapi.New(nc, p.Domain)
	if err != nil {
		return nil, err
	}
	var fixed []Finding
	var failed []error
	for _, f := range inOrderOfFixing(findings) {
		var err error
		if f.Repair.Consumer != nil {
			err = fixConsumer(ctx, js, p.Stream, p.Consumer, f.Repair.Consumer)
		} else {
			err = fixStream(ctx, js, p.Ledger(), f.Repair.Ledger)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s is not fixed: %w", f.Check, err))
			continue
		}
		fixed = append(fixed, f)
	}
	return fixed, errors.Join(failed...)
}

// inOrderOfFixing returns the findings that can be fixed. BackOff is the first: while it is set, the server accepts no other AckWait.
func inOrderOfFixing(findings []Finding) []Finding {
	can := slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.Repair.Consumer == nil && f.Repair.Ledger == nil })
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
	ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout)
	defer cancel()
	c, err := js.Consumer(ctx, stream, consumer)
	if err != nil {
		return jsapi.LookupError(err, stream, consumer)
	}
	config := c.CachedInfo().Config
	fix(&config)
	subject := jsapi.Prefix(js.Options().Domain) + ".CONSUMER.CREATE." + stream + "." + consumer
	if config.FilterSubject != "" {
		subject += ".>"
	}
	if _, err := jsapi.WithinLimits(&config, func() error {
		_, err := permission.Ask(ctx, js.Conn(), subject, func(ctx context.Context) (jetstream.Consumer, error) { return js.UpdateConsumer(ctx, stream, config) })
		return err
	}); err != nil {
		return fmt.Errorf("update consumer %q of stream %q: %w", consumer, stream, err)
	}
	return nil
}

func fixStream(ctx context.Context, js jetstream.JetStream, name string, fix func(*jetstream.StreamConfig)) error {
	ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout)
	defer cancel()
	s, err := js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("look up stream %q: %w", name, err)
	}
	config := s.CachedInfo().Config
	fix(&config)
	subject := jsapi.Prefix(js.Options().Domain) + ".STREAM.UPDATE." + name
	if _, err := permission.Ask(ctx, js.Conn(), subject, func(ctx context.Context) (jetstream.Stream, error) { return js.UpdateStream(ctx, config) }); err != nil {
		return fmt.Errorf("update stream %q: %w", name, err)
	}
	return nil
}
