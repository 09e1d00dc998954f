package jetcapture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// pausing starts an exactly-once capture of a consumer, with n messages that it holds: its store takes nothing before it is told to, so it
// does not pull any more.
func pausing(t *testing.T, policy jetstream.AckPolicy, n int) (s *capturetest.Server, dir string, goOn func(), stop func() error) {
	t.Helper()
	s, dir = capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) {
		c.AckPolicy, c.AckWait, c.MaxRequestExpires = policy, time.Hour, time.Second
	})
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages, o.MaxInFlight = 25, n
	opened := make(chan struct{})
	o.Store = interpose(o.Store, func(ctx context.Context, _ io.Reader, next func(context.Context) error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-opened:
			return next(ctx)
		}
	})
	stop = start(t, o.Build(), s.Connect())
	eventually(t, "the capture holds all that it may, and does not pull", func() bool {
		info := s.Info(streamName, consumerName)
		return info.NumAckPending == n && info.NumWaiting == 0
	})
	return s, dir, func() { close(opened) }, stop
}

// That nobody pulls does not say that nobody is at work.
func TestAckAllIsNotTakenFromACaptureThatPauses(t *testing.T) {
	t.Parallel()
	const n = 1_000
	s, dir, goOn, stop := pausing(t, jetstream.AckAllPolicy, n)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := onceNDJSON(dir).Build().Run(ctx, s.Connect())
	if !errors.Is(err, jetcapture.ErrConsumerUnfit) || !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("a second capture: %v", err)
	}
	goOn()
	eventually(t, "all is acknowledged", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n })
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// The consumer is not reset, and nothing of what the first holds comes to the second.
func TestAConsumerIsNotResetWhileACaptureThatPausesHoldsItsMessages(t *testing.T) {
	t.Parallel()
	const n = 2_000
	s, dir, goOn, stop := pausing(t, jetstream.AckExplicitPolicy, n)
	o := onceNDJSON(dir)
	core, logs := observer.New(zap.InfoLevel)
	o.Logger = zap.New(core)
	var pulled atomic.Int64
	o.Observer.Pulled = func(messages int, _ int64) { pulled.Add(int64(messages)) }
	other := start(t, o.Build(), s.Connect())
	eventually(t, "the second hears of the first", func() bool { return logs.FilterMessage("another capture is at work").Len() == 1 })
	goOn()
	eventually(t, "all is acknowledged", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n })
	for _, stop := range []func() error{stop, other} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	if got := pulled.Load(); got > 0 {
		t.Errorf("%d messages came to the second", got)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// A capture that was not heard of for long, as its machine stood still, meets that another one has taken the consumer.
func TestAckAllAcknowledgesNothingMoreOnceTheConsumerWasTaken(t *testing.T) {
	t.Parallel()
	const n = 500
	s, dir := ackAllServer(t, time.Hour), t.TempDir()
	s.Publish(n, order)
	stop := start(t, onceNDJSON(dir).Build(), s.Connect())
	eventually(t, "the capture has the messages", func() bool { return s.Info(streamName, consumerName).NumAckPending == n })
	duration := takeConsumer(t, s)
	s.Publish(n, func(i int) *nats.Msg { return order(n + i) })
	err := stop() // it stores what it holds
	if rows := readRows(t, dir); len(rows) < n {
		t.Errorf("it has stored %d messages", len(rows))
	}
	if floor := s.Info(streamName, consumerName).AckFloor.Stream; floor > 0 {
		t.Errorf("it has acknowledged up to %d after another had taken the consumer at %v: %v", floor, duration, err)
	}
}

// takeConsumer takes it from whoever answers too late.
func takeConsumer(t *testing.T, s *capturetest.Server) time.Time {
	t.Helper()
	js := s.JetStream()
	source, err := js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	book := ledger.NewBook(1 << 20)
	log, err := ledger.OpenStream(t.Context(), js.Conn(), js, source.CachedInfo(), consumerName, ledger.StreamOptions{}, book)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = log.Run(ctx) }) // it ends with ctx
	t.Cleanup(func() { cancel(); running.Wait() })
	l := ledger.New(book, log, nil, ledger.Options{Instance: fmt.Sprint("another-", time.Now().UnixNano())})
	if err := log.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		err := l.Take(t.Context(), time.Nanosecond)
		if err == nil {
			return time.Now()
		}
		if !errors.Is(err, ledger.ErrTaken) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
