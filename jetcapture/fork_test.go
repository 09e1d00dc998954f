package jetcapture_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
)

const forkedLog = "the stream lost messages and used their sequences again"

// labelled is the i-th message of those that have a label, on one subject.
func labelled(label string) func(i int) *nats.Msg {
	return func(i int) *nats.Msg {
		return &nats.Msg{Subject: "orders.k", Data: fmt.Appendf(nil, "%s %d", label, i)}
	}
}

// wantLabelled fails unless the files have the first n messages of each label, each once.
func wantLabelled(t *testing.T, dir string, labels map[string]int) {
	t.Helper()
	got := map[string]int{}
	total := 0
	for _, r := range readRows(t, dir) {
		got[string(r.Data)]++
		total++
	}
	want := 0
	for label, n := range labels {
		want += n
		missing := 0
		for i := range n {
			if got[fmt.Sprintf("%s %d", label, i)] == 0 {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("of %d messages %q %d are in no file", n, label, missing)
		}
	}
	if total != want {
		t.Errorf("%d rows of %d messages", total, want)
	}
}

// forks are what an observer is told.
type forks struct {
	mu  sync.Mutex
	all []jetcapture.Fork
}

func (f *forks) add(fork jetcapture.Fork) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, fork)
}

// A stream is deleted and made again while the capture holds messages of the first.
func TestHeldMessagesOfAStreamThatIsMadeAgainStandForNoneOfTheNewOnes(t *testing.T) {
	const n, more = 200, 300
	s, dir := startServer(t), t.TempDir()
	core, logs := observer.New(zap.WarnLevel)
	o := rawNDJSON(dir)
	o.Logger = zap.New(core)
	var told forks
	var stored, notAcked atomic.Int64
	o.Observer.StreamForked = told.add
	o.Observer.BlockAcked = func(b jetcapture.Block, _ time.Duration) { stored.Add(int64(b.Messages)) }
	o.Observer.Sampled = func(s jetcapture.Stats) { notAcked.Store(int64(s.StoredNotAcked)) }
	stop := start(t, o.Build(), s.Connect())
	s.Publish(n, labelled("old"))
	eventually(t, "all are held", func() bool { return s.Info(streamName, consumerName).NumAckPending == n })
	if err := s.JetStream().DeleteStream(t.Context(), streamName); err != nil {
		t.Fatal(err)
	}
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	s.Publish(more, labelled("new"))
	eventually(t, "the new ones are held", func() bool { return s.Info(streamName, consumerName).NumAckPending == more })
	eventually(t, "the old ones are stored", func() bool { return stored.Load() >= n })
	if info := s.Info(streamName, consumerName); info.NumAckPending != more || info.AckFloor.Stream != 0 {
		t.Errorf("%d messages are not acknowledged, up to %d all are: none of the %d new ones is stored", info.NumAckPending, info.AckFloor.Stream, more)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	wantLabelled(t, dir, map[string]int{"old": n, "new": more})
	wantAllAcknowledged(t, s, more)
	if notAcked.Load() != n {
		t.Errorf("%d messages count as stored and not acknowledged, want %d", notAcked.Load(), n)
	}
	wantForkLogged(t, logs, 1, n)
	if len(told.all) != 1 || told.all[0].Seq != 1 || !told.all[0].New.After(told.all[0].Old) {
		t.Errorf("the observer is told of %+v", told.all)
	}
}

func wantForkLogged(t *testing.T, logs *observer.ObservedLogs, from, to uint64) {
	t.Helper()
	entries := logs.FilterMessage(forkedLog).All()
	if len(entries) != 1 {
		t.Fatalf("%d warnings of a fork, want one: %v", len(entries), entries)
	}
	if fields := entries[0].ContextMap(); fields["from"] != from || fields["to"] != to {
		t.Errorf("the warning says from %v to %v, want %d to %d", fields["from"], fields["to"], from, to)
	}
}

// A revertible is a nats-server whose data can be put back to what they were.
type revertible struct {
	t      *testing.T
	dir    string
	port   int
	server *server.Server
}

func startRevertible(t *testing.T) *revertible {
	t.Helper()
	r := &revertible{t: t, dir: filepath.Join(t.TempDir(), "data"), port: server.RANDOM_PORT}
	r.start()
	t.Cleanup(func() { r.stop() })
	if addr, ok := r.server.Addr().(*net.TCPAddr); ok {
		r.port = addr.Port
	}
	return r
}

func (r *revertible) start() {
	r.t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: r.port, JetStream: true, StoreDir: r.dir, NoSigs: true, NoLog: true})
	if err != nil {
		r.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		r.t.Fatal("nats-server is not ready")
	}
	r.server = s
}

