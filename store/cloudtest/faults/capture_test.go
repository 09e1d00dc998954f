package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
)

const (
	streamName   = "ORDERS"
	consumerName = "lake"
)

// ordersServer runs a server with n orders in a stream.
func ordersServer(t *testing.T, n, size int, ackWait time.Duration) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = ackWait })
	s.Publish(n, func(i int) *nats.Msg { return orderMsg(i, size) })
	return s
}

func orderMsg(i, size int) *nats.Msg {
	return &nats.Msg{Subject: fmt.Sprintf("orders.k%d", i%4), Data: order(i, size)}
}

func order(i, size int) []byte {
	text := fmt.Appendf(nil, `{"order":%d}`, i)
	return append(text, contentOf(uint64(i%500), max(0, size-len(text)))...)
}

// capture returns the options of a capture into a bucket.
func capture(b store.Bucket) *jetcapture.Options[*jetcapture.NatsMessage, string] {
	o := jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	o.NATSStreamName, o.NATSConsumerName, o.UntilCaughtUp = streamName, consumerName, true
	o.MessageDecoder = jetcapture.NatsToNats(jetcapture.SubjectToDestKey)
	o.WriterFactory, o.Suffix = format.NewRawNDJSON[*jetcapture.NatsMessage], "ndjson"
	o.Store = store.Blocks[string](b, nil)
	return o
}

// run captures until everything is stored.
func run(t *testing.T, s *capturetest.Server, o *jetcapture.Options[*jetcapture.NatsMessage, string]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := o.Build().Run(ctx, s.Connect()); err != nil || ctx.Err() != nil {
		t.Fatalf("Run = %v, %v", err, ctx.Err())
	}
}

// objects reads all objects of a bucket.
func objects(ctx context.Context, b store.Bucket, known map[string][]byte) error {
	all, err := names(ctx, b, "")
	if err != nil {
		return err
	}
	for _, name := range all {
		if known[name] == nil {
			content, err := read(ctx, b, name, 0, -1)
			if err != nil {
				return err
			}
			known[name] = content
		}
	}
	return nil
}

// A tally counts how often each order was stored.
type tally struct {
	size  int
	times []int
}

// add counts the orders of an object, each of which must be what was published.
func (c *tally) add(t *testing.T, name string, content []byte) {
	t.Helper()
	for line := range bytes.Lines(content) {
		var row struct {
			Subject string `json:"subject"`
			Data    []byte `json:"data"`
			Seq     int    `json:"stream_seq"`
		}
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s: %v in %.100q", name, err, line)
		}
		i := row.Seq - 1
		if i < 0 || i >= len(c.times) || !bytes.Equal(row.Data, order(i, c.size)) || row.Subject != fmt.Sprintf("orders.k%d", i%4) {
			t.Fatalf("%s: message %d is %s %.100q", name, row.Seq, row.Subject, row.Data)
		}
		c.times[i]++
	}
}

// wantEachOnce fails unless every order is there, and once.
func (c *tally) wantEachOnce(t *testing.T) {
	t.Helper()
	missing, repeated := 0, 0
	for _, count := range c.times {
		if count == 0 {
			missing++
		} else if count > 1 {
			repeated++
		}
	}
	if missing+repeated > 0 {
		t.Errorf("of %d messages %d are missing and %d are there more than once", len(c.times), missing, repeated)
	}
}

// wantOrders fails unless the objects hold the orders from 0 to n-1, each once.
func wantOrders(t *testing.T, all map[string][]byte, n, size int) {
	t.Helper()
	c := &tally{size, make([]int, n)}
	for name, content := range all {
		c.add(t, name, content)
	}
	c.wantEachOnce(t)
}

// storm returns a rule by which the given percentage of requests has faults. Servers without checksums get no damaged content.
func storm(seed uint64, percent int, blind bool) cloudtest.Rule {
	random := rand.New(rand.NewPCG(seed, 1))
	return func(*http.Request, int) cloudtest.Fault {
		if random.IntN(100) >= percent {
			return cloudtest.Pass()
		}
		f := faults[random.IntN(len(faults))]
		if blind && f.name == damaged {
			return cloudtest.LoseResponse()
		}
		return f.fault
	}
}

