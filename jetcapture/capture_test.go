package jetcapture_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestCaptureUntilCaughtUpStoresAndAcksEverything(t *testing.T) {
	const n = 8_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	untilCaughtUp(t, s, rawNDJSON(dir))

	wantOrders(t, readRows(t, dir), n, true)
	info := s.Info(streamName, consumerName)
	if info.NumPending != 0 || info.NumAckPending != 0 || info.AckFloor.Stream != n {
		t.Errorf("consumer has %d pending, %d un-acked, ack floor %d", info.NumPending, info.NumAckPending, info.AckFloor.Stream)
	}
	for _, name := range files(t, dir, "") {
		rel, _ := filepath.Rel(dir, name)
		if parts := strings.Split(rel, "/"); len(parts) != 3 || !strings.HasPrefix(parts[0], "date=") || !strings.HasPrefix(parts[1], "hour=") {
			t.Errorf("unexpected place of a file: %s", rel)
		}
	}
}

func TestADecoderMayReturnTheSamePayloadAgain(t *testing.T) {
	const n = 5_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	var payload jetcapture.NatsMessage
	o.MessageDecoder = func(msg *nats.Msg) (*jetcapture.NatsMessage, string, error) {
		return &payload, msg.Subject, payload.Set(msg)
	}
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
}

func TestSettingAPayloadAgainAllocatesNothing(t *testing.T) {
	var m jetcapture.NatsMessage
	msg := &nats.Msg{Subject: "a", Reply: "$JS.ACK.S.C.3.12.7.1763899200123456789.42", Data: []byte("data")}
	if err := m.Set(msg); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = m.Set(msg) }); n != 0 {
		t.Errorf("Set allocates %v times", n)
	}
	before, metadata := m, *m.Metadata
	if err := m.Set(&nats.Msg{Subject: "b", Reply: "inbox"}); !errors.Is(err, nats.ErrNotJSMessage) {
		t.Errorf("Set of a message that JetStream did not deliver returns %v", err)
	}
	if m.Subject != before.Subject || *m.Metadata != metadata {
		t.Errorf("an error has made %v of %v", m, before)
	}
}

func TestCaptureOfNothingEndsAndWritesNothing(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	untilCaughtUp(t, s, rawNDJSON(dir))
	if got := files(t, dir, ""); len(got) > 0 {
		t.Errorf("files of an empty stream: %q", got)
	}
}

func TestCancelledRunStoresAndAcksWhatItHolds(t *testing.T) {
	const n = 3_000
	s, dir := startServer(t), t.TempDir()
	nc := s.Connect()
	o := rawNDJSON(dir)
	pulled := make(chan int, 1000)
	o.Observer.Pulled = func(messages int, _ int64) { pulled <- messages }
	stop := start(t, o.Build(), nc)
	s.Publish(n, order)
	for got := 0; got < n; {
		got += <-pulled
	}
	if got := files(t, dir, ""); len(got) > 0 {
		t.Fatalf("blocks of 15 minutes are stored already: %q", got)
	}
	if err := stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	wantOrders(t, readRows(t, dir), n, true)
	if info := s.Info(streamName, consumerName); info.NumAckPending != 0 {
		t.Errorf("%d messages are not acked", info.NumAckPending)
	}
	if !nc.IsConnected() {
		t.Error("Run closed the caller's connection")
	}
}

func TestSilentStreamIsFlushedByTheWallClock(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	o := rawNDJSON(dir)
	o.MaxAge, o.Grace = 2*time.Second, 100*time.Millisecond
	reasons := make(chan jetcapture.SealReason, 100)
	o.Observer.BlockSealed = func(_ jetcapture.Block, r jetcapture.SealReason) { reasons <- r }
	start(t, o.Build(), s.Connect())
	s.Publish(8, order)
	eventually(t, "8 rows are stored without a message that ends their interval", func() bool { return len(readRows(t, dir)) == 8 })
	if r := <-reasons; r != jetcapture.SealIdle && r != jetcapture.SealAge {
		t.Errorf("sealed for %q", r)
	}
	eventually(t, "all is acked", func() bool { return s.Info(streamName, consumerName).NumAckPending == 0 })
}

