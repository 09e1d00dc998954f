package jetcapture_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/store"
)

// onceNDJSON are options of an exactly-once archive.
func onceNDJSON(dir string) *rawOptions {
	o := rawNDJSON(dir)
	o.Delivery = jetcapture.ExactlyOnce
	return o
}

func TestExactlyOnceArchivesEachMessageOnce(t *testing.T) {
	const n = 8_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages = 700
	var stored atomic.Int64
	o.Observer.BlockStored = func(jetcapture.Block, time.Duration) { stored.Add(1) }
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
	l, err := s.JetStream().Stream(t.Context(), "JC_ORDERS_lake")
	if err != nil {
		t.Fatal(err)
	}
	if entries := l.CachedInfo().State.Msgs; int64(entries) != 2*stored.Load()+1 { // and one of settings
		t.Errorf("the ledger has %d entries of %d blocks", entries, stored.Load())
	}
	if info := s.Info(streamName, consumerName); info.NumAckPending != 0 || info.AckFloor.Stream != n {
		t.Errorf("%d messages are not acknowledged, the ack floor is %d", info.NumAckPending, info.AckFloor.Stream)
	}
}

func TestExactlyOnceWithRedeliveryToAnotherCapture(t *testing.T) {
	const n = 3_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second })
	s.Publish(n, order)
	var running sync.WaitGroup
	for i := range 3 {
		o := onceNDJSON(dir)
		o.MaxMessages, o.PullMessages = 50, 200
		o.Store = slow(o.Store, func(k int) time.Duration {
			if (k+i)%5 == 0 {
				return 2500 * time.Millisecond
			}
			return 0
		})
		running.Go(func() { untilCaughtUp(t, s, o) })
	}
	running.Wait()
	wantOrders(t, readRows(t, dir), n, true)
}

