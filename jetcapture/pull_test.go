package jetcapture_test

import (
	"bytes"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestConsumersThatLimitRequestsAreServed(t *testing.T) {
	const n = 3_000
	for name, limit := range map[string]func(*jetstream.ConsumerConfig){
		"batch":   func(c *jetstream.ConsumerConfig) { c.MaxRequestBatch = 50 },
		"expires": func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = time.Second },
		"bytes":   func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = 10_000 },
		"waiting": func(c *jetstream.ConsumerConfig) { c.MaxWaiting = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := capturetest.Start(t), t.TempDir()
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, limit)
			s.Publish(n, order)
			untilCaughtUp(t, s, rawNDJSON(dir))
			wantOrders(t, readRows(t, dir), n, true)
		})
	}
}

// Messages larger than what a request asks for in bytes.
func TestLargeMessagesArePulled(t *testing.T) {
	const n, size = 40, 900_000
	s, dir := startServer(t), t.TempDir()
	s.Publish(n, func(i int) *nats.Msg {
		return &nats.Msg{Subject: "orders.large", Data: bytes.Repeat([]byte{byte(i)}, size)}
	})
	o := rawNDJSON(dir)
	o.PullBytes = 1_000
	untilCaughtUp(t, s, o)
	rows := readRows(t, dir)
	for _, r := range rows {
		if len(r.Data) != size || r.Data[size-1] != byte(r.StreamSeq-1) {
			t.Errorf("sequence %d has %d bytes", r.StreamSeq, len(r.Data))
		}
	}
	if len(rows) != n {
		t.Errorf("%d rows", len(rows))
	}
}

// A message may be larger than the consumer lets a request ask for.
func TestMessagesAboveTheBytesOfARequestArePulled(t *testing.T) {
	const n, size = 100, 50_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.MaxRequestMaxBytes = 10_000 })
	s.Publish(n, func(i int) *nats.Msg {
		m := &nats.Msg{Subject: "orders.some", Data: []byte{byte(i)}}
		if i%10 == 5 {
			m.Data = bytes.Repeat(m.Data, size)
		}
		return m
	})
	untilCaughtUp(t, s, rawNDJSON(dir))
	if rows := readRows(t, dir); len(rows) != n {
		t.Errorf("%d rows", len(rows))
	}
}

// What two requests may bring is in the budget, however large the messages are and whatever PullBytes is.
func TestRequestsFitTheMemoryLimit(t *testing.T) {
	const n, size, memory = 30, 900_000, 16 << 20
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	s.Publish(n, func(i int) *nats.Msg {
		return &nats.Msg{Subject: "orders.large", Data: bytes.Repeat([]byte{byte(i)}, size)}
	})
	var most atomic.Int64
	sub, err := s.Connect().Subscribe("$JS.API.CONSUMER.MSG.NEXT.>", func(m *nats.Msg) {
		if m.Reply == "" {
			return // it tries whether it may ask
		}
		var request struct {
			MaxBytes int64 `json:"max_bytes"`
			Batch    int
		}
		if err := json.Unmarshal(m.Data, &request); err != nil {
			t.Error(err)
		}
		if request.MaxBytes == 0 && request.Batch != 1 {
			t.Errorf("a request for %d messages is for any number of bytes", request.Batch)
		}
		most.Store(max(most.Load(), request.MaxBytes))
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	o := rawNDJSON(dir)
	o.MemoryLimit, o.PullBytes = memory, 64<<20
	untilCaughtUp(t, s, o)
	if rows := readRows(t, dir); len(rows) != n {
		t.Errorf("%d rows", len(rows))
	}
	if got := most.Load(); got == 0 || got > memory/16 {
		t.Errorf("a request was for %d bytes, where %d may be held", got, memory)
	}
}

// A stream without messages for longer than requests last: heartbeats and expired requests are no reason to reset.
func TestIdleStreamKeepsPulling(t *testing.T) {
	t.Parallel()
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.MaxRequestExpires = 3 * time.Second })
	nc := s.Connect()
	var requests, resets atomic.Int64
	sub, err := nc.Subscribe("$JS.API.CONSUMER.MSG.NEXT."+streamName+"."+consumerName, func(*nats.Msg) { requests.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	o := rawNDJSON(dir)
	o.MaxAge = time.Second
	o.Observer.PullReset = func(error) { resets.Add(1) }
	start(t, o.Build(), s.Connect())
	eventually(t, "two requests have expired", func() bool { return requests.Load() > 2 })
	if n := resets.Load(); n > 0 {
		t.Errorf("pulling started again %d times", n)
	}
	s.Publish(8, order)
	eventually(t, "the messages are stored", func() bool { return len(readRows(t, dir)) == 8 })
}

func TestLeaderChangesAndLostServersLoseNothing(t *testing.T) {
	t.Parallel()
	const n = 12_000
	servers, dir := capturetest.StartCluster(t, 3), t.TempDir()
	js := servers[0].JetStream()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: streamName, Subjects: []string{"orders.>"}, Replicas: 3}); err != nil {
		t.Fatal(err)
	}
	servers[0].Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = 3 * time.Second })
	o := rawNDJSON(dir)
	o.MaxAge = time.Second
	nc := servers[0].Connect()
	stop := start(t, o.Build(), nc)
	info := func() *jetstream.ConsumerInfo { // nil while there is no leader
		c, err := js.Consumer(t.Context(), streamName, consumerName)
		if err != nil {
			return nil
		}
		return c.CachedInfo()
	}
	for i := range 4 {
		servers[0].Publish(n/4, func(j int) *nats.Msg { return order(i*n/4 + j) })
		before := info()
		if _, err := nc.Request("$JS.API.CONSUMER.LEADER.STEPDOWN."+streamName+"."+consumerName, nil, 5*time.Second); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the consumer has another leader", func() bool {
			c := info()
			return c != nil && (before == nil || c.Cluster.Leader != before.Cluster.Leader)
		})
	}
	servers[2].Restart()
	eventually(t, "everything is acked", func() bool {
		c := info()
		return c != nil && c.AckFloor.Stream == n && c.NumAckPending == 0
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	wantOrders(t, readRows(t, dir), n, false)
}
