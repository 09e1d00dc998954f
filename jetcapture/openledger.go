package jetcapture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/blockname"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/jetcapture/internal/slots"
	"github.com/jetcapture/lake/store"
)

// openLedger prepares a capture for ExactlyOnce: its ledger, and the files that settle claims.
func openLedger[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, o *Options[P, K], consumer jetstream.Consumer, specs *blockSpecs, clock *elapsed.Clock, log logger) (*keeper[K], error) {
	locator, ok := o.Store.(store.Locator[K])
	if !ok {
		return nil, fmt.Errorf("Options.Store is a %T: Options.Delivery %q needs one that says beforehand where it puts a block, a store.Locator: make it of a bucket with store.Blocks", o.Store, o.Delivery)
	}
	if err := ledgerfiles.Probe(ctx, o.Store, log.Logger); err != nil {
		return nil, err
	}
	js, err := jsapi.New(nc, o.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	source, err := jsapi.UntilAnswered(ctx, log.Logger, func() (*jetstream.StreamInfo, error) { return jsapi.LookUpStream(ctx, js, o.NATSStreamName) })
	if err != nil {
		return nil, jsapi.LookupError(err, o.NATSStreamName, o.NATSConsumerName)
	}
	once := &exactlyOnce[K]{clock: clock, locator: locator}
	if once.tombstones.blocks, err = emptyFile[K](o.WriterFactory(), specs.blocks); err != nil {
		return nil, fmt.Errorf("Options.Delivery %q needs a WriterFactory whose writers make a valid file of no rows: %w", o.Delivery, err)
	}
	if once.tombstones.deadLetters, err = emptyFile[K](newDeadLetterWriter(), specs.deadLetters); err != nil {
		return nil, err
	}
	book := ledger.NewBook(ledger.DefaultCacheBytes)
	stream, err := openStream(ctx, nc, js, source, o.NATSConsumerName, ledger.StreamOptions{Name: o.LedgerName, Subject: o.LedgerSubject, MaxBytes: o.LedgerMaxBytes}, book, log.Logger)
	if err != nil {
		return nil, err
	}
	unread := func(err error) {
		log.often.Warn("the ledger is not read, will retry", zap.String("ledger", stream.Name()), zap.Error(err))
	}
	stream.Skipped, stream.Retrying = skipLogger(log.Logger, stream.Name()), unread
	instance := instanceName()
	ackWait := consumer.CachedInfo().Config.AckWait
	reader := func() (format.MessageReader, bool) { return format.As[format.MessageReader](o.WriterFactory()) }
	once.book, once.name = book, stream.Name()
	specs.idPrefix = blockname.Prefix(stream.Token())
	before := source.State.LastSeq
	if stream.Created() {
		before = 0
	}
	pause := func(ctx context.Context, d time.Duration) bool {
		return slots.Yield(ctx, func() bool { return retry.Sleep(ctx, d) })
	}
	files := ledgerfiles.Files[K]{Locator: locator, Reader: reader, Prefix: specs.idPrefix, Pause: pause, Log: log.Logger, Often: log.often}
	once.Ledger = ledger.New(book, stream, files, ledger.Options{
		Instance: instance, MaxEntry: stream.MaxEntry(),
		Retention: ledgerRetention(o.LedgerRetention, o.openTime(), o.Grace, ackWait), Asked: o.LedgerRetention > 0, LeastRetention: leastRetention(o.openTime(), o.Grace),
		SettleAfter: min(ledger.DefaultSettleAfter, max(ackWait/2, 2*time.Second)), // messages come again after AckWait
		RewindGrace: min(ledger.DefaultRewindGrace, max(ackWait, 4*time.Second)),
		Held:        consumer.CachedInfo().NumAckPending > 0,
		Heard:       clock.Heard,
		Pause:       pause,
		Retrying: func(e *ledger.Entry, err error) {
			if e == nil {
				unread(err)
				return
			}
			log.often.Warn("the ledger does not take an entry, will retry", zap.String("ledger", stream.Name()),
				zap.String("block", e.Block), zap.String("state", string(e.State)), zap.Error(err))
		},
	})
	log.Info("exactly once: the ledger is open", zap.String("ledger", stream.Name()), zap.String("instance", instance))
	return &keeper[K]{
		once: once, stream: stream, book: book, consumer: consumer, js: js, observer: o.Observer, log: log, forks: make(chan Fork, forksNoted), before: before,
	}, nil
}

// openStream waits for a server that restarts, or elects a leader.
func openStream(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, source *jetstream.StreamInfo, consumer string, o ledger.StreamOptions, book *ledger.Book, log *zap.Logger) (*ledger.Stream, error) {
	return jsapi.UntilAnswered(ctx, log, func() (*ledger.Stream, error) {
		return ledger.OpenStream(ctx, nc, js, source, consumer, o, book)
	})
}

// skipLogger logs the first message that is no entry, with the command that removes it. Of the others it logs nothing above debug.
func skipLogger(log *zap.Logger, name string) func(uint64, string, error) {
	var logged sync.Once
	return func(seq uint64, subject string, err error) {
		log.Debug("a message in the ledger was passed over", zap.Uint64("ledger_seq", seq), zap.String("subject", subject), zap.Error(err))
		logged.Do(func() {
			log.Warn("the ledger has messages that are no entries: they are passed over",
				zap.String("ledger", name), zap.Uint64("ledger_seq", seq), zap.String("subject", subject), zap.Error(err),
				zap.String("remove", fmt.Sprintf("nats stream rmm %s %d", name, seq)))
		})
	}
}

// instanceName returns a name that no other capture has, and that says where this one runs.
func instanceName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatUint(rand.Uint64(), 36)
}
