package jetcapture_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/store"
)

// What these tests take back is what a server that syncs every two minutes loses in a power cut: the last entries of the
// ledger, and the acks of the consumer. The files are there.

// A capture runs on while the server loses the last entries of its ledger. Later entries get sequences that it has read before.
func TestRunningCaptureArchivesEachMessageOnceThoughTheLedgerLostItsTail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ acksToo bool }{
		"the ledger's tail":              {false},
		"the ledger's tail and the acks": {true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 1_000
			s, dir := startDisk(t, nil), t.TempDir()
			s.orders(time.Second)
			o := onceParquet(t, store.NewDir(dir))
			o.MaxMessages, o.DrainTimeout = 100, 5*time.Second
			stop := start(t, o.Build(), s.connect())
			archived := func(upTo int) func() bool {
				return func() bool { return s.info().AckFloor.Stream == uint64(upTo) }
			}
			s.publish(n, 0)
			eventually(t, "the first thousand is archived", archived(n))
			folders := []string{s.ledgerFolder()}
			if c.acksToo {
				folders = append(folders, s.consumerFolder())
			}
			putBack := s.keep(folders...)
			s.publish(n, n)
			eventually(t, "the second thousand is archived", archived(2*n))
			putBack(nil)
			s.publish(n, 2*n)
			if !within(time.Minute, archived(3*n)) {
				t.Errorf("the capture stands still: the ack floor is %d of %d", s.info().AckFloor.Stream, 3*n)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			wantRows(t, dir, 3*n)
		})
	}
}

// lostTail archives n messages, n more, and takes back what the server had of the latter but the messages: entries of the
// ledger, and acks. It returns the number of all.
func lostTail(t *testing.T, s *diskServer, options func() *rawOptions) int {
	t.Helper()
	const n = 1_000
	s.orders(time.Second)
	s.publish(n, 0)
	if err := catchUp(t, s.connect(), options()); err != nil {
		t.Fatal(err)
	}
	putBack := s.keep(s.ledgerFolder(), s.consumerFolder())
	s.publish(n, n)
	if err := catchUp(t, s.connect(), options()); err != nil {
		t.Fatal(err)
	}
	putBack(nil)
	if floor := s.info().AckFloor.Stream; floor != n {
		t.Fatalf("the ack floor is %d, not back at %d: this test shows nothing", floor, n)
	}
	return 2 * n
}

// The files say themselves which messages they hold.
func TestRestartedCaptureTakesOverWhatFilesProveThoughTheLedgerLostItsTail(t *testing.T) {
	t.Parallel()
	s, dir := startDisk(t, nil), t.TempDir()
	options := func() *rawOptions {
		o := onceParquet(t, store.NewDir(dir))
		o.MaxMessages = 100
		return o
	}
	n := lostTail(t, s, options)
	if err := catchUp(t, s.connect(), options()); err != nil {
		t.Errorf("Run = %v", err)
	}
	if floor := s.info().AckFloor.Stream; floor != uint64(n) {
		t.Errorf("the ack floor is %d of %d", floor, n)
	}
	wantRows(t, dir, n)
}

// Files that do not say which messages they hold prove nothing: the capture does not begin, as it would archive them again.
func TestRestartedCaptureRefusesWhatFilesDoNotProveAfterTheLedgerLostItsTail(t *testing.T) {
	t.Parallel()
	s, dir := startDisk(t, nil), t.TempDir()
	options := func() *rawOptions {
		o := onceIn(store.NewDir(dir), inOneFolder)
		o.MaxMessages = 100
		return o
	}
	n := lostTail(t, s, options)
	err := catchUp(t, s.connect(), options())
	wantLost(t, err)
	wantRows(t, dir, n)
}

// wantLost fails unless err says that the ledger has lost entries, and which ledger.
func wantLost(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, errTooLate) {
		t.Errorf("Run = %v, want an error at the start", err)
		return
	}
	for _, word := range []string{"ledger", "lost", ledgerName} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
}

