package jetcapture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// What the tests of the ledger's identity share: whose ledger it is, which store it describes, whether its log went back,
// and which format its entries have.

// A diskServer is a nats-server whose data can be copied and put back while it is down, as after a power cut.
type diskServer struct {
	t       *testing.T
	options *server.Options
	server  *server.Server
}

// startDisk runs a server until the test ends. change may be nil.
func startDisk(t *testing.T, change func(*server.Options)) *diskServer {
	t.Helper()
	s := &diskServer{t: t, options: &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}}
	if change != nil {
		change(s.options)
	}
	t.Cleanup(s.stop)
	s.start()
	if addr, ok := s.server.Addr().(*net.TCPAddr); ok {
		s.options.Port = addr.Port
	}
	return s
}

func (s *diskServer) start() {
	s.t.Helper()
	started, err := server.NewServer(s.options.Clone())
	if err != nil {
		s.t.Fatal(err)
	}
	s.server = started
	started.Start()
	if !started.ReadyForConnections(20 * time.Second) {
		s.t.Fatal("nats-server is not ready")
	}
}

func (s *diskServer) stop() {
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
		s.server = nil
	}
}

// orders makes the stream and consumer of these tests.
func (s *diskServer) orders(ackWait time.Duration) {
	s.t.Helper()
	js := s.jetStream()
	if _, err := js.CreateStream(s.t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := js.CreateConsumer(s.t.Context(), streamName, testConsumer(ackWait)); err != nil {
		s.t.Fatal(err)
	}
}

func testConsumer(ackWait time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxAckPending: 1_000_000, MaxDeliver: -1,
	}
}

func (s *diskServer) connect(options ...nats.Option) *nats.Conn {
	s.t.Helper()
	options = append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond)}, options...)
	nc, err := nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", s.options.Port), options...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// jetStream returns a client of the server's own domain.
func (s *diskServer) jetStream() jetstream.JetStream {
	s.t.Helper()
	nc := s.connect()
	js, err := jetstream.New(nc)
	if s.options.JetStreamDomain != "" {
		js, err = jetstream.NewWithDomain(nc, s.options.JetStreamDomain)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

// publish stores n more orders, the first of them order(from).
func (s *diskServer) publish(n, from int) {
	s.t.Helper()
	js := s.jetStream()
	for i := range n {
		if _, err := js.PublishMsgAsync(order(from+i), jetstream.WithStallWait(20*time.Second)); err != nil {
			s.t.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(20 * time.Second):
		s.t.Fatal("publishing is not confirmed")
	}
}

// info describes the consumer of these tests, nil as long as the server does not answer.
func (s *diskServer) info() *jetstream.ConsumerInfo {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 10*time.Second)
	defer cancel()
	js := s.jetStream()
	defer js.Conn().Close()
	c, err := js.Consumer(ctx, streamName, consumerName)
	if err != nil {
		s.t.Logf("look up the consumer: %v", err)
		return &jetstream.ConsumerInfo{}
	}
	return c.CachedInfo()
}

// ledgerFolder and consumerFolder are what a power cut may take back independently of each other.
func (s *diskServer) ledgerFolder() string { return s.streamFolder(ledgerName) }

func (s *diskServer) consumerFolder() string {
	return filepath.Join(s.streamFolder(streamName), "obs", consumerName)
}

func (s *diskServer) streamFolder(stream string) string {
	return filepath.Join(s.options.StoreDir, server.JetStreamStoreDir, "$G", "streams", stream)
}

// keep stops the server, copies folders of its data, and starts it. The function that it returns puts them back in the same
// way; whileDown, if not nil, is called before the server starts.
func (s *diskServer) keep(folders ...string) (putBack func(whileDown func())) {
	s.t.Helper()
	s.stop()
	kept := s.t.TempDir()
	for i, folder := range folders {
		s.copyFolder(filepath.Join(kept, fmt.Sprint(i)), folder)
	}
	s.start()
	return func(whileDown func()) {
		s.t.Helper()
		s.stop()
		for i, folder := range folders {
			if err := os.RemoveAll(folder); err != nil {
				s.t.Fatal(err)
			}
			s.copyFolder(folder, filepath.Join(kept, fmt.Sprint(i)))
		}
		if whileDown != nil {
			whileDown()
		}
		s.start()
	}
}

func (s *diskServer) copyFolder(to, from string) {
	s.t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		s.t.Fatal(err)
	}
}

// A gatedBucket waits at its gate before it stores a file, as a process that is stopped there does. What the capture keeps
// beside the data is not held up.
type gatedBucket struct {
	store.Bucket
	gate    chan struct{} // closed to open it
	waiting atomic.Int64
	after   bool // the file is stored at once, and the answer waits
	once    sync.Once
}

func newGatedBucket(t *testing.T, bucket store.Bucket) *gatedBucket {
	t.Helper()
	g := &gatedBucket{Bucket: bucket, gate: make(chan struct{})}
	t.Cleanup(g.open)
	return g
}

func (g *gatedBucket) open() { g.once.Do(func() { close(g.gate) }) }

func (g *gatedBucket) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	if strings.HasPrefix(name, "_jetcapture/") {
		return g.Bucket.Create(ctx, name, content, attrs)
	}
	if g.after {
		object, err := g.Bucket.Create(ctx, name, content, attrs)
		g.waiting.Add(1)
		<-g.gate
		if err == nil {
			err = errors.New("the answer was lost")
		}
		return object, err
	}
	g.waiting.Add(1)
	<-g.gate
	return g.Bucket.Create(context.WithoutCancel(ctx), name, content, attrs) // as a request lands that is on its way
}

