package jetcapture_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
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

// A file has the name of one key's folder: the other keys are stored, and this one as soon as the file is gone. What is tried of it at
// a time is more than StoreConcurrency.
func TestAFileInTheWayOfAFolderHoldsUpNoOtherKey(t *testing.T) {
	t.Parallel()
	const n = 800
	for name, c := range map[string]struct {
		delivery jetcapture.Delivery
		crash    bool // of a capture that has claimed blocks of the key
	}{
		"at least once":               {jetcapture.AtLeastOnce, false},
		"exactly once":                {jetcapture.ExactlyOnce, false},
		"exactly once, after a crash": {jetcapture.ExactlyOnce, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := capturetest.Start(t), t.TempDir()
			ackWait := time.Minute // so that what cannot be stored at first does not come again
			if c.crash {
				ackWait = 3 * time.Second
			}
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, func(config *jetstream.ConsumerConfig) { config.AckWait = ackWait })
			inTheWay := filepath.Join(dir, "orders.k3")
			if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			core, logs := observer.New(zap.WarnLevel)
			var published, stored atomic.Int64
			capture := func() (stop func() error) {
				o := rawNDJSON(dir)
				o.Store = store.Blocks(store.NewDir(dir), func(key string) (string, error) { return key, nil })
				o.Delivery, o.MaxMessages, o.DrainTimeout, o.Logger = c.delivery, 20, 10*time.Millisecond, zap.New(core)
				o.Observer.BlockStored = func(b jetcapture.Block, _ time.Duration) { stored.Add(int64(b.Messages)) }
				return start(t, o.Build(), s.Connect())
			}
			storesTheOthers := func() {
				t.Helper()
				s.Publish(n, func(i int) *nats.Msg { return order(int(published.Load()) + i) })
				published.Add(n)
				eventually(t, "the other keys are stored", func() bool { return stored.Load() >= published.Load()*7/8 })
			}
			stop := capture()
			storesTheOthers()
			if c.crash {
				_ = stop() // it gives up what it has claimed
				stop = capture()
				eventually(t, "the claims are to be settled", func() bool { return logs.FilterMessageSnippet("creating a tombstone failed").Len() > 0 })
				storesTheOthers()
			}
			if err := os.Remove(inTheWay); err != nil {
				t.Fatal(err)
			}
			eventually(t, "all is acknowledged", func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == uint64(published.Load()) })
			if err := stop(); err != nil {
				t.Error(err)
			}
			wantOrders(t, readRows(t, dir), int(published.Load()), true)
		})
	}
}
