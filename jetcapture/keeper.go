package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

const (
	readyTimeout = 30 * time.Second
	resumeFrom   = 1_000 // messages that nobody acknowledges; less are not worth it
	keepEvery    = 5 * time.Second
	keepTimeout  = time.Minute // for one round, which may have to settle what crashed captures left
)

// A keeper runs the ledger of a capture: it follows the log, and does what is to be done from time to time.
type keeper[K DestKey] struct {
	once     *exactlyOnce[K]
	stream   *ledger.Stream
	book     *ledger.Book
	consumer jetstream.Consumer
	js       jetstream.JetStream
	observer Observer
	log      *zap.Logger
	readIn   time.Duration // how long ready waited
}

// openLedger prepares a capture for ExactlyOnce: its ledger, and the files that settle claims.
func openLedger[P Payload, K DestKey](ctx context.Context, nc *nats.Conn, o *Options[P, K], consumer jetstream.Consumer, specs *blockSpecs, log *zap.Logger) (*keeper[K], error) {
	if err := probeStore(ctx, o.Store, log); err != nil {
		return nil, err
	}
	js, err := newJetStream(nc, o.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	source, err := streamInfo(ctx, js, o.NATSStreamName)
	if err != nil {
		return nil, lookupError(err, o.NATSStreamName, o.NATSConsumerName)
	}
	once := new(exactlyOnce[K])
	if once.tombstones.blocks, err = emptyFile[K](o.WriterFactory(), specs.blocks); err != nil {
		return nil, fmt.Errorf("options: Delivery %q needs a WriterFactory whose writers make a valid file of no rows: %w", o.Delivery, err)
	}
	if once.tombstones.letters, err = emptyFile[K](newDeadLetterWriter(), specs.letters); err != nil {
		return nil, err
	}
	book := ledger.NewBook(source.Created, ledger.DefaultCacheBytes)
	stream, err := ledger.OpenStream(ctx, nc, js, source, o.NATSConsumerName, o.LedgerName, book)
	if err != nil {
		return nil, err
	}
	instance := instanceName()
	ackWait := consumer.CachedInfo().Config.AckWait
	once.Ledger = ledger.New(book, stream, ledgerFiles[K]{o.Store, log}, ledger.Options{
		Instance: instance, Created: source.Created, MaxEntry: stream.MaxEntry(),
		Retention:   ledgerRetention(o.LedgerRetention, o.openTime(), ackWait),
		SettleAfter: min(ledger.DefaultSettleAfter, max(ackWait/2, 2*time.Second)), // messages come again after AckWait
	})
	log.Info("exactly once: the ledger is open", zap.String("ledger", stream.Name()), zap.String("instance", instance))
	return &keeper[K]{once: once, stream: stream, book: book, consumer: consumer, js: js, observer: o.Observer, log: log}, nil
}

func ledgerRetention(set, open, ackWait time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	return max(ledger.MinRetention, 2*(open+ackWait))
}

// resume lets the consumer deliver at once what a crashed capture held, if nobody else is at work on it. Otherwise these
// messages would come when AckWait is over, and if they are many, slowly: the server's queue for them costs the square of
// their number. What was acknowledged out of order comes again, too: the ledger knows it.
func (k *keeper[K]) resume(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	info, err := k.consumer.Info(ctx)
	if err != nil || info.NumAckPending < resumeFrom || info.NumWaiting > 0 {
		return
	}
	fields := []zap.Field{zap.Int("messages", info.NumAckPending)}
	if _, err := k.js.ResetConsumer(ctx, info.Stream, info.Name); err != nil {
		k.log.Warn("messages that a capture held before are delivered again only after AckWait: servers before 2.14 cannot reset a consumer",
			append(fields, zap.Error(err))...)
		return
	}
	k.log.Info("the consumer was reset: what a capture held before is delivered again at once", fields...)
}

// probeStore refuses a store that overwrites, where the store can be asked.
func probeStore(ctx context.Context, s any, log *zap.Logger) error {
	prober, ok := s.(interface {
		Probe(ctx context.Context) error
	})
	if !ok {
		return nil
	}
	for attempt := 1; ; attempt++ {
		err := prober.Probe(ctx)
		if err == nil {
			return nil
		}
		if store.IsPermanent(err) || errors.Is(err, store.ErrNotCreateOnly) {
			return fmt.Errorf("options: Store: %w", err)
		}
		wait := backoff(attempt)
		log.Warn("the store does not answer as it should, will retry", zap.Duration("retry_in", wait), zap.Error(err))
		if !sleep(ctx, wait) {
			return fmt.Errorf("options: Store: %w", err)
		}
	}
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

// ready waits until the ledger is read, for a while: what is not read yet is only found later, by the first claim.
func (k *keeper[K]) ready(ctx context.Context) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := k.stream.Ready(ctx); err != nil {
		k.log.Warn("the ledger is still being read", zap.Error(err))
		return
	}
	s := k.book.Stats()
	k.readIn = time.Since(start)
	k.log.Debug("the ledger is read", zap.Uint64("entries", s.Entries), zap.Int("claims", s.Claims), zap.Duration("took", k.readIn))
}

// run settles and forgets what is due, until ctx ends.
func (k *keeper[K]) run(ctx context.Context) {
	for sleep(ctx, keepEvery) {
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.log.Warn("keeping the ledger in order failed, will retry", zap.Error(err))
		}
		if k.observer.LedgerSampled != nil {
			s := k.book.Stats()
			k.observer.LedgerSampled(LedgerStats{
				Claims: s.Claims, Open: s.Open, Entries: s.Entries, Bytes: k.stream.BytesRead(), Memory: s.Bytes, Start: k.readIn,
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