// Two messages in many intervals: two files, and none for the intervals without a message.
func TestQuietStreamMakesNoEmptyFiles(t *testing.T) {
	t.Parallel()
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	o := rawNDJSON(dir)
	o.MaxAge, o.Grace = time.Second, 0
	stop := start(t, o.Build(), s.Connect())
	s.Publish(1, order)
	eventually(t, "the first message is stored", func() bool { return len(readRows(t, dir)) == 1 })
	time.Sleep(4 * time.Second) // four intervals with nothing in them
	s.Publish(1, func(int) *nats.Msg { return order(1) })
	eventually(t, "the second message is stored", func() bool { return len(readRows(t, dir)) == 2 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	names := files(t, dir, "")
	if len(names) != 2 {
		t.Errorf("%d files for two messages: %q", len(names), names)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s is empty (%v)", name, err)
		}
	}
}

func TestSmallMaxAckPendingDoesNotStallTheCapture(t *testing.T) {
	const n = 5_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 300 })
	s.Publish(n, order)
	untilCaughtUp(t, s, rawNDJSON(dir))
	wantOrders(t, readRows(t, dir), n, true)
}

// Two captures that hold less than they may each, but together all that the consumer allows.
func TestCapturesThatShareASmallMaxAckPendingDoNotStall(t *testing.T) {
	const n = 2_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.MaxAckPending = 300 })
	for range 3 {
		start(t, rawNDJSON(dir).Build(), s.Connect())
	}
	s.Publish(n, order)
	eventually(t, "nothing is pending", func() bool { return s.Info(streamName, consumerName).NumPending == 0 })
}

// Each capture's latest message said that nothing is pending, and then more were published than the consumer may deliver.
func TestCapturesThatSawNothingPendingDoNotStall(t *testing.T) {
	const limit, n = 300, 900
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.MaxAckPending = limit })
	for range 3 {
		start(t, rawNDJSON(dir).Build(), s.Connect())
	}
	eventually(t, "each capture waits for messages", func() bool { return s.Info(streamName, consumerName).NumWaiting >= 3 })
	for i := range limit {
		s.Publish(1, func(int) *nats.Msg { return order(i) })
		eventually(t, "the message is delivered", func() bool { return s.Info(streamName, consumerName).NumPending == 0 })
	}
	s.Publish(n-limit, func(i int) *nats.Msg { return order(limit + i) })
	eventually(t, "nothing is pending", func() bool { return s.Info(streamName, consumerName).NumPending == 0 })
}

func TestMaxMessagesSealsBlocks(t *testing.T) {
	const n = 10_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.MaxMessages = 1_000
	o.MessageDecoder = jetcapture.NatsToNats(func(*nats.Msg) string { return "" })
	untilCaughtUp(t, s, o)
	names := files(t, dir, ".ndjson")
	if len(names) < n/1000 || len(names) > n/1000+1 {
		t.Errorf("%d files", len(names))
	}
	for _, name := range names {
		if rows := readJSONLines[row](t, name); len(rows) > 1_000 {
			t.Errorf("%s has %d rows", name, len(rows))
		}
	}
	wantOrders(t, readRows(t, dir), n, true)
}

func TestMaxBytesSealsBlocks(t *testing.T) {
	const n = 5_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.MaxBytes = 64 << 10
	o.MessageDecoder = jetcapture.NatsToNats(func(*nats.Msg) string { return "" })
	untilCaughtUp(t, s, o)
	for _, name := range files(t, dir, ".ndjson") {
		if info, err := os.Stat(name); err != nil || info.Size() > 66<<10 {
			t.Errorf("%s has %d bytes (%v)", name, info.Size(), err)
		}
	}
	wantOrders(t, readRows(t, dir), n, true)
}

func TestInFlightLimitBoundsWhatIsHeld(t *testing.T) {
	const n, limit = 20_000, 1_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.MaxInFlight = limit
	o.Observer.Sampled = func(st jetcapture.Stats) {
		if st.HeldMessages > limit {
			t.Errorf("%d messages are held", st.HeldMessages)
		}
	}
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), n, true)
	if info := s.Info(streamName, consumerName); info.NumRedelivered != 0 {
		t.Errorf("%d messages were redelivered", info.NumRedelivered)
	}
}