func (r *revertible) stop() {
	r.server.Shutdown()
	r.server.WaitForShutdown()
}

// keep copies the data, while the server is down.
func (r *revertible) keep() {
	r.t.Helper()
	r.stop()
	if err := os.CopyFS(r.dir+".kept", os.DirFS(r.dir)); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

// revert puts the copy back.
func (r *revertible) revert() {
	r.t.Helper()
	r.stop()
	if err := os.RemoveAll(r.dir); err != nil {
		r.t.Fatal(err)
	}
	if err := os.CopyFS(r.dir, os.DirFS(r.dir+".kept")); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

func (r *revertible) connect() *nats.Conn {
	r.t.Helper()
	nc, err := nats.Connect(r.server.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(nc.Close)
	return nc
}

func (r *revertible) jetStream() jetstream.JetStream {
	r.t.Helper()
	js, err := jetstream.New(r.connect())
	if err != nil {
		r.t.Fatal(err)
	}
	return js
}

func (r *revertible) publish(n int, message func(i int) *nats.Msg) {
	r.t.Helper()
	js := r.jetStream()
	for i := range n {
		if _, err := js.PublishMsg(r.t.Context(), message(i)); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *revertible) info() *jetstream.ConsumerInfo {
	r.t.Helper()
	js := r.jetStream()
	defer js.Conn().Close()
	c, err := js.Consumer(r.t.Context(), streamName, consumerName)
	if err != nil {
		r.t.Fatal(err)
	}
	return c.CachedInfo()
}

// A server comes back without the last messages of a stream, which the capture holds.
func TestAStreamThatLostItsEndIsArchivedWithWhatItLost(t *testing.T) {
	const kept, lost, more = 60, 50, 90
	for name, quiet := range map[string]bool{"new messages come": false, "nothing comes": true} {
		t.Run(name, func(t *testing.T) {
			r, dir := startRevertible(t), t.TempDir()
			js := r.jetStream()
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}}); err != nil {
				t.Fatal(err)
			}
			if _, err := js.CreateConsumer(t.Context(), streamName, jetstream.ConsumerConfig{
				Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute, MaxAckPending: 100_000, MaxDeliver: -1,
			}); err != nil {
				t.Fatal(err)
			}
			core, logs := observer.New(zap.WarnLevel)
			o := rawNDJSON(dir)
			o.Logger = zap.New(core)
			var notAcked atomic.Int64
			o.Observer.Sampled = func(s jetcapture.Stats) { notAcked.Store(int64(s.StoredNotAcked)) }
			stop := start(t, o.Build(), r.connect())
			r.publish(kept, labelled("kept"))
			eventually(t, "the first are held", func() bool { return r.info().NumAckPending == kept })
			r.keep()
			r.publish(lost, labelled("lost"))
			eventually(t, "the others are held", func() bool { return r.info().NumAckPending == kept+lost })
			r.revert()
			end := uint64(kept)
			want := map[string]int{"kept": kept, "lost": lost}
			if !quiet {
				r.publish(more, labelled("new"))
				want["new"], end = more, kept+more
				eventually(t, "the new ones are delivered", func() bool { return r.info().Delivered.Stream == kept+more })
			}
			eventually(t, "the fork is noticed", func() bool { return logs.FilterMessage(forkedLog).Len() > 0 })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			wantLabelled(t, dir, want)
			if info := r.info(); info.AckFloor.Stream != end || info.NumAckPending != 0 {
				t.Errorf("the ack floor is %d of %d, %d are not acknowledged", info.AckFloor.Stream, end, info.NumAckPending)
			}
			if notAcked.Load() != lost {
				t.Errorf("%d messages count as stored and not acknowledged, want %d", notAcked.Load(), lost)
			}
			entries := logs.FilterMessage(forkedLog).All()
			if from := entries[0].ContextMap()["from"]; len(entries) != 1 || from != uint64(kept+1) {
				t.Errorf("%d warnings, the first says from %v, want one from %d", len(entries), from, kept+1)
			}
		})
	}
}

func TestAMessageThatSomebodyElseAcknowledgedIsStoredAllTheSame(t *testing.T) {
	const n, foreign = 100, 40
	s, dir := startServer(t), t.TempDir()
	core, logs := observer.New(zap.WarnLevel)
	o := rawNDJSON(dir)
	o.Logger = zap.New(core)
	var counted atomic.Int64
	o.Observer.Sampled = func(s jetcapture.Stats) { counted.Store(int64(s.AckedElsewhere)) }
	stop := start(t, o.Build(), s.Connect())
	s.Publish(n, labelled("a"))
	eventually(t, "all are held", func() bool { return s.Info(streamName, consumerName).NumAckPending == n })
	other := s.Connect()
	for seq := range foreign {
		if err := other.Publish(fmt.Sprintf("$JS.ACK.%s.%s.1.%d.%d.0.0", streamName, consumerName, seq+1, seq+1), []byte("+ACK")); err != nil {
			t.Fatal(err)
		}
	}
	const message = "messages that this capture holds were acknowledged by another client"
	eventually(t, "it is noticed", func() bool { return logs.FilterMessage(message).Len() > 0 })
	eventually(t, "it is counted", func() bool { return counted.Load() == foreign })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if fields := logs.FilterMessage(message).All()[0].ContextMap(); fields["from"] != uint64(1) {
		t.Errorf("the warning has %v", fields)
	}
	wantLabelled(t, dir, map[string]int{"a": n})
}

// What a stream's limits delete counts as acknowledged, and nobody has.
func TestMessagesThatTheStreamDeletesAreNotTakenForAcknowledged(t *testing.T) {
	const n = 100
	s, dir := startServer(t), t.TempDir()
	core, logs := observer.New(zap.WarnLevel)
	o := rawNDJSON(dir)
	o.Logger = zap.New(core)
	stop := start(t, o.Build(), s.Connect())
	s.Publish(n, labelled("a"))
	eventually(t, "all are held", func() bool { return s.Info(streamName, consumerName).NumAckPending == n })
	stream, err := s.JetStream().Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(41)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the ack floor has risen", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == 40 })
	other := s.Connect()
	for seq := 41; seq <= 45; seq++ {
		if err := other.Publish(fmt.Sprintf("$JS.ACK.%s.%s.1.%d.%d.0.0", streamName, consumerName, seq, seq), []byte("+ACK")); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "what somebody else acknowledged is noticed", func() bool { return logs.FilterMessageSnippet("another client").Len() > 0 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if fields := logs.FilterMessageSnippet("another client").All()[0].ContextMap(); fields["from"] != uint64(41) {
		t.Errorf("it warns of %v: those up to 40 were deleted", fields)
	}
	wantLabelled(t, dir, map[string]int{"a": n})
}

func TestFilesSayWhenTheirMessagesCame(t *testing.T) {
	s, dir := startServer(t), t.TempDir()
	s.Publish(10, labelled("a"))
	o := rawNDJSON(dir)
	store := &attributesOf{BlockStore: o.Store}
	o.Store = store
	untilCaughtUp(t, s, o)
	stream, err := s.JetStream().Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	for name, seq := range map[string]uint64{"first_time": 1, "last_time": 10} {
		msg, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := store.attributes[name], msg.Time.UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if lineage, ok := store.attributes["lineage"]; ok {
		t.Errorf("lineage is %q", lineage)
	}
}
