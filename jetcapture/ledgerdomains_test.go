package jetcapture_test

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/store"
)

const anotherClient = "messages that this capture holds were acknowledged by another client"

// startDomains runs a hub and a leaf node, each with a JetStream domain of its own in the one account that both have. The
// stream is on the leaf, and the hub has a mirror of the same name.
func startDomains(t *testing.T, n int) (hub, leaf *diskServer) {
	t.Helper()
	var port int
	hub = startDisk(t, func(o *server.Options) {
		var config net.ListenConfig
		l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if addr, ok := l.Addr().(*net.TCPAddr); ok {
			port = addr.Port
		}
		_ = l.Close()
		o.ServerName, o.JetStreamDomain = "hub", "hub"
		o.LeafNode = server.LeafNodeOpts{Host: "127.0.0.1", Port: port}
	})
	leaf = startDisk(t, func(o *server.Options) {
		o.ServerName, o.JetStreamDomain = "leaf", "leaf"
		o.LeafNode = server.LeafNodeOpts{
			ReconnectInterval: 50 * time.Millisecond,
			Remotes:           []*server.RemoteLeafOpts{{URLs: []*url.URL{{Scheme: "nats", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}}}},
		}
	})
	eventually(t, "the leaf node is connected", func() bool { return hub.server.NumLeafNodes() == 1 })
	config := jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}}
	if _, err := leaf.jetStream().CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	leaf.publish(n, 0)
	mirror := jetstream.StreamConfig{Name: streamName, Mirror: &jetstream.StreamSource{Name: streamName, Domain: "leaf"}}
	stream, err := hub.jetStream().CreateStream(t.Context(), mirror)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mirror has all", func() bool {
		info, err := stream.Info(t.Context())
		return err == nil && info.State.LastSeq == uint64(n)
	})
	return hub, leaf
}

func (s *diskServer) makeConsumer(name string, ackWait time.Duration) {
	s.t.Helper()
	config := testConsumer(ackWait)
	config.Durable = name
	if _, err := s.jetStream().CreateConsumer(s.t.Context(), streamName, config); err != nil {
		s.t.Fatal(err)
	}
}

func onceInDomain(s *diskServer, dir, consumer string) *rawOptions {
	o := onceNDJSON(dir)
	o.JetStreamDomain, o.NATSConsumerName = s.options.JetStreamDomain, consumer
	return o
}

// The streams of a hub and of its leaf have the same name, and so have the consumers. Each has a capture of its own.
func TestCapturesInTwoDomainsOfOneAccountArchiveEachMessageOnce(t *testing.T) {
	t.Parallel()
	const n = 4_000
	hub, leaf := startDomains(t, n)
	dirs := map[*diskServer]string{hub: t.TempDir(), leaf: t.TempDir()}
	var running sync.WaitGroup
	for s, dir := range dirs {
		s.makeConsumer(consumerName, 2*time.Second)
		// Both are connected to the hub, whose streams are the first to answer.
		o, nc := onceInDomain(s, dir, consumerName), hub.connect()
		o.MaxMessages, o.PullMessages = 100, 500
		running.Go(func() {
			if err := catchUp(t, nc, o); err != nil {
				t.Errorf("the capture in domain %s: %v", o.JetStreamDomain, err)
			}
		})
	}
	running.Wait()
	for s, dir := range dirs {
		t.Run(s.options.JetStreamDomain, func(t *testing.T) { wantRows(t, dir, n) })
	}
}

// Each ledger gets the entries of its own captures only.
func TestLedgersOfTwoDomainsOfOneAccountHearNothingOfEachOther(t *testing.T) {
	t.Parallel()
	const n = 1_000
	hub, leaf := startDomains(t, n)
	for _, s := range []*diskServer{hub, leaf} {
		s.makeConsumer(consumerName, time.Minute)
	}
	entries := func(s *diskServer) uint64 {
		l, err := s.jetStream().Stream(t.Context(), ledgerName)
		if err != nil {
			t.Fatal(err)
		}
		return l.CachedInfo().State.LastSeq
	}
	if err := catchUp(t, hub.connect(), onceInDomain(hub, t.TempDir(), consumerName)); err != nil {
		t.Fatal(err)
	}
	before := entries(hub)
	o := onceInDomain(leaf, t.TempDir(), consumerName)
	o.MaxMessages = 10
	if err := catchUp(t, leaf.connect(), o); err != nil {
		t.Errorf("the capture in domain leaf: %v", err)
	}
	if after := entries(hub); after != before {
		t.Errorf("a capture of the leaf appended %d entries to the hub's ledger of %d", after-before, before)
	}
}

