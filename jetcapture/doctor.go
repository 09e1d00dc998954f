package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/store"
)

// Examine looks at all that a capture with these options depends on: the server, the account and its limits, the stream, the consumer,
// the ledger, the writers and the store. It tries what Run would do as far as that changes nothing, but for an object that it makes in a
// store that can be probed, and removes, and for a consumer of the ledger that the server removes when nobody reads it. With a finding of
// SeverityFatal Run refuses to begin, or can store nothing; of those of SeverityWarning that concern stream and consumer it warns.
//
// It returns an error if it could not look, together with what it has found out before.
func Examine[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, options *Options[P, K]) ([]Finding, error) {
	o := *options.WithDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	js, err := newJetStream(nc, o.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	var d diagnosis
	b, lookErr := new(binding), error(nil)
	lacking, mayLook := checkRights(ctx, &d, nc, &o)
	if mayLook {
		b, lookErr = bindConsumer(ctx, js, o.NATSStreamName, o.NATSConsumerName, nil)
	}
	lookErr = missing(&d, &o, lookErr)
	if b.stream != nil && lookErr == nil {
		lookErr = examineServer(ctx, &d, nc, js, &o, b, lacking)
	}
	checkWriters(&d, &o)
	if ctx.Err() == nil {
		checkStore(ctx, &d, o.Store, o.Delivery)
	}
	return d, errors.Join(lookErr, ctx.Err())
}

// examineServer looks at all that the server has, or would have, for a capture. Nothing is tried for which a permission is missing: the server
// would not answer.
func examineServer[P Payload, K DestKey](ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, o *Options[P, K], b *binding, lacking []Permission) error {
	a := lookAtAccount(ctx, d, js, b.stream.Config.Replicas)
	e := examinationOf(o, b, nc)
	e.missing = lacking
	if a != nil {
		e.allowed = a.Limits.MaxAckPending
	}
	*d = append(*d, e.findings()...)
	for i := range *d {
		if f := &(*d)[i]; f.Check == pauseCheck && f.Severity == SeverityWarning {
			f.Severity = SeverityFatal // Run begins and waits
		}
	}
	mayCreate := e.may(apiPrefix(o.JetStreamDomain) + ".CONSUMER.CREATE." + o.NATSStreamName + "." + o.NATSConsumerName)
	if b.consumer == nil && o.CreateConsumer && !a.checkNewConsumer(d, b.stream) && mayCreate {
		tryConsumer(ctx, d, js, e)
	}
	checkOtherDomain(ctx, d, nc, e, o.JetStreamDomain, o.NATSStreamName, o.NATSConsumerName)
	if o.Delivery != ExactlyOnce {
		return nil
	}
	return examineLedger(ctx, d, nc, js, o, e, a)
}

// missing reports what bindConsumer did not find, and returns what hindered it from looking.
func missing[P Payload, K DestKey](d *diagnosis, o *Options[P, K], err error) error {
	switch {
	case errors.Is(err, ErrStreamNotFound):
		d.add(SeverityFatal, "stream", "not there", "there is nothing to capture", "create stream "+o.NATSStreamName+", or name another, with its JetStream domain if it is in one")
	case errors.Is(err, ErrConsumerNotFound) && o.CreateConsumer: // examineServer looks whether it can be made
	case errors.Is(err, ErrConsumerNotFound):
		d.add(SeverityFatal, "consumer", "not there", "the server keeps in it what is archived", "create a durable pull consumer "+o.NATSConsumerName+" with explicit acks, or ask the capture to do it")
	case errors.Is(err, ErrConsumerUnfit):
		d.add(SeverityFatal, "consumer", "a push consumer", "a capture asks for as much as it can hold, and a push consumer sends what it likes",
			"create a durable pull consumer of another name")
	case isNoJetStream(err):
		d.add(SeverityFatal, "JetStream", "not there", err.Error(), "enable JetStream for the account, or name its domain")
	default:
		return err
	}
	return nil
}

// isNoJetStream reports whether nobody serves JetStream to the connection.
func isNoJetStream(err error) bool {
	return errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) || errors.Is(err, nats.ErrNoResponders)
}

// checkWriters makes a writer, and for exactly-once delivery a file of no rows.
func checkWriters[P Payload, K DestKey](d *diagnosis, o *Options[P, K]) {
	const check = "writers"
	if err := checkFactory(o.WriterFactory, o.Compression); err != nil {
		d.add(SeverityFatal, check, err.Error(), "no file can be written", "fix WriterFactory")
		return
	}
	if o.Delivery != ExactlyOnce {
		d.ok(check, "can start")
		return
	}
	file, err := emptyFile[K](o.WriterFactory(), newBlockSpecs(o, zap.NewNop()).blocks)
	if err != nil {
		d.add(SeverityFatal, check, err.Error(), "exactly-once delivery settles claims of crashed captures by files of no rows", "fix WriterFactory: its writers must make a valid file of no rows")
		return
	}
	d.ok(check, fmt.Sprintf("can start; a file of no rows has %d bytes", len(file)))
}

func checkStore(ctx context.Context, d *diagnosis, s any, delivery Delivery) {
	const check = "store"
	err := store.ErrNoProbe
	if prober, ok := s.(store.Prober); ok {
		err = prober.Probe(ctx)
	}
	switch {
	case errors.Is(err, store.ErrNoProbe) && delivery == ExactlyOnce:
		d.add(SeverityWarning, check, fmt.Sprintf("%T", s), "it cannot be probed, so nobody knows whether files can be stored there, nor whether it refuses to overwrite, which exactly-once delivery stands on",
			"give it a method Probe (store.Prober), or make it of a bucket with store.Blocks")
	case errors.Is(err, store.ErrNoProbe):
		d.note(check, fmt.Sprintf("%T", s), "it cannot be probed, so nobody knows whether files can be stored there")
	case err == nil:
		d.ok(check, "can be written and read, and refuses to overwrite")
	case errors.Is(err, store.ErrNotCreateOnly) && delivery == ExactlyOnce:
		d.add(SeverityFatal, check, "overwrites", err.Error(), "use a store that refuses to overwrite, or at-least-once delivery")
	case errors.Is(err, store.ErrNotCreateOnly):
		d.add(SeverityWarning, check, "overwrites", "should two captures ever choose the same name, one file is lost; and exactly-once delivery is out of reach",
			"use a store that refuses to overwrite")
	default:
		d.add(SeverityFatal, check, "cannot be used", err.Error(), "see that files can be stored there, or use another store")
	}
}

// Worst returns the worst severity of findings, SeverityOK for none.
func Worst(findings []Finding) Severity {
	order := []Severity{SeverityOK, SeverityAdvice, SeverityWarning, SeverityFatal}
	worst := 0
	for _, f := range findings {
		worst = max(worst, slices.Index(order, f.Severity))
	}
	return order[worst]
}