// A gatedDialer keeps a client away from the server while it is shut, as a process that is stopped, or a network that is down.
type gatedDialer struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

// Dial makes it a nats.CustomDialer.
func (d *gatedDialer) Dial(network, address string) (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, errors.New("the network is down")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(context.Background(), network, address) // a nats.CustomDialer has no context
	if err != nil {
		return nil, err
	}
	d.conns = append(d.conns, conn)
	return conn, nil
}

func (d *gatedDialer) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, conn := range d.conns {
		_ = conn.Close()
	}
	d.conns = nil
}

func (d *gatedDialer) open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = false
}

// inOneFolder is a destination key for all messages.
func inOneFolder(*nats.Msg) string { return "all" }

// onceIn are options of an exactly-once archive of NDJSON files in a bucket, under the folder of the destination key.
func onceIn(bucket store.Bucket, destKey func(*nats.Msg) string) *rawOptions {
	o := onceNDJSON("")
	o.Store = store.Blocks[string](bucket, nil)
	o.MessageDecoder = jetcapture.NatsToNats(destKey)
	return o
}

// onceParquet are options of an exactly-once archive whose files name the sequence of each row.
func onceParquet(t *testing.T, bucket store.Bucket) *rawOptions {
	t.Helper()
	o := onceIn(bucket, inOneFolder)
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o.WriterFactory, o.Suffix = writers, "parquet"
	return o
}

// logged lets a capture log into a buffer, from warnings on.
func logged(o *rawOptions) *observer.ObservedLogs {
	core, logs := observer.New(zapcore.WarnLevel)
	o.Logger = zap.New(core)
	return logs
}

// texts returns each entry with its fields in one line.
func texts(logs *observer.ObservedLogs) (lines []string) {
	for _, e := range logs.All() {
		lines = append(lines, fmt.Sprint(e.Message, " ", e.ContextMap()))
	}
	return lines
}

// errTooLate is the error of a capture that has not caught up in time.
var errTooLate = errors.New("the capture has not caught up in time")

// catchUp runs a capture until it has everything.
func catchUp(t *testing.T, nc *nats.Conn, o *rawOptions) error {
	t.Helper()
	o.UntilCaughtUp, o.DrainTimeout = true, time.Second
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	err := o.Build().Run(ctx, nc)
	if ctx.Err() != nil {
		return errors.Join(errTooLate, err)
	}
	return err
}

// within waits until ok is true, and reports whether it became true in time.
func within(d time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(d); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// wantRows fails unless the sequences 1 to n are in files under dir, each once. Files may be NDJSON or Parquet.
func wantRows(t *testing.T, dir string, n int) {
	t.Helper()
	seen := map[uint64]int{}
	for _, r := range readRows(t, dir) {
		seen[r.StreamSeq]++
	}
	if len(files(t, dir, ".parquet")) > 0 {
		formattest.DuckDB(t).Each("select stream_seq from read_parquet("+formattest.Quote(filepath.Join(dir, "**", "*.parquet"))+", hive_partitioning = false)", func(row []any) {
			seq, _ := row[0].(int64)
			seen[uint64(seq)]++
		})
	}
	missing, twice, other := 0, 0, len(seen)
	for seq := range uint64(n) {
		switch seen[seq+1] {
		case 0:
			missing++
			continue
		case 1:
		default:
			twice++
		}
		other--
	}
	if missing+twice+other > 0 {
		t.Errorf("of %d messages %d are in no file and %d in several; %d others are in files", n, missing, twice, other)
	}
}
