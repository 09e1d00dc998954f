package jetcapture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

const (
	troubledKeys  = 5
	troubledUser  = "capture"
	troubledBatch = 50 // messages at a time, of all keys

	foreignWarning = "the ledger has messages that are no entries: they are passed over"
)

// A trouble is something wrong with the ledger.
type trouble struct {
	name    string
	begin   func(w *troubled)
	end     func(w *troubled)
	warning string // that names it; "" for one that nobody needs to hear of
	goesOn  bool   // blocks are stored meanwhile
}

// While a ledger takes no entry there are no claims, and without a claim nothing may be stored.
var troubles = []trouble{
	{name: "it has all bytes that it may have", begin: func(w *troubled) { w.limit(-1, 1) }, end: func(w *troubled) { w.limit(-1, -1) }, warning: refusedWarning},
	{name: "it has all entries that it may have", begin: func(w *troubled) { w.limit(1, -1) }, end: func(w *troubled) { w.limit(-1, -1) }, warning: refusedWarning},
	{
		name:  "publishing to it is denied",
		begin: func(w *troubled) { w.server.Restrict(troubledUser, "JC_LEDGER.>") }, end: func(w *troubled) { w.server.Restrict(troubledUser) }, warning: refusedWarning,
	},
	{
		name:  "reading it is denied",
		begin: func(w *troubled) { w.server.Restrict(troubledUser, "$JS.API.CONSUMER.CREATE."+ledgerName+".>") }, end: func(w *troubled) { w.server.Restrict(troubledUser) },
		warning: "the ledger is not read, will retry",
	},
	{name: "it is purged", begin: func(w *troubled) { w.purge() }, goesOn: true},
	{name: "it has messages that are no entries", begin: func(w *troubled) { w.poison() }, warning: foreignWarning, goesOn: true},
}

// One trouble comes after the other while a folder cannot be written and messages come at a steady rate: the other folders get their
// files whenever the ledger takes entries, each trouble is in the log once in ten seconds, and in the end each message is in one file.
func TestTroublesWithTheLedgerAndAFolderHoldUpNoOtherFolder(t *testing.T) {
	t.Parallel()
	w := newTroubled(t)
	inTheWay := filepath.Join(w.dir, w.key(troubledKeys-1))
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stop := w.capture()
	w.storesTheOthers("before")
	for _, tr := range troubles {
		w.logs.TakeAll()
		begun := time.Now()
		tr.begin(w)
		w.publish()
		if tr.warning != "" {
			eventually(t, tr.name+", and the log says so", func() bool { return w.reported(tr.warning) > 0 })
		}
		if tr.goesOn {
			w.storesTheOthers(tr.name)
		}
		if tr.end != nil {
			tr.end(w)
		}
		w.storesTheOthers("after this: " + tr.name)
		if n, most := w.reported(tr.warning), 1+int(time.Since(begun)/(10*time.Second)); tr.warning != "" && n > most {
			t.Errorf("%s: the log says so %d times in %v", tr.name, n, time.Since(begun))
		}
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is acknowledged", func() bool { return w.server.Info(streamName, consumerName).AckFloor.Stream == uint64(w.published) })
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantRows(t, w.dir, w.published)
}

// troubled is a capture in trouble, and its surroundings.
type troubled struct {
	t         *testing.T
	server    *capturetest.Server
	dir       string
	logs      *observer.ObservedLogs
	published int

	mu    sync.Mutex
	acked map[string]int // messages of each key
}

func newTroubled(t *testing.T) *troubled {
	t.Helper()
	w := &troubled{t: t, server: capturetest.Start(t), dir: t.TempDir(), acked: map[string]int{}}
	w.server.Restrict(troubledUser)
	w.server.Stream(streamName, "orders.>")
	w.server.Consumer(streamName, consumerName, nil)
	return w
}

func (w *troubled) key(i int) string { return fmt.Sprintf("orders.k%d", i%troubledKeys) }

func (w *troubled) capture() (stop func() error) {
	w.t.Helper()
	core, logs := observer.New(zap.WarnLevel)
	w.logs = logs
	o := onceParquet(w.t, store.NewDir(w.dir))
	o.MessageDecoder = jetcapture.NatsToNats(jetcapture.SubjectToDestKey)
	o.Store = store.Blocks(store.NewDir(w.dir), func(key string) (string, error) { return key, nil })
	o.MaxMessages, o.MaxSealedBlocks, o.Logger = troubledBatch/troubledKeys, 10_000, zap.New(core)
	o.Observer.BlockAcked = func(b jetcapture.Block, _ time.Duration) {
		w.mu.Lock()
		defer w.mu.Unlock()
		key, _ := b.DestKey.(string)
		w.acked[key] += b.Messages
	}
	nc, err := nats.Connect(w.server.URL(), nats.UserInfo(troubledUser, troubledUser), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	return start(w.t, o.Build(), nc)
}

// publish adds as many messages to each key as make a block.
func (w *troubled) publish() {
	w.t.Helper()
	w.server.Publish(troubledBatch, func(i int) *nats.Msg {
		return &nats.Msg{Subject: w.key(i), Data: fmt.Appendf(nil, `{"order":%d}`, w.published+i)}
	})
	w.published += troubledBatch
}

// storesTheOthers publishes for a while, and waits until all is stored but what is of the folder that cannot be written.
func (w *troubled) storesTheOthers(when string) {
	w.t.Helper()
	for range 20 {
		w.publish()
		time.Sleep(50 * time.Millisecond)
	}
	eventually(w.t, when+": the other keys are stored and acknowledged", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for i := range troubledKeys - 1 {
			if w.acked[w.key(i)] < w.published/troubledKeys {
				return false
			}
		}
		return true
	})
}

// said returns how many lines of the log begin so.
func (w *troubled) reported(message string) (n int) {
	for _, line := range w.logs.All() {
		if strings.HasPrefix(line.Message, message) {
			n++
		}
	}
	return n
}

func (w *troubled) ledger() jetstream.Stream {
	w.t.Helper()
	stream, err := w.server.JetStream().Stream(w.t.Context(), ledgerName)
	if err != nil {
		w.t.Fatal(err)
	}
	return stream
}

// limit limits the ledger; -1 is no limit.
func (w *troubled) limit(entries, bytes int64) {
	w.t.Helper()
	config := w.ledger().CachedInfo().Config
	config.MaxMsgs, config.MaxBytes = entries, bytes
	if _, err := w.server.JetStream().UpdateStream(w.t.Context(), config); err != nil {
		w.t.Fatal(err)
	}
}

// purge purges the ledger while blocks are claimed and stored.
func (w *troubled) purge() {
	w.t.Helper()
	for range 10 {
		w.publish()
		if err := w.ledger().Purge(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// poison appends what is no entry.
func (w *troubled) poison() {
	w.t.Helper()
	subject := strings.TrimSuffix(w.ledger().CachedInfo().Config.Subjects[0], ">")
	for i := range 100 {
		if _, err := w.server.JetStream().Publish(w.t.Context(), fmt.Sprint(subject, "b.garbage", i), []byte("hello")); err != nil {
			w.t.Fatal(err)
		}
	}
}
