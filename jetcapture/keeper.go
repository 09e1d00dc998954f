package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

const (
	readyLog    = 10 * time.Second // between two lines in the log, while the ledger is not read
	keepEvery   = 5 * time.Second
	hearEvery   = 5 * time.Second
	keepTimeout = time.Minute // for one round, which may have to settle what crashed captures left
	forksNoted  = 16          // that wait for the ledger; more at a time are one to it
)

// A keeper runs the ledger of a capture: it follows the log, and does what is to be done from time to time.
type keeper[K DestKey] struct {
	once     *exactlyOnce[K]
	stream   *ledger.Stream
	book     *ledger.Book
	consumer jetstream.Consumer
	js       jetstream.JetStream
	observer Observer
	log      logger
	forks    chan Fork
	before   uint64        // messages up to that sequence may have been stored by others before
	readIn   time.Duration // how long ready waited
	inStore  string        // the id of the store, once it is known
	deaf     bool          // the server's time could not be had lately
}

// openLedger prepares a capture for ExactlyOnce: its ledger, and the files that settle claims.
func openLedger[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, o *Options[P, K], consumer jetstream.Consumer, specs *blockSpecs, clock *elapsed.Clock, log logger) (*keeper[K], error) {
	locator, ok := o.Store.(store.Locator[K])
	if !ok {
		return nil, fmt.Errorf("options: Store is a %T: Delivery %q needs one that says beforehand where it puts a block, a store.Locator: make it of a bucket with store.Blocks", o.Store, o.Delivery)
	}
	if err := probeStore(ctx, o.Store, log.Logger); err != nil {
		return nil, err
	}
	js, err := newJetStream(nc, o.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	source, err := untilAnswered(ctx, log.Logger, func() (*jetstream.StreamInfo, error) { return streamInfo(ctx, js, o.NATSStreamName) })
	if err != nil {
		return nil, lookupError(err, o.NATSStreamName, o.NATSConsumerName)
	}
	once := &exactlyOnce[K]{clock: clock, locator: locator}
	if once.tombstones.blocks, err = emptyFile[K](o.WriterFactory(), specs.blocks); err != nil {
		return nil, fmt.Errorf("options: Delivery %q needs a WriterFactory whose writers make a valid file of no rows: %w", o.Delivery, err)
	}
	if once.tombstones.letters, err = emptyFile[K](newDeadLetterWriter(), specs.letters); err != nil {
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
	specs.idPrefix = blockPrefix(stream.Token())
	before := source.State.LastSeq
	if stream.Created() {
		before = 0
	}
	once.Ledger = ledger.New(book, stream, ledgerFiles[K]{locator, reader, specs.idPrefix, log}, ledger.Options{
		Instance: instance, MaxEntry: stream.MaxEntry(),
		Retention: ledgerRetention(o.LedgerRetention, o.openTime(), o.Grace, ackWait), Asked: o.LedgerRetention > 0, LeastRetention: leastRetention(o.openTime(), o.Grace),
		SettleAfter: min(ledger.DefaultSettleAfter, max(ackWait/2, 2*time.Second)), // messages come again after AckWait
		RewindGrace: min(ledger.DefaultRewindGrace, max(ackWait, 4*time.Second)),
		Held:        consumer.CachedInfo().NumAckPending > 0,
		Heard:       clock.Heard,
		Pause: func(ctx context.Context, d time.Duration) bool {
			return yield(ctx, func() bool { return sleep(ctx, d) })
		},
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
	return untilAnswered(ctx, log, func() (*ledger.Stream, error) {
		return ledger.OpenStream(ctx, nc, js, source, consumer, o, book)
	})
}

// skipLogger names what is no entry once, with the command that removes it, and then only counts.
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

// leastRetention is Options.LeastLedgerRetention.
func leastRetention(open, grace time.Duration) time.Duration { return 4 * (open + grace + idleAfter) }

func ledgerRetention(set, open, grace, ackWait time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	return max(ledger.MinRetention, 2*(open+ackWait), leastRetention(open, grace))
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

// follow applies the log until ctx ends or the ledger is lost, which it tells on lost.
func (k *keeper[K]) follow(ctx context.Context, lost chan<- error) {
	if err := k.stream.Run(ctx); err != nil {
		lost <- err
	}
}

// ready waits until the ledger is read and its settings are agreed on. Before that nothing could be stored, and nothing is
// asked for.
func (k *keeper[K]) ready(ctx context.Context) error {
	start := time.Now()
	for {
		err := k.tryReady(ctx)
		switch {
		case err == nil:
			s := k.book.Stats()
			k.readIn = time.Since(start)
			k.once.ReadIn(k.readIn)
			k.log.Debug("the ledger is read", zap.Uint64("entries", s.Entries), zap.Int("claims", s.Claims), zap.Duration("took", k.readIn))
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was told to end
		case endsCapture(err), store.IsPermanent(err):
			return err
		}
		k.log.Warn("the ledger is not read yet, will retry", zap.String("ledger", k.stream.Name()), zap.Duration("since", time.Since(start)), zap.Error(err))
	}
}

func (k *keeper[K]) tryReady(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, readyLog)
	defer cancel()
	if err := k.stream.Ready(soon); err != nil {
		return err
	}
	if err := k.identifyStore(ctx); err != nil {
		return err
	}
	soon, cancel = context.WithTimeout(ctx, readyLog)
	defer cancel()
	settings, err := k.once.Agree(soon)
	if errors.Is(err, ledger.ErrOtherStore) {
		return k.otherStore(err)
	}
	if shorter, longer := k.once.Retentions(); err == nil && shorter != longer {
		k.log.Info("the ledger's retention was changed: until the longer one is over, entries are kept by it, and blocks are too old by the shorter one",
			zap.Duration("retention", settings.Retention), zap.Duration("longer", longer), zap.Duration("shorter", shorter))
	}
	return err
}

// restore appends again what the ledger has lost of this capture's claims, whenever it has lost its end.
func (k *keeper[K]) restore(ctx context.Context) {
	for generation := uint64(0); ; {
		if k.stream.Await(ctx, func() bool { return k.book.Generation() != generation }) != nil {
			return // it ends, or the ledger is lost, which follow tells
		}
		generation = k.book.Generation()
		k.log.Warn("the ledger has lost its end, as when its server died before it synced: what this capture knows of it is appended again",
			zap.String("ledger", k.stream.Name()))
		for attempt := 1; k.book.Generation() == generation; attempt++ {
			err := k.once.Restore(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			k.log.often.Warn("appending to the ledger again failed, will retry", zap.Error(err))
			sleep(ctx, backoff(attempt))
		}
	}
}

// noteForks tells the ledger of forks of the stream.
func (k *keeper[K]) noteForks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-k.forks:
			if err := k.once.NoteFork(ctx, f.Seq, nanoseconds(f.Old), nanoseconds(f.New)); err != nil && ctx.Err() == nil {
				k.log.Warn("the ledger was not told that the stream used sequences again", zap.Error(err))
			}
		}
	}
}

// nanoseconds returns a time as messages have it, 0 if it is not known.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// forked takes note of a fork, for noteForks. It does not wait.
func (k *keeper[K]) forked(f Fork) {
	select {
	case k.forks <- f:
	default:
	}
}

// listen asks for the server's time until ctx ends, whatever else takes how long.
func (k *keeper[K]) listen(ctx context.Context) {
	for sleep(ctx, hearEvery) {
		k.hear(ctx)
	}
}

// hear asks the server of the ledger for its time, by which blocks are too old if all clocks of this machine stood still.
func (k *keeper[K]) hear(ctx context.Context) {
	info, err := streamInfo(ctx, k.js, k.stream.Name())
	if err == nil {
		k.once.clock.Heard(info.TimeStamp)
	} else if !k.deaf && ctx.Err() == nil {
		k.log.Debug("the server's time is not known: the age of blocks is by the clocks of this machine", zap.Error(err))
	}
	k.deaf = err != nil
}

// run settles and forgets what is due, until ctx ends.
func (k *keeper[K]) run(ctx context.Context) {
	for sleep(ctx, keepEvery) {
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.log.often.Warn("keeping the ledger in order failed, will retry", zap.Error(err))
		}
		if k.observer.LedgerSampled != nil {
			s := k.book.Stats()
			k.observer.LedgerSampled(LedgerStats{
				Claims: s.Claims, Open: s.Open, Entries: s.Entries, Skipped: k.stream.Skips(), Rewinds: k.book.Generation(), Forks: s.Forks,
				Bytes: k.stream.BytesRead(), Memory: s.Bytes, Start: k.readIn, Retries: k.once.Retries(),
			})
		}
	}
}

func (k *keeper[K]) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	info, err := k.consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up the ack floor: %w", err)
	}
	return k.once.Keep(ctx, info.AckFloor.Stream)
}
