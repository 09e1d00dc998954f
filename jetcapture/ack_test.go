package jetcapture

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// While the servers of a cluster elect a leader for the consumer, nobody listens for its acks.
func TestAcksWaitForALeader(t *testing.T) {
	s := capturetest.Start(t)
	d, ok := parseDelivery("$JS.ACK.ORDERS.lake.1.2.3.4.5")
	if !ok {
		t.Fatal("not a delivery")
	}
	acked := make(chan string, 10)
	server := s.Connect()
	time.AfterFunc(1500*time.Millisecond, func() {
		_, err := server.Subscribe(d.route.prefix+">", func(m *nats.Msg) {
			acked <- string(m.Data)
			_ = m.Respond(nil)
		})
		if err != nil {
			t.Error(err)
		}
		_ = server.Flush()
	})
	a := &acker{nc: s.Connect()}
	if err := a.ack(t.Context(), d.alone()); err != nil {
		t.Errorf("ack = %v", err)
	}
	if got := <-acked; got != "+ACK" {
		t.Errorf("the server got %q", got)
	}
}
