package jetcapture_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// nats-server 2.14.4 keeps no time of creation on disk: a restart, an edit and a restart change it, and the messages stay.
func TestExactlyOnceThoughTheServerChangesWhenTheStreamWasCreated(t *testing.T) {
	const n = 1_000
	s, dir := capturetest.StartOld(t), t.TempDir()
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = 2 * time.Second })
	created := func() time.Time {
		stream, err := s.JetStream().Stream(t.Context(), streamName)
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo().Created
	}
	s.Restart()
	if _, err := s.JetStream().UpdateStream(t.Context(), jetstream.StreamConfig{
		Name: streamName, Subjects: []string{"orders.>"}, Description: "edited",
	}); err != nil {
		t.Fatal(err)
	}

	var stops []func() error
	var pulled [2]chan struct{}
	capture := func(i int) { // which holds what it gets until it stops
		o := onceNDJSON(dir)
		o.MaxAge = time.Hour
		pulled[i] = make(chan struct{}, n)
		decode := o.MessageDecoder
		o.MessageDecoder = func(msg *nats.Msg) (*jetcapture.NatsMessage, string, error) {
			select {
			case pulled[i] <- struct{}{}:
			default:
			}
			return decode(msg)
		}
		stops = append(stops, start(t, o.Build(), s.Connect()))
	}
	capture(0)
	s.Publish(n, order)
	eventually(t, "the first capture holds all", func() bool { return len(pulled[0]) == n })
	before := created()
	s.Restart()
	if created().Equal(before) {
		t.Fatal("the time of creation is the same: this test shows nothing")
	}
	capture(1)
	eventually(t, "the second capture holds messages that the first one holds", func() bool { return len(pulled[1]) >= n/10 })
	for _, stop := range stops {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	untilCaughtUp(t, s, onceNDJSON(dir))
	wantOrders(t, readRows(t, dir), n, true)
}