// $JS.ACK.<stream>.<consumer> names no domain, so that the acks of one capture reach the consumer of the other. Whoever holds
// the messages sees that they are acknowledged, says so, and stores them all the same.
func TestCaptureWhoseMessagesAreAcknowledgedInAnotherDomainSaysSoAndStoresThem(t *testing.T) {
	t.Parallel()
	const n = 1_000
	hub, leaf := startDomains(t, n)
	for _, s := range []*diskServer{hub, leaf} {
		s.makeConsumer(consumerName, time.Minute)
	}
	dir := t.TempDir()
	gate := newGatedBucket(t, store.NewDir(dir))
	o := onceInDomain(hub, dir, consumerName)
	o.Store = store.Blocks[string](gate, nil)
	o.MaxMessages, o.UntilCaughtUp = 100, false
	logs := logged(o)
	stop := start(t, o.Build(), hub.connect())
	eventually(t, "the hub's capture holds all messages and stores", func() bool { return gate.waiting.Load() > 0 && hub.info().NumAckPending == n })

	// A capture at least once acknowledges what is in its own archive, with no ledger that could be in the way.
	other := onceInDomain(leaf, t.TempDir(), consumerName)
	other.Delivery = "at-least-once"
	if err := catchUp(t, leaf.connect(), other); err != nil {
		t.Fatal(err)
	}
	if !within(time.Minute, func() bool { return hub.info().NumAckPending == 0 }) {
		t.Fatalf("acks do not cross domains any more: %d of %d messages are pending in the hub, and this test shows nothing", hub.info().NumAckPending, n)
	}
	if !within(time.Minute, func() bool { return logs.FilterMessage(anotherClient).Len() > 0 }) {
		t.Errorf("no warning %q, but %q", anotherClient, texts(logs))
	}
	gate.open()
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantRows(t, dir, n)
}

// With consumers of different names, which is the rule for two domains of one account, a capture may be killed at any time.
func TestKilledCaptureLosesNothingWhereConsumersOfTwoDomainsHaveDifferentNames(t *testing.T) {
	t.Parallel()
	const n = 1_000
	hub, leaf := startDomains(t, n)
	hub.makeConsumer("lake-hub", 2*time.Second)
	leaf.makeConsumer("lake-leaf", 2*time.Second)
	dir, nc := t.TempDir(), hub.connect()
	gate := newGatedBucket(t, store.NewDir(dir))
	killed := onceInDomain(hub, dir, "lake-hub")
	killed.Store, killed.DrainTimeout = store.Blocks[string](gate, nil), time.Millisecond
	killed.MaxMessages = 100
	stop := start(t, killed.Build(), nc)
	eventually(t, "the hub's capture stores", func() bool { return gate.waiting.Load() > 0 })
	leafDir := t.TempDir()
	if err := catchUp(t, leaf.connect(), onceInDomain(leaf, leafDir, "lake-leaf")); err != nil {
		t.Error(err)
	}
	nc.Close()
	next := onceInDomain(hub, dir, "lake-hub")
	next.Store = store.Blocks[string](store.NewDir(dir), nil)
	if err := catchUp(t, hub.connect(), next); err != nil {
		t.Error(err)
	}
	gate.open() // what the killed one had on its way comes late
	_ = stop()
	wantRows(t, dir, n)
	wantRows(t, leafDir, n)
}

// A stream of another domain that listens to the ledger's subjects too, as a copy of everything does, answers what is appended,
// and may be faster than the ledger. The capture either finds out what the ledger has, or ends and says who is in the way. It does
// not try without end.
func TestStreamOfAnotherDomainThatAnswersForTheLedgerIsNotTakenForIt(t *testing.T) {
	t.Parallel()
	const n = 1_000
	hub, leaf := startDomains(t, n)
	hub.makeConsumer(consumerName, time.Minute)
	if _, err := leaf.jetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "COPY", Subjects: []string{"JC_LEDGER.>"}}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	o := onceInDomain(hub, dir, consumerName)
	o.MaxMessages = 50
	err := catchUp(t, leaf.connect(), o) // the copy is nearer, and answers first
	switch {
	case err == nil:
		wantRows(t, dir, n)
	case errors.Is(err, errTooLate):
		t.Errorf("the capture stands still, the ack floor is %d of %d: %v", hub.info().AckFloor.Stream, n, err)
	case !strings.Contains(err.Error(), ledgerName):
		t.Errorf("the error does not name the ledger %s: %v", ledgerName, err)
	}
}
