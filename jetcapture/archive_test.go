package jetcapture

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
)

// A track is a loop as Run makes it, and messages that look as if its consumer delivered them.
type track struct {
	loop *loop[*NatsMessage, string]
	next uint64
	now  time.Time
}

func newTrack(tb testing.TB, delivery Delivery) *track {
	tb.Helper()
	s := capturetest.Start(tb)
	s.Stream("ORDERS", "orders.>")
	s.Consumer("ORDERS", "lake", nil)
	o := DefaultOptions[*NatsMessage, string]()
	o.NATSStreamName, o.NATSConsumerName = "ORDERS", "lake"
	o.MessageDecoder = NatsToNats(func(*nats.Msg) string { return "" })
	writers, err := parquet.RawWriters[*NatsMessage](parquet.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	o.WriterFactory = writers
	o.Store = SingleDirStore[string](tb.TempDir())
	o.Delivery = delivery
	o.MaxInFlight = 1 << 30
	o.MemoryLimit = 1 << 40
	o = o.WithDefaults()
	if err := o.Validate(); err != nil {
		tb.Fatal(err)
	}
	nc := s.Connect()
	js, err := jsapi.New(nc, "")
	if err != nil {
		tb.Fatal(err)
	}
	consumer, err := js.Consumer(tb.Context(), "ORDERS", "lake")
	if err != nil {
		tb.Fatal(err)
	}
	p := &track{loop: newLoop(o, nc, consumer, new(elapsed.Clock)), now: time.Now()}
	p.loop.intake.puller.Start(p.now)
	return p
}

// messages returns messages as the client makes them, of so many bytes, half of them with two headers.
func (p *track) messages(n, bytes int) []*nats.Msg {
	all := make([]*nats.Msg, n)
	for i := range all {
		p.next++
		seq := strconv.FormatUint(p.next, 10)
		at := strconv.FormatInt(p.now.Add(time.Duration(i)*time.Microsecond).UnixNano(), 10)
		m := &nats.Msg{
			Subject: "orders.eu." + strconv.Itoa(i%100), Data: make([]byte, bytes),
			Reply: "$JS.ACK.ORDERS.lake.1." + seq + "." + seq + "." + at + ".1000000",
		}
		if i%2 == 0 {
			m.Header = nats.Header{"Trace": {seq}, "Tenant": {"a"}}
		}
		all[i] = m
	}
	return all
}

// take handles messages, and gives back what blocks they fill.
func (p *track) take(messages []*nats.Msg) {
	for _, m := range messages {
		p.loop.handle(m)
	}
}

// Of a message that is archived as it is, two things are allocated beside what the client allocates: the payload, and what
// it is acknowledged by, which is of some bytes.
func TestARawMessageTakesFewAllocations(t *testing.T) {
	p := newTrack(t, AtLeastOnce)
	const n = 20_000
	p.take(p.messages(n, 250)) // what is allocated once
	messages := p.messages(n, 250)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p.take(messages)
	runtime.ReadMemStats(&after)
	if each := float64(after.Mallocs-before.Mallocs) / n; each > 1.5 { // one, and what the server and the race detector do
		t.Errorf("%.2f allocations a message", each)
	}
}

// What a message costs from the subscription to the columns of its block.
func BenchmarkTakingRawMessages(b *testing.B) {
	p := newTrack(b, AtLeastOnce)
	const n = 50_000
	for b.Loop() {
		b.StopTimer()
		p.discard()
		messages := p.messages(n, 250)
		b.StartTimer()
		p.take(messages)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
}

// discard drops all open blocks, and gives their memory back.
func (p *track) discard() {
	for _, b := range p.loop.open.payloads {
		p.loop.seal(b.block, SealShutdown)
	}
	p.drop(func(b *block[string]) { _ = b.finish() })
}

// drop takes the blocks that wait out of the queue, as if they had been stored.
func (p *track) drop(each func(*block[string])) {
	for _, b := range p.loop.queue.giveUp() {
		each(b)
		p.loop.forget(b)
	}
}