func TestMemoryLimitSealsLargestBlocks(t *testing.T) {
	const n = 3_000
	for name, toDisk := range map[string]bool{"memory": false, "disk": true} {
		t.Run(name, func(t *testing.T) {
			s, dir := startServer(t), t.TempDir()
			big := func(i int) *nats.Msg {
				m := order(i)
				m.Header = nats.Header{"Fill": {strings.Repeat("x", 16<<10)}}
				return m
			}
			s.Publish(n, big)
			o := rawNDJSON(dir)
			o.MemoryLimit = 16 << 20
			o.BufferToDisk, o.TempDir = toDisk, t.TempDir()
			var most int64
			o.Observer.Sampled = func(st jetcapture.Stats) { most = max(most, st.Memory) }
			untilCaughtUp(t, s, o)
			if most > 16<<20 {
				t.Errorf("%d bytes were held", most)
			}
			wantOrders(t, readRows(t, dir), n, true)
		})
	}
}

// A consumer that redelivers what is still held: the copies are dropped, and every message is stored once.
func TestRedeliveryOfHeldMessagesMakesNoDuplicates(t *testing.T) {
	const n = 2_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second })
	o := rawNDJSON(dir)
	var dropped atomic.Int64
	o.Observer.Repeated = func(held, _ int) { dropped.Add(int64(held)) }
	stop := start(t, o.Build(), s.Connect())
	s.Publish(n, order)
	eventually(t, "all messages were redelivered and dropped", func() bool { return dropped.Load() >= n })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

func TestRunSaysWhatIsMissing(t *testing.T) {
	s := startServer(t)
	s.Consumer(streamName, "none", func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckNonePolicy })
	for _, c := range []struct {
		name   string
		change func(*rawOptions)
		want   error
		says   string
	}{
		{"stream", func(o *rawOptions) { o.NATSStreamName = "ORDRES" }, jetcapture.ErrStreamNotFound, `"ORDRES"`},
		{"consumer", func(o *rawOptions) { o.NATSConsumerName = "lack" }, jetcapture.ErrConsumerNotFound, `"lack"`},
		{"acks", func(o *rawOptions) { o.NATSConsumerName = "none" }, jetcapture.ErrConsumerUnfit, "explicit acks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := rawNDJSON(t.TempDir())
			c.change(o)
			err := o.Build().Run(t.Context(), s.Connect())
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Run = %v", err)
			}
		})
	}
}

func TestRunCreatesTheConsumerWhenAsked(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(100, order)
	o := rawNDJSON(dir)
	o.NATSConsumerName, o.CreateConsumer = "made", true
	untilCaughtUp(t, s, o)
	wantOrders(t, readRows(t, dir), 100, true)
	c := s.Info(streamName, "made").Config
	if c.AckPolicy != jetstream.AckExplicitPolicy || c.MaxDeliver != -1 || c.AckWait <= o.MaxAge || c.InactiveThreshold != 0 {
		t.Errorf("made consumer %+v", c)
	}
}

func TestRunEndsWhenTheConsumerOrStreamIsDeleted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		remove func(ctx context.Context, js jetstream.JetStream) error
		want   error
	}{
		"consumer": {func(ctx context.Context, js jetstream.JetStream) error {
			return js.DeleteConsumer(ctx, streamName, consumerName)
		}, jetcapture.ErrConsumerNotFound},
		"stream": {func(ctx context.Context, js jetstream.JetStream) error { return js.DeleteStream(ctx, streamName) }, jetcapture.ErrStreamNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 500
			s, dir := capturetest.Start(t), t.TempDir()
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, nil)
			s.Publish(n, order)
			o := rawNDJSON(dir)
			pulled := make(chan struct{}, 1000)
			o.Observer.Pulled = func(int, int64) { pulled <- struct{}{} }
			ended := make(chan error, 1)
			go func() { ended <- o.Build().Run(t.Context(), s.Connect()) }()
			<-pulled
			if err := c.remove(t.Context(), s.JetStream()); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, c.want) {
					t.Errorf("Run = %v, want %v", err, c.want)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("Run goes on")
			}
			wantOrders(t, readRows(t, dir), n, true) // a duplicate rather than a loss
		})
	}
}

func TestRunEndsWhenTheConnectionIsClosed(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(100, order)
	nc := s.Connect()
	ended := make(chan error, 1)
	go func() { ended <- rawNDJSON(dir).Build().Run(t.Context(), nc) }()
	eventually(t, "messages are pulled", func() bool { return s.Info(streamName, consumerName).NumAckPending == 100 })
	nc.Close()
	if err := <-ended; !errors.Is(err, jetcapture.ErrConnectionClosed) {
		t.Errorf("Run = %v", err)
	}
	if got := files(t, dir, ""); len(got) > 0 {
		t.Errorf("files that could not be acked: %q", got)
	}
}

