package jetcapture_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// pullAndHold takes n messages of the consumer, as a capture does that crashes then.
func pullAndHold(t *testing.T, s *capturetest.Server, n int) {
	t.Helper()
	js, err := jetstream.New(s.Connect())
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), streamName, consumerName)
	if err != nil {
		t.Fatal(err)
	}
	for n > 0 {
		batch, err := consumer.Fetch(min(n, 10_000), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for range batch.Messages() {
			got++
		}
		if batch.Error() != nil || got == 0 {
			t.Fatalf("%d messages, %v", got, batch.Error())
		}
		n -= got
	}
}

func TestExactlyOnceTakesUpWhatACrashedCaptureHeld(t *testing.T) {
	const n, held = 30_000, 20_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = time.Hour })
	s.Publish(n, order)
	first := onceNDJSON(dir) // stores a part, out of order, and stops
	first.MaxMessages = 500
	ctx, cancel := context.WithCancel(t.Context())
	first.Observer.BlockAcked = func(jetcapture.Block, time.Duration) { cancel() }
	if err := first.Build().Run(ctx, s.Connect()); err != nil {
		t.Fatal(err)
	}
	pullAndHold(t, s, int(min(held, s.Info(streamName, consumerName).NumPending)))
	untilCaughtUp(t, s, onceNDJSON(dir)) // long before AckWait is over
	wantOrders(t, readRows(t, dir), n, true)
}
