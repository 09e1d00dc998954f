package jetcapture_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

func ackAllServer(t *testing.T, ackWait time.Duration) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) {
		c.AckPolicy, c.AckWait = jetstream.AckAllPolicy, ackWait
	})
	return s
}

func wantAllAcknowledged(t *testing.T, s *capturetest.Server, n uint64) {
	t.Helper()
	if info := s.Info(streamName, consumerName); info.AckFloor.Stream != n || info.NumAckPending != 0 {
		t.Errorf("the ack floor is %d of %d, %d are pending", info.AckFloor.Stream, n, info.NumAckPending)
	}
}

func TestAckAllArchivesEachMessageOnce(t *testing.T) {
	n := 30_000
	if testing.Short() {
		n = 10_000
	}
	s, dir := ackAllServer(t, time.Minute), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages = 700
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
	wantAllAcknowledged(t, s, uint64(n))
}

// One block stays open and holds the watermark back, while others are stored above it.
func TestAckAllAcknowledgesNothingThatIsHeld(t *testing.T) {
	const n = 5_000
	s, dir := ackAllServer(t, time.Minute), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MessageDecoder = jetcapture.NatsToNats(func(msg *nats.Msg) string {
		if meta, err := msg.Metadata(); err == nil && meta.Sequence.Stream == 1_001 {
			return "alone" // never sealed before the end
		}
		return "others"
	})
	o.MaxMessages = 500
	stop := start(t, o.Build(), s.Connect())
	eventually(t, "what is below the open block is acknowledged", func() bool {
		return s.Info(streamName, consumerName).AckFloor.Stream == 1_000
	})
	eventually(t, "the others are stored", func() bool { return len(readRows(t, dir)) == 4_500 })
	if floor := s.Info(streamName, consumerName).AckFloor.Stream; floor != 1_000 {
		t.Errorf("the ack floor is %d while message 1001 is held", floor)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantOrders(t, readRows(t, dir), n, true)
	wantAllAcknowledged(t, s, uint64(n))
}

func TestAckAllLosesNothingWhenTheServerRestarts(t *testing.T) {
	const n = 40_000
	s, dir := ackAllServer(t, 2*time.Second), t.TempDir()
	s.Publish(n/2, order)
	o := onceNDJSON(dir)
	o.MaxMessages, o.PullMessages = 300, 500
	var stored atomic.Int64
	o.Observer.BlockStored = func(jetcapture.Block, time.Duration) { stored.Add(1) }
	ended := make(chan struct{})
	go func() { defer close(ended); untilCaughtUp(t, s, o) }()
	for i := range 3 {
		eventually(t, "blocks are stored", func() bool { return stored.Load() > int64(10+20*i) })
		s.Restart()
	}
	s.Publish(n/2, func(i int) *nats.Msg { return order(n/2 + i) })
	<-ended
	untilCaughtUp(t, s, onceNDJSON(dir)) // in case the first ended before all was published
	wantOrders(t, readRows(t, dir), n, true)
	wantAllAcknowledged(t, s, uint64(n))
}

// A connection that is cut takes with it what the server has sent: it counts as delivered, and never came.
func TestAckAllLosesNothingWhenConnectionsAreCut(t *testing.T) {
	n, cuts := 60_000, 5
	if testing.Short() {
		n = 20_000
	}
	s, dir := ackAllServer(t, time.Hour), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages, o.UntilCaughtUp = 1_000, true
	var stored atomic.Int64
	o.Observer.BlockStored = func(b jetcapture.Block, _ time.Duration) { stored.Add(int64(b.Messages)) }
	nc := s.Connect()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- o.Build().Run(ctx, nc) }()
	for i := range cuts {
		eventually(t, "blocks are stored", func() bool {
			if stored.Load() > int64(i*n/2/cuts) {
				return true
			}
			select {
			case err := <-ended:
				t.Fatalf("Run has ended with %d of %d messages stored: %v", stored.Load(), n, err)
			default:
			}
			return false
		})
		if err := nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil || ctx.Err() != nil {
		t.Fatalf("Run = %v, %v", err, ctx.Err())
	}
	wantOrders(t, readRows(t, dir), n, true)
	wantAllAcknowledged(t, s, uint64(n))
}

// What is lost on its way is the last there is, so that no later delivery tells of it.
func TestAckAllNoticesThatTheLastMessagesWereLost(t *testing.T) {
	const n = 1_000
	s, dir := ackAllServer(t, time.Hour), t.TempDir()
	dialer := &capturetest.LossyDialer{}
	nc, err := nats.Connect(s.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.SetCustomDialer(dialer))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	o := onceNDJSON(dir)
	o.MaxAge = time.Second
	stop := start(t, o.Build(), nc)
	s.Publish(n/2, order)
	acknowledged := func(n uint64) func() bool {
		return func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n }
	}
	eventually(t, "the first half is acknowledged", acknowledged(n/2))
	dialer.Lossy.Store(true)
	s.Publish(n/2, func(i int) *nats.Msg { return order(n/2 + i) })
	eventually(t, "the second half is sent", func() bool { return s.Info(streamName, consumerName).Delivered.Stream == n })
	dialer.Lossy.Store(false)
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is acknowledged", acknowledged(n))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// chokingWriter fails at its end, as one that a payload broke.
type chokingWriter struct {
	jetcapture.FormattedDataWriter[*jetcapture.NatsMessage]
	choke bool
}

func (w *chokingWriter) Flush() error {
	if w.choke {
		return errors.New("choked")
	}
	return w.FormattedDataWriter.Flush()
}

func TestAckAllDeliversAgainWhatABlockGaveUp(t *testing.T) {
	const n = 10_000
	s, dir := ackAllServer(t, time.Hour), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages = 400
	var made atomic.Int64
	inner := o.WriterFactory
	o.WriterFactory = func() jetcapture.FormattedDataWriter[*jetcapture.NatsMessage] {
		k := made.Add(1)
		return &chokingWriter{inner(), k == 5 || k == 12}
	}
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
	wantAllAcknowledged(t, s, uint64(n))
}

func TestAckAllTakesUpWhatACrashedCaptureHeld(t *testing.T) {
	const n = 20_000
	s, dir := ackAllServer(t, time.Hour), t.TempDir()
	s.Publish(n, order)
	pullAndHold(t, s, 5_000)
	untilCaughtUp(t, s, onceNDJSON(dir))
	wantOrders(t, readRows(t, dir), n, true)
	wantAllAcknowledged(t, s, uint64(n))
}

// The store refuses the first block permanently, after it has taken others: no ack of these may stand for it.
func TestAckAllAcknowledgesNoBlockThatEndedTheCapture(t *testing.T) {
	const n = 1_000
	s, dir := ackAllServer(t, 4*time.Second), t.TempDir()
	s.Publish(n, order)
	o := onceNDJSON(dir)
	o.MaxMessages, o.StoreConcurrency = 100, 4
	var blocks atomic.Int64
	others := make(chan struct{}, n)
	o.Store = interpose(o.Store, func(ctx context.Context, _ io.Reader, next func(context.Context) error) error {
		if blocks.Add(1) > 1 {
			defer func() { others <- struct{}{} }()
			return next(ctx)
		}
		<-others
		return store.Permanent(errStoreDown)
	})
	if err := o.Build().Run(t.Context(), s.Connect()); !errors.Is(err, errStoreDown) {
		t.Errorf("Run = %v", err)
	}
	if info := s.Info(streamName, consumerName); info.AckFloor.Stream != 0 {
		t.Errorf("messages up to %d are acknowledged", info.AckFloor.Stream)
	}
	untilCaughtUp(t, s, onceNDJSON(dir))
	wantOrders(t, readRows(t, dir), n, true)
}

func TestAckAllHasOneCapture(t *testing.T) {
	s, dir := ackAllServer(t, time.Minute), t.TempDir()
	start(t, onceNDJSON(dir).Build(), s.Connect())
	eventually(t, "the first capture pulls", func() bool { return s.Info(streamName, consumerName).NumWaiting > 0 })
	if err := onceNDJSON(dir).Build().Run(context.Background(), s.Connect()); !errors.Is(err, jetcapture.ErrConsumerUnfit) {
		t.Errorf("Run of a second capture = %v", err)
	}
	if err := rawNDJSON(dir).Build().Run(context.Background(), s.Connect()); !errors.Is(err, jetcapture.ErrConsumerUnfit) {
		t.Errorf("Run of a capture at least once = %v", err)
	}
}