// With faults at 30% of all requests every message is stored in exactly one object, and no object is ever seen with other content
// than in the end.
func captureInAStorm(t *testing.T, c *cloud) {
	largeBlock := c.large/5_500 + 30 // messages of 4,000 bytes, which make lines of some more than 5,500
	for _, v := range []struct {
		name                      string
		messages, size, blockSize int
	}{
		{"small objects", 30_000, 0, 250},
		{"large objects", 8 * largeBlock, 4_000, largeBlock},
	} {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			const seed = 20261125
			s, p := ordersServer(t, v.messages, v.size, 2*time.Minute), c.place(t)
			p.proxy.Set(storm(seed, 30, c.blind))
			o := capture(p.broken)
			o.MaxMessages = v.blockSize
			var failed atomic.Int64
			o.Observer.StoreFailed = func(jetcapture.Block, int, error, time.Duration) { failed.Add(1) }
			stop := watch(t, p)
			run(t, s, o)
			seen := stop()
			finally := make(map[string][]byte)
			if err := objects(t.Context(), p.intact, finally); err != nil {
				t.Fatal(err)
			}
			for name, content := range seen {
				if !bytes.Equal(content, finally[name]) {
					t.Errorf("%s was seen with %d bytes, and has %d", name, len(content), len(finally[name]))
				}
			}
			wantOrders(t, finally, v.messages, v.size)
			if info := s.Info(streamName, consumerName); info.AckFloor.Stream != uint64(v.messages) {
				t.Errorf("the ack floor is %d", info.AckFloor.Stream)
			}
			lost := p.proxy.Count(cloudtest.LoseResponse()) + p.proxy.Count(cloudtest.CutResponse(0)) + p.proxy.Count(cloudtest.TruncateResponse(0))
			t.Logf("%d requests, of %d the answer was lost; %d attempts failed; %d objects, %d of them seen before the end",
				p.proxy.Requests(), lost, failed.Load(), len(finally), len(seen))
			if hit := p.proxy.Requests() - p.proxy.Count(cloudtest.Pass()); hit < 5 || lost == 0 {
				t.Errorf("%d requests met a fault, %d answers were lost: the test shows little", hit, lost)
			}
		})
	}
}

// watch reads objects as they become visible, without the proxy. stop returns them.
func watch(t *testing.T, p *place) (stop func() map[string][]byte) {
	t.Helper()
	seen := make(map[string][]byte)
	ctx, cancel := context.WithCancel(context.Background())
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for ctx.Err() == nil {
			if err := objects(ctx, p.intact, seen); err != nil && ctx.Err() == nil {
				t.Errorf("look at the objects: %v", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	stop = func() map[string][]byte {
		cancel()
		watcher.Wait()
		return seen
	}
	t.Cleanup(func() { stop() })
	return stop
}

// Credentials that expire end the capture with an error that says so. Only messages that were stored by then
// are acked, and the next capture stores the rest.
func expiredCredentials(t *testing.T, c *cloud) {
	const n = 10_000
	s, p := ordersServer(t, n, 0, 2*time.Minute), c.place(t)
	p.proxy.Set(func(_ *http.Request, i int) cloudtest.Fault {
		if i > 20 {
			return c.expired
		}
		return cloudtest.Pass()
	})
	o := capture(p.broken)
	o.MaxMessages = 100
	var stored atomic.Int64
	o.Observer.BlockStored = func(b jetcapture.Block, _ time.Duration) { stored.Add(int64(b.Messages)) }
	err := o.Build().Run(t.Context(), s.Connect())
	if !store.IsPermanent(err) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("Run = %v, want a Permanent error that says that something has expired", err)
	}
	t.Logf("Run = %v", err)
	rows := int64(0)
	now := make(map[string][]byte)
	if err := objects(t.Context(), p.intact, now); err != nil {
		t.Fatal(err)
	}
	for _, content := range now {
		rows += int64(bytes.Count(content, []byte("\n")))
	}
	info := s.Info(streamName, consumerName)
	if acked := int64(info.Delivered.Consumer) - int64(info.NumAckPending); acked != stored.Load() || rows != acked || acked == 0 {
		t.Errorf("%d messages are acked, %d were reported as stored, %d are there", acked, stored.Load(), rows)
	}

	p.proxy.Set(nil)
	config := info.Config
	config.AckWait = 20 * time.Second // instead of waiting for minutes
	if _, err := s.JetStream().UpdateConsumer(t.Context(), streamName, config); err != nil {
		t.Fatal(err)
	}
	run(t, s, capture(p.broken))
	finally := make(map[string][]byte)
	if err := objects(t.Context(), p.intact, finally); err != nil {
		t.Fatal(err)
	}
	wantOrders(t, finally, n, 0)
}
