package jetcapture_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/store"
)

const retentionOrders = 500

// briefly and atLength are options of two captures of one consumer, whose ledger either may purge by its own retention.
func briefly(bucket store.Bucket) *rawOptions {
	o := onceIn(bucket, inOneFolder)
	o.MaxAge, o.Grace = time.Second, time.Nanosecond
	o.LedgerRetention = o.LeastLedgerRetention()
	return o
}

func atLength(bucket store.Bucket) *rawOptions {
	o := onceIn(bucket, inOneFolder)
	o.MaxAge, o.LedgerRetention, o.MaxInFlight = time.Hour, 8*time.Hour, 4*retentionOrders
	return o
}

// A block may be as old as half of the retention of the capture that has it. A capture with a long one holds messages and hears
// nothing for a while. Another one gets them when AckWait is over, archives them, and has by its own options no need to remember
// that.
func TestRetentionIsTheSameForAllCapturesOfALedger(t *testing.T) {
	t.Parallel()
	for name, makes := range map[string]func(store.Bucket) *rawOptions{
		"a capture with the long one made the ledger":  atLength,
		"a capture with the short one made the ledger": briefly,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := startDisk(t, nil), t.TempDir()
			s.orders(time.Second)
			if err := catchUp(t, s.connect(), makes(store.NewDir(dir))); err != nil {
				t.Fatal(err)
			}
			s.publish(retentionOrders, 0)
			dialer := new(gatedDialer)
			nc := s.connect(nats.SetCustomDialer(dialer))
			stop := start(t, atLength(store.NewDir(dir)).Build(), nc)
			eventually(t, "the one capture holds all messages", func() bool { return s.info().NumAckPending == retentionOrders })
			dialer.shut()

			s.archiveAndForget(dir)
			dialer.open()
			eventually(t, "the one capture is back", nc.IsConnected)
			if err := stop(); err != nil {
				t.Errorf("the one capture: %v", err)
			}
			wantRows(t, dir, retentionOrders)
		})
	}
}

// A tombstone under the name of a block is removed with the claim. Until then the block may still come.
func TestTombstonesStayForTheRetentionOfTheCaptureWhoseBlocksTheyStandFor(t *testing.T) {
	t.Parallel()
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(time.Second)
	s.publish(retentionOrders, 0)
	gate := newGatedBucket(t, store.NewDir(dir))
	o := atLength(gate)
	o.MaxMessages, o.StoreConcurrency, o.MaxInFlight = retentionOrders/5, 10, retentionOrders
	stop := start(t, o.Build(), s.connect())
	eventually(t, "the one capture stores", func() bool { return gate.waiting.Load() == 5 })

	s.archiveAndForget(dir)
	gate.open()
	if err := stop(); err != nil {
		t.Errorf("the one capture: %v", err)
	}
	wantRows(t, dir, retentionOrders)
}

// archiveAndForget runs a capture with a short retention until it has archived all, and has had the time to forget that.
func (s *diskServer) archiveAndForget(dir string) {
	s.t.Helper()
	const looks = 16 * time.Second // at claims to forget: it does so every 5 s, and a claim goes at the second look
	stop := start(s.t, briefly(store.NewDir(dir)).Build(), s.connect())
	eventually(s.t, "the other capture archives all", func() bool { return s.info().AckFloor.Stream == retentionOrders })
	s.t.Logf("the other capture has forgotten all: %v", within(looks, func() bool { return s.claimsLeft() == 0 }))
	if err := stop(); err != nil {
		s.t.Errorf("the other capture: %v", err)
	}
}

// claimsLeft returns the number of claims in the ledger.
func (s *diskServer) claimsLeft() (claims int) {
	s.t.Helper()
	js := s.jetStream()
	defer js.Conn().Close()
	stream, err := js.Stream(s.t.Context(), ledgerName)
	if err != nil {
		s.t.Fatal(err)
	}
	state := stream.CachedInfo().State
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		if msg, err := stream.GetMsg(s.t.Context(), seq); err == nil && msg.Header.Get("Jc-State") == "claimed" {
			claims++
		}
	}
	return claims
}