// What is too old for the ledger are messages, not the capture that got them a moment ago.
func TestExactlyOnceTakesMessagesForAsOldAsTheRequestThatBroughtThem(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	o := onceNDJSON(dir)
	o.MaxMessages, o.MaxAge, o.Grace = 10, time.Second, time.Nanosecond
	o.LedgerRetention = o.LeastLedgerRetention()
	stop := start(t, o.Build(), s.Connect())
	n := 0
	for began := time.Now(); time.Since(began) < o.LedgerRetention; n += 80 {
		s.Publish(80, func(i int) *nats.Msg { return order(n + i) })
		eventually(t, "all is archived", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == uint64(n+80) })
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// The shortest retention that is allowed is one with which blocks that fill slowly are stored, whatever the interval.
func TestTheLeastLedgerRetentionIsEnoughForBlocksThatFillSlowly(t *testing.T) {
	t.Parallel()
	const n = 60
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	o := onceNDJSON(dir)
	o.MaxAge, o.Grace = time.Second, 12*time.Second
	o.LedgerRetention = o.LeastLedgerRetention()
	var givenUp atomic.Int64
	o.Observer.BlockAbandoned = func(jetcapture.Block, error) { givenUp.Add(1) }
	stop := start(t, o.Build(), s.Connect())
	for i := range n {
		s.Publish(1, func(int) *nats.Msg { return order(i) })
		time.Sleep(100 * time.Millisecond)
	}
	eventually(t, "all is archived", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if got := givenUp.Load(); got > 0 {
		t.Errorf("%d blocks were given up", got)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// Blocks that waited for their turn until they were too old for the ledger are asked for again, and pulling does not pause for
// them as it does for a full disk: it only lets fewer blocks wait. The messages that come again come by requests that are younger.
func TestExactlyOnceCatchesUpThoughBlocksGetTooOldInTheQueue(t *testing.T) {
	const n = 4_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages, o.MaxAge, o.Grace, o.StoreConcurrency = 10, time.Second, time.Nanosecond, 2
	o.LedgerRetention = o.LeastLedgerRetention()
	o.Store = slow(o.Store, func(int) time.Duration { return 50 * time.Millisecond })
	var old atomic.Int64
	o.Observer.BlockAbandoned = func(_ jetcapture.Block, err error) {
		if errors.Is(err, ledger.ErrStale) {
			old.Add(1)
		}
	}
	o.Observer.Paused = func(cause jetcapture.PauseCause) {
		if cause != "sealed-blocks" {
			t.Errorf("pulling pauses: %s", cause)
		}
	}
	untilCaughtUp(t, s, o)
	if old.Load() == 0 {
		t.Error("no block got too old: this test shows nothing")
	}
	wantOrders(t, readRows(t, dir), n, true)
}

func TestExactlyOnceWhenAnswersOfTheStoreAreLost(t *testing.T) {
	const n = 5_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	var writes atomic.Int64
	o.MaxMessages, o.Store = 100, answerless(o.Store, func() bool { return writes.Add(1)%3 == 0 })
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
}

// The answer of the store is lost, and the store does not answer again until another capture has found the file and settled the
// claim: the first one then finds its file, too.
func TestExactlyOnceWhenOthersFindTheFileWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	const n = 5
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second })
	s.Publish(n, func(i int) *nats.Msg { return order(8 * i) }) // for one destination key
	first := onceNDJSON(dir)
	first.MaxMessages = n
	var written, settled atomic.Bool
	down := faulty(first.Store, func() error {
		if written.Load() && !settled.Load() {
			return errStoreDown
		}
		return nil
	})
	first.Store = answerless(down, func() bool { return written.CompareAndSwap(false, true) })
	first.Observer.BlockAbandoned = func(b jetcapture.Block, err error) { t.Errorf("block %s is given up: %v", b.ID, err) }
	stop := start(t, first.Build(), s.Connect())
	eventually(t, "a file is there", written.Load)
	untilCaughtUp(t, s, onceNDJSON(dir))
	settled.Store(true)
	if err := stop(); err != nil {
		t.Error(err)
	}
	if rows := readRows(t, dir); len(rows) != n {
		t.Errorf("%d rows of %d messages", len(rows), n)
	}
}

func TestExactlyOnceRefusesAStoreThatOverwrites(t *testing.T) {
	s := startServer(t)
	o := onceNDJSON(t.TempDir())
	o.Store = overwriting{o.Store.(locatorStore)}
	if err := o.Build().Run(t.Context(), s.Connect()); !errors.Is(err, store.ErrNotCreateOnly) {
		t.Errorf("Run = %v", err)
	}
	bad, good := o.Store, onceNDJSON(t.TempDir()).Store
	o.UntilCaughtUp = true
	o.Store = store.Choose(func(string) (jetcapture.BlockStore[string], error) { return good, nil }, bad)
	if err := o.Build().Run(t.Context(), s.Connect()); !errors.Is(err, store.ErrNotCreateOnly) {
		t.Errorf("Run = %v, with a store for dead letters", err)
	}
	s.Publish(10, order)
	o.Store = store.Choose(func(region string) (jetcapture.BlockStore[string], error) {
		if region == "" {
			return nil, store.Permanent(errors.New("no such tenant"))
		}
		return bad, nil
	}, good)
	if err := o.Build().Run(t.Context(), s.Connect()); !errors.Is(err, store.ErrNotCreateOnly) {
		t.Errorf("Run = %v, with a store that is chosen when the first message is there", err)
	}
}

func TestExactlyOnceEndsWhenTheLedgerIsDeleted(t *testing.T) {
	s := startServer(t)
	s.Publish(10, order)
	nc := s.Connect()
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o := onceNDJSON(t.TempDir())
	o.MaxMessages = 1
	go func() { ended <- o.Build().Run(ctx, nc) }()
	eventually(t, "all is acknowledged", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == 10 })
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "JC_ORDERS_lake"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, jetcapture.ErrLedgerLost) {
		t.Errorf("Run = %v", err)
	}
}