// The log has lost its tail and has grown again, beyond what a capture has read, before that capture looks: no sequence tells
// it, but the entries are others. They are of a capture that stored files and died before it could say so.
func TestCaptureNoticesThatTheLedgerLostItsTailAndGrewAgain(t *testing.T) {
	t.Parallel()
	const n = 1_000
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(time.Second)
	o := onceParquet(t, store.NewDir(dir))
	o.DrainTimeout = 5 * time.Second
	o.MaxMessages = n                              // so that the ledger gets few entries
	o.MaxAge, o.Grace = 5*time.Second, time.Second // some of what comes again may be met before the log was read again
	dialer := new(gatedDialer)
	stop := start(t, o.Build(), s.connect(nats.SetCustomDialer(dialer)))
	s.publish(n, 0)
	eventually(t, "the first thousand is archived", func() bool { return s.info().AckFloor.Stream == n })
	putBack := s.keep(s.ledgerFolder())
	s.publish(n, n)
	eventually(t, "the second thousand is archived", func() bool { return s.info().AckFloor.Stream == 2*n })
	was := s.ledgerEntries()
	putBack(dialer.shut)

	s.publish(n, 2*n)
	gate := newGatedBucket(t, store.NewDir(dir))
	gate.after = true
	other := onceParquet(t, gate)
	other.MaxMessages, other.StoreConcurrency, other.DrainTimeout = 100, 10, time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	nc := s.connect()
	go func() { ended <- other.Build().Run(ctx, nc) }()
	if !within(time.Minute, func() bool { return gate.waiting.Load() == 10 }) {
		t.Errorf("the other capture has stored %d files of 10", gate.waiting.Load())
	}
	if now := s.ledgerEntries(); now <= was {
		t.Fatalf("the ledger ends at entry %d, not above %d: this test shows nothing", now, was)
	}
	nc.Close()
	cancel()
	gate.open()
	if err := <-ended; err == nil {
		t.Error("the other capture ended well: this test shows nothing")
	}

	dialer.open()
	if !within(time.Minute, func() bool { return s.info().AckFloor.Stream == 3*n }) {
		t.Errorf("the capture stands still: the ack floor is %d of %d", s.info().AckFloor.Stream, 3*n)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantRows(t, dir, 3*n)
}

// A capture has claimed blocks and stores them, which takes long, when the ledger loses these claims. The capture appends them
// again, so that another one, which gets the messages, knows of them.
func TestClaimsThatTheLedgerLostAreAppendedAgainBeforeOthersGetTheirMessages(t *testing.T) {
	t.Parallel()
	const n = 1_000
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(3 * time.Second)
	s.publish(n, 0)
	if err := catchUp(t, s.connect(), onceParquet(t, store.NewDir(dir))); err != nil {
		t.Fatal(err)
	}
	putBack := s.keep(s.ledgerFolder())
	s.publish(n, n)
	gate := newGatedBucket(t, store.NewDir(dir))
	o := onceParquet(t, gate)
	o.MaxMessages, o.StoreConcurrency, o.MaxInFlight, o.DrainTimeout = n/10, 20, n, 5*time.Second
	stop := start(t, o.Build(), s.connect())
	eventually(t, "the capture stores", func() bool { return gate.waiting.Load() == 10 })
	putBack(nil)
	if err := catchUp(t, s.connect(), onceParquet(t, store.NewDir(dir))); err != nil {
		t.Errorf("the other capture: %v", err)
	}
	gate.open()
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantRows(t, dir, 2*n)
}

// ledgerEntries returns the sequence of the ledger's last entry.
func (s *diskServer) ledgerEntries() uint64 {
	s.t.Helper()
	l, err := s.jetStream().Stream(s.t.Context(), ledgerName)
	if err != nil {
		s.t.Fatal(err)
	}
	return l.CachedInfo().State.LastSeq
}
