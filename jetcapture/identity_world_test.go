package jetcapture_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const (
	forkAckWait   = 2 * time.Second
	forkPatience  = 30 * time.Second                      // for what never comes if messages are taken for others
	lostWarning   = "the stream lost messages"            // even before it uses their sequences again
	aheadWarning  = "the consumer is ahead of its stream" // as a capture says that did not see what was lost
	reusedWarning = lostWarning + " and used their sequences again"
)

// A forkKind is a way in which a stream gives sequences to other messages a second time.
type forkKind struct {
	name     string
	storage  jetstream.StorageType
	servers  int // default 1
	replicas int // of the stream; default 1

	kept    int              // messages that the stream has before and after
	prepare func(*forkWorld) // nil, or what is done when the stream has the messages that it keeps
	fork    func(*forkWorld) // the stream loses what came later
}

var forkKinds = struct{ lostTail, oldBackup, clusterTail, memoryNode, memoryServer, madeAgain forkKind }{
	lostTail: forkKind{
		name: "a file stream loses its tail", kept: 2_000, prepare: (*forkWorld).backUp,
		fork: func(w *forkWorld) {
			w.stop()
			w.backups[0].PutBackStream(streamName)
			w.restart()
		},
	},
	oldBackup: forkKind{
		name: "an older backup of the messages is put back", kept: 2_000, prepare: (*forkWorld).backUp, fork: (*forkWorld).putBackMessages,
	},
	clusterTail: forkKind{
		name: "a replicated stream loses its tail", servers: 3, replicas: 3, kept: 2_000, prepare: (*forkWorld).backUp,
		fork: (*forkWorld).putBackMessages,
	},
	memoryNode: forkKind{
		name: "the node of a memory stream restarts", servers: 3, storage: jetstream.MemoryStorage, fork: (*forkWorld).restart,
	},
	memoryServer: forkKind{
		name: "the server of a memory stream restarts and the stream is made again", storage: jetstream.MemoryStorage,
		fork: func(w *forkWorld) {
			w.homes[0].Restart()
			w.js = w.server.JetStream() // of a new connection, which need not be restored first
			w.makeStream()
		},
	},
	madeAgain: forkKind{
		name: "a file stream is deleted and made again",
		fork: func(w *forkWorld) {
			if err := w.js.DeleteStream(w.t.Context(), streamName); err != nil {
				w.t.Fatal(err)
			}
			w.makeStream()
		},
	},
}

// A forkMode is how captures of a test deliver.
type forkMode struct {
	name     string
	delivery jetcapture.Delivery
	policy   jetstream.AckPolicy
}

var (
	atLeastOnce = forkMode{"at least once", jetcapture.AtLeastOnce, jetstream.AckExplicitPolicy}
	exactlyOnce = forkMode{"exactly once", jetcapture.ExactlyOnce, jetstream.AckExplicitPolicy}
	ackAll      = forkMode{"exactly once with AckAll", jetcapture.ExactlyOnce, jetstream.AckAllPolicy}
)

// A forkWorld is a server with a stream, and all that was ever published to it.
type forkWorld struct {
	t    *testing.T
	kind forkKind
	mode forkMode
	dir  string

	server  *capturetest.Server   // of the clients
	homes   []*capturetest.Server // of the stream
	group   string                // Raft group of the stream, if it has several homes
	js      jetstream.JetStream
	backups []*capturetest.Backup // of each home
	logs    *observer.ObservedLogs
	logger  *zap.Logger

	published map[string]struct{} // their data
	last      uint64              // sequence of the stream
}

// newForkWorld lets the test run beside other ones.
func newForkWorld(t *testing.T, kind forkKind, mode forkMode) *forkWorld {
	t.Helper()
	if testing.Short() || mode != exactlyOnce || kind.servers > 0 {
		capturetest.WithoutRace(t)
	}
	t.Parallel()
	w := &forkWorld{t: t, kind: kind, mode: mode, dir: t.TempDir(), published: make(map[string]struct{})}
	core, logs := observer.New(zapcore.WarnLevel)
	w.logs, w.logger = logs, zap.New(core)
	if kind.servers == 0 {
		w.server = capturetest.Start(t)
		w.homes, w.js = []*capturetest.Server{w.server}, w.server.JetStream()
		w.makeStream()
		return w
	}
	servers := capturetest.StartCluster(t, kind.servers)
	w.server, w.js = servers[0], servers[0].JetStream()
	cluster := w.makeStream().CachedInfo().Cluster
	if kind.replicas > 0 {
		w.homes, w.group = servers, cluster.RaftGroup
		return w
	}
	for i, s := range servers {
		if s.Name() == cluster.Leader {
			w.homes, w.server = []*capturetest.Server{s}, servers[(i+1)%len(servers)]
			w.js = w.server.JetStream()
		}
	}
	return w
}

func (w *forkWorld) stop() {
	for _, s := range w.homes {
		s.Stop()
	}
}

// restart starts all homes of the stream again, of which a capture has made the ledger before.
func (w *forkWorld) restart() {
	w.t.Helper()
	w.stop()
	for _, s := range w.homes {
		s.Restart()
	}
	w.until("the consumer and the ledger have leaders again", func() bool {
		return w.info().Config.Durable != "" && (w.mode.delivery != jetcapture.ExactlyOnce || w.hasLedger())
	})
}

