package jetcapture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

var errStoreDown = errors.New("the store is down")

func TestServerRestartsLoseNothing(t *testing.T) {
	n := 30_000
	if testing.Short() {
		n = 9_000
	}
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = 2 * time.Second })
	o := rawNDJSON(dir)
	o.MaxAge = time.Second
	var resets atomic.Int64
	o.Observer.PullReset = func(error) { resets.Add(1) }
	stop := start(t, o.Build(), s.Connect())
	for i := range 3 {
		s.Publish(n/3, func(j int) *nats.Msg { return order(i*n/3 + j) })
		s.Restart()
	}
	eventually(t, "everything is acked", func() bool {
		info := s.Info(streamName, consumerName)
		return info.AckFloor.Stream == uint64(n) && info.NumAckPending == 0
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	if resets.Load() == 0 {
		t.Error("no restart was noticed: the test shows nothing")
	}
	wantOrders(t, readRows(t, dir), n, false)
}

func TestRunWaitsForAServerThatIsDownWhenItBegins(t *testing.T) {
	const n = 100
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	nc := s.Connect()
	s.Stop()
	o := rawNDJSON(dir)
	core, logs := observer.New(zapcore.WarnLevel)
	o.MaxAge, o.Logger = time.Second, zap.New(core)
	stop := start(t, o.Build(), nc)
	eventually(t, "it has tried", func() bool { return logs.FilterMessageSnippet("does not answer").Len() > 0 })
	s.Restart()
	eventually(t, "everything is acked", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == n })
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantOrders(t, readRows(t, dir), n, false)
}

