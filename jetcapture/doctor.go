package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// Examine looks at all that a capture with these options depends on: the server, the stream, the consumer, the ledger, the
// writers and the store. It changes nothing, but for an object that it makes in a store that can be probed, and removes.
// Run refuses to begin with a finding of SeverityFatal, and warns of those of SeverityWarning.
//
// It returns an error if it could not look, together with what it has found out before.
func Examine[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, options *Options[P, K]) ([]Finding, error) {
	o := *options
	if err := o.Validate(); err != nil {
		return nil, err
	}
	js, err := newJetStream(nc, o.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	var d diagnosis
	b, lookErr := bindConsumer(ctx, js, o.NATSStreamName, o.NATSConsumerName, nil)
	lookErr = missing(&d, &o, lookErr)
	if b.stream != nil && lookErr == nil {
		d = append(d, examinationOf(&o, b, nc.ConnectedServerVersion()).findings()...)
		if o.Delivery == ExactlyOnce {
			lookErr = examineLedger(ctx, &d, nc, js, &o, b)
		}
	}
	checkWriters(&d, &o)
	if ctx.Err() == nil {
		checkStore(ctx, &d, o.Store, o.Delivery)
	}
	return d, errors.Join(lookErr, ctx.Err())
}

// missing reports what bindConsumer did not find, and returns what hindered it from looking.
func missing[P Payload, K DestKey](d *diagnosis, o *Options[P, K], err error) error {
	switch {
	case errors.Is(err, ErrStreamNotFound):
		d.add(SeverityFatal, "stream", "not there", "there is nothing to capture", "create stream "+o.NATSStreamName+", or name another, with its JetStream domain if it is in one")
	case errors.Is(err, ErrConsumerNotFound) && o.CreateConsumer:
		d.ok("consumer", "not there: it is made when the capture begins, with all that suits it")
	case errors.Is(err, ErrConsumerNotFound):
		d.add(SeverityFatal, "consumer", "not there", "the server keeps in it what is archived", "create a durable pull consumer "+o.NATSConsumerName+" with explicit acks, or ask the capture to do it")
	case errors.Is(err, ErrConsumerUnfit):
		d.add(SeverityFatal, "consumer", "a push consumer", "a capture asks for as much as it can hold, and a push consumer sends what it likes",
			"create a durable pull consumer of another name")
	default:
		return err
	}
	return nil
}

func ledgerName[P Payload, K DestKey](o *Options[P, K]) string {
	if o.LedgerName != "" {
		return o.LedgerName
	}
	return ledger.StreamName(o.NATSStreamName, o.NATSConsumerName)
}

// examineLedger looks at the ledger, and at what it knows of the stream and of the store.
func examineLedger[P Payload, K DestKey](ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, o *Options[P, K], b *binding) error {
	var consumer *jetstream.ConsumerInfo
	if b.consumer != nil {
		consumer = b.consumer.CachedInfo()
	}
	wanted := b.stream.Config.Replicas
	info, inspected := ledger.Inspect(ctx, js, o.NATSStreamName, o.NATSConsumerName, o.LedgerName)
	if err := checkLedger(d, info, inspected, ledgerName(o), wanted); err != nil || info == nil || inspected != nil {
		return err
	}
	fork, noted, err := ledger.LastFork(ctx, js, info)
	if err == nil && fork != nil {
		checkFork(d, fork, noted, time.Since(noted))
	}
	return errors.Join(err, checkFiles(ctx, d, nc, js, o, info, consumer))
}

// oneReplica says what a ledger risks that one server has.
const oneReplica = "one server has it: if that dies before it has written the latest entries to disk, they are lost. " +
	"Captures notice it and restore them, and end where a file does not say which messages it has. " +
	"sync_interval: always in the server's configuration prevents that, and so do three replicas"

// checkLedger reports what ledger.Inspect has found. The captured stream has so many replicas.
func checkLedger(d *diagnosis, info *jetstream.StreamInfo, err error, name string, wanted int) error {
	const check = "ledger"
	switch {
	case errors.Is(err, ledger.ErrMisfit):
		d.add(SeverityFatal, check, name, err.Error(), "change stream "+name+", or name another ledger")
	case err != nil:
		return err
	case info == nil:
		found := fmt.Sprintf("%s: it is made when the first capture begins, with %s", name, replicas(wanted))
		if wanted > 1 {
			d.ok(check, found)
		} else {
			d.note(check, found, oneReplica)
		}
	default:
		checkLedgerStream(d, info, wanted)
	}
	return nil
}

func checkLedgerStream(d *diagnosis, info *jetstream.StreamInfo, wanted int) {
	const check = "ledger"
	name, has := info.Config.Name, info.Config.Replicas
	found := fmt.Sprintf("%s, %d entries, %d bytes, %s", name, info.State.Msgs, info.State.Bytes, replicas(has))
	switch {
	case has < wanted:
		why := fmt.Sprintf("the stream has %s: when a server is lost the ledger may be, and then captures end", replicas(wanted))
		if has == 1 {
			why += "; " + oneReplica
		}
		d.add(SeverityWarning, check, fmt.Sprintf("%s, %s", name, replicas(has)), why, fmt.Sprintf("set Replicas of stream %s to %d", name, wanted))
	case info.Config.Storage == jetstream.MemoryStorage:
		d.add(SeverityWarning, check, name+", memory storage", "when the server restarts nobody knows any more what is archived",
			"stop all captures, delete stream "+name+", and let the next capture make it")
	case has == 1 && isClustered(info):
		d.add(SeverityAdvice, check, found, oneReplica, "set Replicas of stream "+name+" to 3")
	case has == 1:
		d.note(check, found, oneReplica)
	default:
		d.ok(check, found)
	}
}

// isClustered reports whether a stream could have more replicas.
func isClustered(info *jetstream.StreamInfo) bool {
	return info.Cluster != nil && info.Cluster.Name != ""
}

// forkWarned is for how long a fork is warned of: nobody can see here whether its cause is gone.
const forkWarned = 7 * 24 * time.Hour

// checkFork reports that the stream has lost its end, noted in the ledger at a time, so long ago.
func checkFork(d *diagnosis, fork *ledger.Fork, noted time.Time, ago time.Duration) {
	const check = "stream's end"
	found := fmt.Sprintf("lost: from sequence %d on other messages have the same sequences, noticed %s", fork.Seq, noted.UTC().Format(time.RFC3339))
	const why = "a server died before it had written the stream to disk, or an older copy of it was put back: " +
		"what captures held of the lost messages is in files, the others are gone"
	if ago > forkWarned {
		d.note(check, found, why)
		return
	}
	d.add(SeverityWarning, check, found, why, "set sync_interval: always in the server's configuration, or give the stream three replicas and file storage")
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
	prober, ok := s.(interface {
		Probe(ctx context.Context) error
	})
	if !ok {
		why := "it cannot be probed, so nobody knows whether files can be stored there"
		if delivery == ExactlyOnce {
			why += ", nor whether it refuses to overwrite, which exactly-once delivery stands on"
		}
		d.note(check, fmt.Sprintf("%T", s), why)
		return
	}
	switch err := prober.Probe(ctx); {
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

// Fix makes the changes that findings of Examine call for and that are safe at any time, which are changes of the
// consumer's configuration alone, in one update. It returns the findings that it has dealt with.
func Fix[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, options *Options[P, K], findings []Finding) ([]Finding, error) {
	var fixed []Finding
	for _, f := range findings {
		if f.fix != nil {
			fixed = append(fixed, f)
		}
	}
	if len(fixed) == 0 {
		return nil, nil
	}
	js, err := newJetStream(nc, options.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	b, err := bindConsumer(ctx, js, options.NATSStreamName, options.NATSConsumerName, nil)
	if err != nil {
		return nil, err
	}
	config := b.consumer.CachedInfo().Config
	for _, f := range fixed {
		f.fix(&config)
	}
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	if _, err := js.UpdateConsumer(ctx, options.NATSStreamName, config); err != nil {
		return nil, fmt.Errorf("update consumer %q of stream %q: %w", options.NATSConsumerName, options.NATSStreamName, err)
	}
	return fixed, nil
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