func (w *forkWorld) hasLedger() bool {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	_, err := w.js.Stream(ctx, "JC_"+streamName+"_"+consumerName)
	return err == nil
}

func (w *forkWorld) backUp() {
	w.stop()
	for _, s := range w.homes {
		w.backups = append(w.backups, s.Backup())
	}
	w.restart()
}

func (w *forkWorld) putBackMessages() {
	w.stop()
	for _, b := range w.backups {
		b.PutBackMessages(streamName, w.group)
	}
	w.restart()
}

// makeStream makes the stream and its consumer, as the application does that finds none.
func (w *forkWorld) makeStream() jetstream.Stream {
	w.t.Helper()
	config := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{"orders.>"}, Storage: w.kind.storage, Replicas: max(1, w.kind.replicas),
	}
	s, err := w.js.CreateStream(w.t.Context(), config)
	for deadline := time.Now().Add(forkPatience); err != nil && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		s, err = w.js.CreateStream(w.t.Context(), config) // a busy cluster loses a request now and then, and a server may not have removed the old one yet
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.server.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) {
		c.AckPolicy, c.AckWait = w.mode.policy, forkAckWait
	})
	return s
}

// publish stores n messages that differ from all before, on as many subjects as orders have.
func (w *forkWorld) publish(what string, n int) {
	w.t.Helper()
	first := len(w.published)
	w.server.Publish(n, func(i int) *nats.Msg {
		m := order(i)
		m.Subject = "orders." + what + m.Subject[len("orders."):]
		m.Data = fmt.Appendf(nil, `{"message":%d}`, first+i)
		w.published[string(m.Data)] = struct{}{}
		return m
	})
	w.last += uint64(n)
}

// options are those of a capture that seals its blocks when the test has published enough for them, or not before it stops.
func (w *forkWorld) options(seals bool) *rawOptions {
	o := rawNDJSON(w.dir)
	o.Delivery, o.Logger, o.MaxAge = w.mode.delivery, w.logger, time.Hour
	if seals {
		o.MaxMessages = 125 // of each of 8 subjects: all of a multiple of 1,000 messages
	}
	return o
}

func (w *forkWorld) start(o *rawOptions) (stop func() error) {
	w.t.Helper()
	return start(w.t, o.Build(), w.server.Connect())
}

// catchUp runs a capture of its own until nothing is left.
func (w *forkWorld) catchUp() {
	w.t.Helper()
	o := w.options(true)
	o.UntilCaughtUp = true
	ctx, cancel := context.WithTimeout(w.t.Context(), forkPatience)
	defer cancel()
	if err := o.Build().Run(ctx, w.server.Connect()); err != nil || ctx.Err() != nil {
		w.t.Errorf("the last capture does not catch up: %v, %v, consumer %+v", err, ctx.Err(), w.info())
	}
}

// info describes the consumer, or is zero while no server knows it.
func (w *forkWorld) info() jetstream.ConsumerInfo {
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
	defer cancel()
	c, err := w.js.Consumer(ctx, streamName, consumerName)
	if err != nil {
		return jetstream.ConsumerInfo{}
	}
	return *c.CachedInfo()
}

func (w *forkWorld) delivered() bool {
	info := w.info()
	return info.Delivered.Stream == w.last && info.NumPending == 0
}

func (w *forkWorld) acked() bool {
	info := w.info()
	return w.delivered() && info.AckFloor.Stream == w.last && info.NumAckPending == 0
}

// until waits for ok. It is no reason to end the test if that never is, since then what was archived says more.
func (w *forkWorld) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(forkPatience)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Errorf("after %v still not: %s; consumer %+v", forkPatience, what, w.info())
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// wantAll fails unless each message that was published is in a file, and with ExactlyOnce in one row.
func (w *forkWorld) wantAll() {
	w.t.Helper()
	rows := make(map[string]int)
	n := 0
	for _, r := range readRows(w.t, w.dir) {
		rows[string(r.Data)]++
		n++
	}
	missing := 0
	for data := range w.published {
		if rows[data] == 0 {
			missing++
		}
	}
	if missing > 0 {
		w.t.Errorf("%d of %d messages are in no file", missing, len(w.published))
	}
	if strange := len(rows) + missing - len(w.published); strange != 0 {
		w.t.Errorf("%d messages in files were never published", strange)
	}
	if w.mode.delivery == jetcapture.ExactlyOnce && n > len(rows) {
		w.t.Errorf("%d rows of %d messages", n, len(rows))
	}
}

// wantWarning fails unless the log says which sequences were used again.
func (w *forkWorld) wantWarning() {
	w.t.Helper()
	for _, entry := range w.logs.FilterLevelExact(zapcore.WarnLevel).FilterMessage(reusedWarning).All() {
		fields := entry.ContextMap()
		from, isFrom := fields["from"].(uint64)
		to, isTo := fields["to"].(uint64)
		if isFrom && isTo && uint64(w.kind.kept) < from && from <= to && to <= w.last {
			return
		}
		w.t.Errorf("the warning has the fields %v: want from and to of type uint64, within %d to %d", fields, w.kind.kept+1, w.last)
	}
	var reported []string
	for _, entry := range w.logs.FilterLevelExact(zapcore.WarnLevel).All() {
		reported = append(reported, entry.Message)
	}
	slices.Sort(reported)
	w.t.Errorf("no warning %q in the log; the others: %q", reusedWarning, slices.Compact(reported))
}