// A server that is killed says nothing about the requests it had: the capture must find out.
func TestKilledServerLosesNothing(t *testing.T) {
	capturetest.WithoutRace(t)
	n := 20_000
	if testing.Short() {
		n = 5_000
	}
	dir, data := t.TempDir(), t.TempDir()
	server := startServerProcess(t, data, "127.0.0.1:0")
	nc, err := nats.Connect("nats://"+server.address, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateConsumer(t.Context(), streamName, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 2 * time.Second, MaxAckPending: 1_000_000,
	}); err != nil {
		t.Fatal(err)
	}
	o := rawNDJSON(dir)
	o.MaxAge = time.Second
	stop := start(t, o.Build(), nc)
	for i := range n {
		if i == n/2 {
			server.kill()
			server = startServerProcess(t, data, server.address)
		}
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			_, err := js.PublishMsg(ctx, order(i), jetstream.WithExpectLastSequence(uint64(i)))
			cancel()
			if err == nil || strings.Contains(err.Error(), "wrong last sequence: "+strconv.Itoa(i+1)) {
				break // the latter if only the answer was lost
			}
		}
	}
	eventually(t, "everything is acked", func() bool {
		c, err := js.Consumer(t.Context(), streamName, consumerName)
		return err == nil && c.CachedInfo().AckFloor.Stream == uint64(n)
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantOrders(t, readRows(t, dir), n, false)
}

func TestStoreThatFailsOftenLosesNothing(t *testing.T) {
	const n = 8_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.MaxMessages = 100
	o.Store = faulty(o.Store, func() error {
		switch rand.IntN(10) {
		case 0, 1:
			return errStoreDown
		case 2:
			panic("the store panics")
		}
		return nil
	})
	var failed, completed atomic.Int64
	o.Observer.StoreFailed = func(jetcapture.Block, int, error, time.Duration) { failed.Add(1) }
	o.OnStoreComplete = func(_, _ string, _ int64, _ time.Duration, err error) {
		if err == nil {
			completed.Add(1)
		}
	}
	untilCaughtUp(t, s, o)
	if failed.Load() == 0 || completed.Load() != int64(len(files(t, dir, ".ndjson"))) {
		t.Errorf("%d failures, %d completed, %d files", failed.Load(), completed.Load(), len(files(t, dir, ".ndjson")))
	}
	wantOrders(t, readRows(t, dir), n, true)
}

// The store is down for a while under load: pulling pauses at the limit, nothing is acked meanwhile, and all is stored
// afterwards.
func TestStoreThatIsDownPausesPullingAndLosesNothing(t *testing.T) {
	t.Parallel()
	n, outage := 60_000, 30*time.Second
	if testing.Short() {
		n, outage = 10_000, 8*time.Second
	}
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.MaxMessages, o.MaxSealedBlocks, o.PullMessages = 100, 20, 500
	start := time.Now()
	o.Store = faulty(o.Store, func() error {
		if time.Since(start) < outage {
			return errStoreDown
		}
		return nil
	})
	var most int
	o.Observer.Sampled = func(st jetcapture.Stats) {
		most = max(most, st.SealedBlocks)
		if time.Since(start) < outage-time.Second {
			if info := s.Info(streamName, consumerName); info.AckFloor.Stream > 0 || info.Delivered.Consumer-uint64(info.NumAckPending) > 0 {
				t.Errorf("acked while nothing is stored: %+v", info)
			}
		}
	}
	var paused atomic.Bool
	o.Observer.Paused = func(cause jetcapture.PauseCause) {
		paused.Store(paused.Load() || cause == jetcapture.PauseSealedBlocks)
	}
	untilCaughtUp(t, s, o)
	if time.Since(start) < outage || !paused.Load() {
		t.Errorf("done after %v, paused: %v", time.Since(start), paused.Load())
	}
	if limit := 20 + 2*500/100 + 8; most > limit { // those asked for already still come
		t.Errorf("%d sealed blocks waited, the limit is 20", most)
	}
	wantOrders(t, readRows(t, dir), n, true)
}

func TestPermanentStoreErrorEndsRunAndAcksNothing(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(1_000, order)
	o := rawNDJSON(dir)
	o.MaxMessages = 100
	o.Store = faulty(o.Store, func() error { return store.Permanent(errStoreDown) })
	err := o.Build().Run(t.Context(), s.Connect())
	if !errors.Is(err, errStoreDown) {
		t.Errorf("Run = %v", err)
	}
	if info := s.Info(streamName, consumerName); info.AckFloor.Stream != 0 || uint64(info.NumAckPending) != info.Delivered.Consumer {
		t.Errorf("of %d messages %d are un-acked", info.Delivered.Consumer, info.NumAckPending)
	}
}

func TestDrainTimeoutLeavesTheRestUnacked(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(1_000, order)
	o := rawNDJSON(dir)
	o.DrainTimeout = 500 * time.Millisecond
	o.Store = faulty(o.Store, func() error { return errStoreDown })
	pulled := make(chan int, 1000)
	o.Observer.Pulled = func(messages int, _ int64) { pulled <- messages }
	stop := start(t, o.Build(), s.Connect())
	<-pulled
	began := time.Now()
	if err := stop(); !errors.Is(err, jetcapture.ErrDrainTimeout) || !strings.Contains(err.Error(), "1000 messages") {
		t.Errorf("Run = %v", err)
	}
	if duration := time.Since(began); duration < o.DrainTimeout {
		t.Errorf("gave up after %v", duration)
	}
	if info := s.Info(streamName, consumerName); info.NumAckPending != 1_000 {
		t.Errorf("%d of 1000 messages are un-acked", info.NumAckPending)
	}
}

// Decode errors, decode panics, rejected payloads and writer panics among good messages.
func TestPoisonGoesToDeadLettersAndStopsNothingElse(t *testing.T) {
	const n = 4_000
	s, dir := startServer(t), t.TempDir()
	poison := map[int]string{} // by order
	s.Publish(n, func(i int) *nats.Msg {
		m := order(i)
		if i%100 == 50 {
			kind := []string{"decode error", "decode panic", "write error", "write panic"}[i/100%4]
			poison[i] = kind
			m.Header = nats.Header{"Poison": {kind, "again"}, "X-Bytes": {"\xff\xfe"}}
			m.Data = append(m.Data, 0, 0xff)
		}
		return m
	})
	o := rawNDJSON(dir)
	decoder := o.MessageDecoder
	o.MessageDecoder = func(m *nats.Msg) (*jetcapture.NatsMessage, string, error) {
		switch m.Header.Get("Poison") {
		case "decode error":
			return nil, "", errors.New("decode error")
		case "decode panic":
			panic("decode panic")
		}
		return decoder(m)
	}
	o.WriterFactory = func() format.Writer[*jetcapture.NatsMessage] {
		return &moodyWriter{Writer: format.NewRawNDJSON[*jetcapture.NatsMessage]()}
	}
	o.MaxMessages = 700
	core, logs := observer.New(zapcore.WarnLevel)
	o.Logger = zap.New(core)
	untilCaughtUp(t, s, o)
	if n := logs.FilterMessageSnippet("dead letters").Len(); n == 0 || n > len(poison)/2 {
		t.Errorf("%d lines of log for %d dead letters", n, len(poison))
	}

	rows, deadLetters := readRows(t, dir), readLetters(t, dir)
	if len(rows) != n-len(poison) || len(deadLetters) != len(poison) {
		t.Fatalf("%d rows and %d dead letters of %d messages, %d of them poison", len(rows), len(deadLetters), n, len(poison))
	}
	for _, l := range deadLetters {
		i := int(l.StreamSeq) - 1
		kind := poison[i]
		want := append(order(i).Data, 0, 0xff)
		if !strings.Contains(l.Reason, kind) || !bytes.Equal(l.Data, want) || l.Subject != order(i).Subject ||
			l.Stage != strings.Fields(kind)[0] || l.Stream != streamName || l.Timestamp.IsZero() {
			t.Errorf("dead letter %+v of a %s", l, kind)
		}
		var bytesOfHeader string
		for _, h := range l.HeaderBytes {
			if string(h[0]) == "X-Bytes" {
				bytesOfHeader = string(h[1])
			}
		}
		if bytesOfHeader != "\xff\xfe" {
			t.Errorf("the bytes of a header are lost: %+v", l)
		}
	}
	for _, name := range files(t, dir, "jsonl") {
		if !strings.Contains(name, "/_deadletter/date=") {
			t.Errorf("a dead-letter file at %s", name)
		}
	}
}

// A moodyWriter rejects or panics on poison.
type moodyWriter struct {
	format.Writer[*jetcapture.NatsMessage]
}

func (w *moodyWriter) Write(m *jetcapture.NatsMessage) (int, error) {
	if p := m.Header["Poison"]; len(p) > 0 {
		if p[0] == "write panic" {
			panic(p[0])
		}
		return 0, errors.New(p[0])
	}
	return w.Writer.Write(m)
}

// A writer that chokes on a payload only when it finishes the block, as one that encodes columns late may: the payload is
// found by trying the messages of the block one by one, and the others are stored.
func TestPayloadThatBreaksAWholeBlockIsFound(t *testing.T) {
	t.Run("in Flush", func(t *testing.T) { findsThePayload(t, false) })
	t.Run("in a later Write", func(t *testing.T) { findsThePayload(t, true) })
}

func findsThePayload(t *testing.T, inWrite bool) {
	t.Helper()
	const n = 1_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, order)
	o := rawNDJSON(dir)
	o.WriterFactory = func() format.Writer[*jetcapture.NatsMessage] {
		return &lateWriter{Writer: format.NewRawNDJSON[*jetcapture.NatsMessage](), inWrite: inWrite}
	}
	var abandoned atomic.Int64
	o.Observer.BlockAbandoned = func(jetcapture.Block, error) { abandoned.Add(1) }
	untilCaughtUp(t, s, o)
	deadLetters := readLetters(t, dir)
	if len(deadLetters) != 1 || deadLetters[0].StreamSeq != 501 || abandoned.Load() == 0 {
		t.Errorf("dead letters %+v, %d abandoned blocks", deadLetters, abandoned.Load())
	}
	rows := readRows(t, dir)
	if len(rows) != n-1 {
		t.Errorf("%d rows", len(rows))
	}
}

