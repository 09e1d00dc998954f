package jetcapture_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

// Somebody purges the ledger just after a claim, or just before its file is written: the block is stored all the same, once.
func TestAPurgeOfTheLedgerHoldsUpNoBlock(t *testing.T) {
	t.Parallel()
	const n, purges = 800, 20
	for name, state := range map[string]string{"after a claim": "claimed", "after a block was stored": "stored"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := capturetest.Start(t), t.TempDir()
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, nil)
			s.Publish(n, order)
			o := onceParquet(t, store.NewDir(dir)) // files that say what they have: a capture that stalls looks into them
			o.MaxMessages = 10
			nc := s.Connect()
			var purged atomic.Int64
			_, err := nc.Subscribe("JC_LEDGER.>", func(m *nats.Msg) {
				if m.Header.Get("Jc-State") != state || purged.Add(1) > purges {
					return
				}
				if _, err := nc.Request("$JS.API.STREAM.PURGE."+ledgerName, nil, 10*time.Second); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			untilCaughtUp(t, s, o)
			if purged.Load() < purges {
				t.Errorf("the ledger was purged %d times", purged.Load())
			}
			wantRows(t, dir, n)
		})
	}
}
