package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
	"github.com/jetcapture/lake/jetcapture/internal/preflight"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/jetcapture/internal/slots"
	"github.com/jetcapture/lake/jetcapture/internal/spool"
)

// A Capture archives one consumer's messages: see Run.
type Capture[P Payload, K DestKey] struct {
	options Options[P, K]
	running atomic.Bool
	clock   *elapsed.Clock
}

// New returns a capture. It checks nothing yet: Run does.
func New[P Payload, K DestKey](options Options[P, K]) *Capture[P, K] {
	return &Capture[P, K]{options: options, clock: new(elapsed.Clock)}
}

// Build returns a capture with these options: see New.
func (o *Options[P, K]) Build() *Capture[P, K] { return New(*o) }

// Run captures until ctx ends. Then it stops pulling, and stores and acks what it holds within Options.DrainTimeout
// under a context of its own. It returns nil if all that is done, and after the last of its goroutines.
//
// With Options.UntilCaughtUp it also returns nil once there is nothing left to capture.
//
// It returns an error of Options.Validate before it starts, ErrStreamNotFound, ErrConsumerNotFound or ErrConsumerUnfit
// if there is nothing to capture, or no more, ErrPermission if the server refuses what it needs before the first message is
// asked for, ErrOtherStore or ErrFilesMissing if the ledger's files are not in the store, ErrConnectionClosed, ErrDrainTimeout,
// or the store's error if that is marked by store.Permanent. Whatever the error, a message is acknowledged only if it is stored.
//
// Run leaves the connection open. It should reconnect without limit (nats.MaxReconnects(-1)), for Run ends when it is
// closed; in between Run waits. A Store that ignores its context holds Run up.
func (c *Capture[P, K]) Run(ctx context.Context, nc *nats.Conn) error {
	if !c.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer c.running.Store(false)
	o := *c.options.WithDefaults()
	if err := o.validate(); err != nil {
		return err
	}
	if nc == nil || nc.IsClosed() {
		return fmt.Errorf("capture stream %q: %w: pass an open *nats.Conn", o.NATSStreamName, ErrConnectionClosed)
	}
	if err := checkFactory(o.WriterFactory, o.Compression); err != nil {
		return err
	}
	if o.BufferToDisk {
		spool.Sweep(o.TempDir)
	}
	starting, rights := permission.Watch(ctx, nc, o.plan().Permissions(nc.Opts.InboxPrefix), o.Logger)
	defer rights.Stop()
	if err := rights.TryAtStart(starting); err != nil {
		return err
	}
	consumer, err := c.bind(starting, nc, &o)
	if starting.Err() != nil {
		return rights.Refusal() // nil if it was stopped before it began: nothing is held
	}
	if err != nil {
		return err
	}

	l := newLoop(&o, nc, consumer, c.clock)
	storing, stopStoring := context.WithCancel(context.WithoutCancel(ctx))
	defer stopStoring()
	var running sync.WaitGroup
	var keeper *keeper[K]
	if o.Delivery == ExactlyOnce {
		keeper, err = openLedger(starting, nc, &o, consumer, l.open.specs, c.clock, l.log)
		if starting.Err() != nil {
			return rights.Refusal()
		}
		if err != nil {
			return err
		}
		l.once, l.history.onFork, l.history.before = keeper.once, keeper.forked, keeper.before
		l.intake.lookups = newLookups(keeper.once.Look)
		l.watch.poller.claimed = keeper.book.Anchors
		running.Go(func() { keeper.follow(storing, l.lost) })
	}
	acks, err := c.begin(starting, l, keeper, consumer)
	if refused := rights.Refusal(); err != nil || refused != nil {
		if l.intake.watermark != nil {
			keeper.leave(ctx)
		}
		stopStoring()
		running.Wait()
		if starting.Err() != nil {
			return refused // nil if it was stopped: nothing is held
		}
		return err
	}
	rights.Begun()
	polling, stopPolling := context.WithCancel(storing)
	answering, stopAnswering := context.WithCancel(storing)
	defer stopAnswering()
	committer := &committer[K]{
		slots: slots.New(o.StoreConcurrency),
		store: o.Store, layout: o.Layout, acks: acks, once: l.once, sleep: retry.Sleep, complete: o.OnStoreComplete,
		observer: o.Observer, log: l.log,
	}
	running.Go(func() { l.watch.poller.run(polling) })
	if keeper != nil {
		running.Go(func() { l.intake.lookups.run(storing) })
		running.Go(func() { keeper.restore(storing) })
		running.Go(func() { keeper.noteForks(storing) })
		running.Go(func() { keeper.answer(answering) })
		running.Go(func() { keeper.listen(polling) })
		running.Go(func() { keeper.run(polling) })
	}
	if l.intake.watermark != nil {
		running.Go(func() { l.intake.watermark.fence.run(storing) }) // to the end of a reset
	}
	running.Go(func() { committer.run(storing, l.queue.sealed, l.queue.outcomes) })

	if err = l.run(ctx); err == nil && ctx.Err() != nil {
		l.finishPoll()
	}
	stopPolling()
	err = errors.Join(err, l.drain(o.DrainTimeout, stopStoring))
	if l.intake.watermark != nil {
		stopAnswering()
		keeper.leave(ctx)
	}
	close(l.queue.sealed)
	stopStoring()
	running.Wait()
	return err
}

