package jetcapture_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const refusedWarning = "the ledger does not take an entry, will retry"

// fill publishes to a stream of its own until the account takes no byte more.
func fill(t *testing.T, s *capturetest.Server) {
	t.Helper()
	js := s.JetStream()
	for _, size := range []int{10_000, 1_000, 1} {
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			_, err := js.Publish(ctx, "fill", make([]byte, size), jetstream.WithRetryAttempts(0))
			cancel()
			if err != nil {
				break
			}
		}
	}
}

// A work queue keeps messages until they are acknowledged. When it has filled its account, the ledger has no room for "stored"
// before some are.
func TestAWorkQueueThatHasFilledItsAccountIsDrained(t *testing.T) {
	t.Parallel()
	const n = 2_000
	s, dir := capturetest.Start(t), t.TempDir()
	js := s.JetStream()
	for _, config := range []jetstream.StreamConfig{
		{Name: streamName, Subjects: []string{"orders.>"}, Retention: jetstream.WorkQueuePolicy},
		{Name: "FILL", Subjects: []string{"fill"}},
	} {
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	s.Consumer(streamName, consumerName, nil)
	s.Publish(n, order)
	s.Limit(4<<20, false)
	o := onceNDJSON(dir)
	o.MaxMessages, o.MaxAge = 250, time.Second
	var filling sync.Once
	o.Observer.BlockStored = func(jetcapture.Block, time.Duration) { filling.Do(func() { fill(t, s) }) }
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
}

// A ledger that takes nothing holds up what needs it, says so at once, and no more than every 10 s.
func TestACaptureSaysThatItsLedgerTakesNoEntries(t *testing.T) {
	t.Parallel()
	const n = 1_600 // so many that the next capture has them delivered again at once
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	core, logs := observer.New(zapcore.WarnLevel)
	o := onceNDJSON(dir)
	o.MaxMessages, o.StoreConcurrency, o.DrainTimeout, o.Logger = 10, 8, 2*time.Second, zap.New(core)
	var mu sync.Mutex
	var sampled jetcapture.LedgerStats
	o.Observer.LedgerSampled = func(s jetcapture.LedgerStats) {
		mu.Lock()
		defer mu.Unlock()
		sampled = s
	}
	stop := start(t, o.Build(), s.Connect())
	ledger := func(change func(*jetstream.StreamConfig)) {
		stream, err := s.JetStream().Stream(t.Context(), ledgerName)
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		change(&config)
		if _, err := s.JetStream().UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the capture pulls", func() bool { return s.Info(streamName, consumerName).NumWaiting > 0 })
	ledger(func(c *jetstream.StreamConfig) { c.MaxMsgs = 1 })
	s.Publish(n, order)
	eventually(t, "it says why nothing is stored", func() bool { return logs.FilterMessageSnippet(refusedWarning).Len() > 0 })
	eventually(t, "it counts", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return sampled.Retries > 8
	})
	if lines := logs.FilterMessageSnippet(refusedWarning).Len(); lines > 2 {
		t.Errorf("it said so %d times", lines)
	}
	if rows := readRows(t, dir); len(rows) > 0 {
		t.Errorf("%d messages without a claim were stored", len(rows))
	}
	err := stop()
	if err == nil || !strings.Contains(err.Error(), "maximum messages exceeded") || !errors.Is(err, jetcapture.ErrDrainTimeout) {
		t.Errorf("Run = %v: want what the ledger said", err)
	}
	ledger(func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 })
	o.Observer.LedgerSampled = nil
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
}

func TestALedgerHasALimitWhereTheAccountRequiresOne(t *testing.T) {
	for _, c := range []struct {
		name     string
		asked    int64
		required bool
		want     int64
	}{
		{"none is needed", 0, false, -1},
		{"one is required", 0, true, 256 << 20},
		{"one is asked for", 1 << 20, true, 1 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, dir := startServer(t), t.TempDir()
			s.Publish(100, order)
			s.Limit(1<<30, c.required)
			o := onceNDJSON(dir)
			o.LedgerMaxBytes = c.asked
			for range 2 { // makes the ledger, and takes it
				untilCaughtUp(t, s, o)
			}
			l, err := s.JetStream().Stream(t.Context(), ledgerName)
			if err != nil {
				t.Fatal(err)
			}
			if got := l.CachedInfo().Config.MaxBytes; got != c.want {
				t.Errorf("the ledger may have %d bytes, want %d", got, c.want)
			}
			wantOrders(t, readRows(t, dir), 100, true)
		})
	}
}

func TestALedgerForWhichThereIsNoRoomIsRefusedWithTheWayOut(t *testing.T) {
	s := startServer(t)
	s.Limit(1<<20, true)
	err := onceNDJSON(t.TempDir()).Build().Run(t.Context(), s.Connect())
	if err == nil || !strings.Contains(err.Error(), "no room for a ledger of 268435456 bytes") {
		t.Errorf("Run = %v", err)
	}
}