func TestRunTwiceAtATimeIsRefused(t *testing.T) {
	s := startServer(t)
	o := rawNDJSON(t.TempDir())
	running := make(chan struct{}, 100)
	o.Observer.Sampled = func(jetcapture.Stats) { running <- struct{}{} }
	c := o.Build()
	stop := start(t, c, s.Connect())
	<-running
	if err := c.Run(t.Context(), s.Connect()); !errors.Is(err, jetcapture.ErrRunning) {
		t.Errorf("the second Run = %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestValidateReportsAllProblemsAtOnce(t *testing.T) {
	o := &rawOptions{MaxAge: -1, MaxMessages: -1, Compression: "lzma", StoreConcurrency: -2, TempDir: "/nowhere", BufferToDisk: true, LedgerSubject: "a.>"}
	err := o.Validate()
	if err == nil {
		t.Fatal("Validate = nil")
	}
	for _, says := range []string{
		"NATSStreamName", "NATSConsumerName", "MessageDecoder", "WriterFactory", "Store is nil", "MaxAge", "MaxMessages", "lzma",
		"StoreConcurrency", "TempDir", "LedgerSubject",
	} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not name %s:\n%v", says, err)
		}
	}
	if err := rawNDJSON(t.TempDir()).Validate(); err != nil {
		t.Errorf("good options: %v", err)
	}
}

func TestFilesOfABlockNameItsSequences(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(10, func(int) *nats.Msg { return order(0) })
	var blocks []jetcapture.Block
	o := rawNDJSON(dir)
	o.StoreConcurrency = 1
	o.Observer.BlockStored = func(b jetcapture.Block, _ time.Duration) { blocks = append(blocks, b) }
	untilCaughtUp(t, s, o)
	i := slices.IndexFunc(blocks, func(b jetcapture.Block) bool { return b.FirstSeq == 1 })
	if i < 0 {
		t.Fatalf("no block begins with sequence 1: %+v", blocks)
	}
	b := blocks[i]
	if !strings.Contains(b.Location, "-0000000000000001-") || !strings.HasSuffix(b.Location, b.ID+".ndjson") || b.Messages != b.Rows {
		t.Errorf("block %+v", b)
	}
}

func TestOptionsBeyondWhatACaptureCanDoAreRefused(t *testing.T) {
	o := rawNDJSON(t.TempDir())
	o.StoreConcurrency, o.MaxSealedBlocks, o.MaxInFlight, o.PullMessages = 1_000_000, 1<<40, 1<<40, 1<<40
	o.MemoryLimit, o.MaxAge, o.MaxLinger, o.Grace = 1<<62, 1<<62, 1<<62, 1<<62
	o.LedgerRetention = 1<<63 - 1
	err := o.Validate()
	if err == nil {
		t.Fatal("Validate = nil")
	}
	for _, field := range []string{
		"StoreConcurrency is 1000000: it must be at most 256", "MaxSealedBlocks is", "MaxInFlight is", "PullMessages is", "MemoryLimit is",
		"MaxAge is", "MaxLinger is", "Grace is", "LedgerRetention is",
	} {
		if !strings.Contains(err.Error(), "Options."+field) {
			t.Errorf("the error does not name %s:\n%v", field, err)
		}
	}
}

func TestLedgerNameThatNoStreamCanHaveIsRefused(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("L", 256): "Options.LedgerName is 256 bytes long, and the name of a stream has 255 at most: set a shorter one",
		"JC.orders":              `Options.LedgerName is "JC.orders": the name of a stream has no blanks and none of`,
		strings.Repeat("L", 255): "",
	} {
		o := rawNDJSON(t.TempDir())
		o.LedgerName, o.Delivery = name, jetcapture.ExactlyOnce
		if err := o.Validate(); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.20s: %v", name, err)
		}
		if o.Delivery = jetcapture.AtLeastOnce; o.Validate() != nil {
			t.Errorf("without a ledger: %v", o.Validate())
		}
	}
	o := rawNDJSON(t.TempDir())
	o.NATSStreamName, o.Delivery = strings.Repeat("S", 250), jetcapture.ExactlyOnce
	if err := o.Validate(); err == nil || !strings.Contains(err.Error(), "LedgerName is 25") {
		t.Errorf("the default is too long, and not refused: %v", err)
	}
}