// begin makes the ledger ready, and lets the consumer deliver what captures before this one held.
func (c *Capture[P, K]) begin(ctx context.Context, l *loop[P, K], keeper *keeper[K], consumer jetstream.Consumer) (acknowledger, error) {
	if keeper != nil {
		if err := keeper.ready(ctx); err != nil {
			return nil, err
		}
		if err := keeper.checkFiles(ctx, consumer.CachedInfo()); err != nil {
			return nil, err
		}
		keeper.hear(ctx)
	}
	if consumer.CachedInfo().Config.AckPolicy == jetstream.AckAllPolicy {
		return noAcks{}, l.beginWatermark(ctx, consumer)
	}
	if keeper != nil {
		keeper.resume(ctx)
	}
	return l.acker, nil
}

func (c *Capture[P, K]) bind(ctx context.Context, nc *nats.Conn, o *Options[P, K]) (jetstream.Consumer, error) {
	var create *jetstream.ConsumerConfig
	if o.CreateConsumer {
		create = jsapi.ConsumerConfig(o.NATSConsumerName, o.openTime(), o.MaxInFlight)
	}
	js, err := jsapi.New(nc, o.JetStreamDomain)
	if err != nil {
		return nil, err
	}
	b, err := jsapi.UntilAnswered(ctx, o.Logger, func() (*jsapi.Binding, error) {
		return jsapi.Bind(ctx, js, o.NATSStreamName, o.NATSConsumerName, create)
	})
	if err != nil {
		return nil, err
	}
	if b.Lowered {
		o.Logger.Warn(fmt.Sprintf("The server allows consumers of stream %s a MaxAckPending of %d, and the consumer is made with that instead of %d: all captures together may hold no more.",
			o.NATSStreamName, b.Consumer.CachedInfo().Config.MaxAckPending, create.MaxAckPending), zap.String("stream", o.NATSStreamName), zap.String("consumer", o.NATSConsumerName))
	}
	for _, f := range o.plan().Findings(nc, b) {
		switch {
		case b.Lowered && f.Check == preflight.MaxAckPending: // it was said
		case f.Severity == preflight.Fatal:
			return nil, fmt.Errorf("%w: %q of stream %q: %s", ErrConsumerUnfit, o.NATSConsumerName, o.NATSStreamName, strings.TrimSuffix(f.String(), "."))
		case f.Severity == preflight.Warning:
			o.Logger.Warn(f.String(), zap.String("stream", o.NATSStreamName), zap.String("consumer", o.NATSConsumerName), zap.String("check", f.Check))
		}
	}
	return b.Consumer, nil
}