type lateWriter struct {
	format.Writer[*jetcapture.NatsMessage]
	broken, inWrite bool
}

func (w *lateWriter) Write(m *jetcapture.NatsMessage) (int, error) {
	if w.broken && w.inWrite {
		return 0, fmt.Errorf("%w: a column of unequal length", format.ErrBroken)
	}
	w.broken = w.broken || m.Metadata.Sequence.Stream == 501
	return w.Writer.Write(m)
}

func (w *lateWriter) Flush() error {
	if w.broken {
		panic("a column of unequal length")
	}
	return w.Writer.Flush()
}

// A message that becomes no row at all is acked, and a block without rows makes no file.
func TestMessagesWithoutRowsAreAckedWithoutAFile(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(100, order)
	o := rawNDJSON(dir)
	o.WriterFactory = func() format.Writer[*jetcapture.NatsMessage] {
		return jetcapture.NewCSVWriter(nil, func(*jetcapture.NatsMessage) ([][]string, error) { return nil, nil })
	}
	untilCaughtUp(t, s, o)
	if got := files(t, dir, ""); len(got) > 0 {
		t.Errorf("files without rows: %q", got)
	}
}

func TestSigkillAtRandomPointsLosesNothing(t *testing.T) {
	capturetest.WithoutRace(t)
	t.Parallel()
	n, captures := 100_000, 20
	if testing.Short() {
		n, captures = 40_000, 10
	}
	s, dir, temp := capturetest.Start(t), t.TempDir(), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = 2 * time.Second })
	var publishing sync.WaitGroup
	publishing.Go(func() { s.Publish(n, order) })
	kills := 0
	for range captures {
		child := startCapture(t, s.URL(), dir, temp)
		time.Sleep(100*time.Millisecond + rand.N(600*time.Millisecond))
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err != nil {
			kills++
		}
	}
	publishing.Wait()
	if err := startCapture(t, s.URL(), dir, temp).Wait(); err != nil { // the last one runs until it has caught up
		t.Fatalf("the last capture: %v", err)
	}
	if info := s.Info(streamName, consumerName); info.AckFloor.Stream != uint64(n) {
		t.Errorf("ack floor is %d", info.AckFloor.Stream)
	}
	rows := readRows(t, dir)
	t.Logf("%d kills, %d rows of %d messages", kills, len(rows), n)
	if kills < captures*3/4 {
		t.Errorf("only %d captures were killed", kills)
	}
	wantOrders(t, rows, n, false)
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("temporary files are left: %v", left)
	}
}
