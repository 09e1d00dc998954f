package acks

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// While the servers of a cluster elect a leader for the consumer, nobody listens for its acks.
func TestAcksWaitForALeader(t *testing.T) {
	s := capturetest.Start(t)
	d, ok := Parse("$JS.ACK.ORDERS.lake.1.2.3.4.5")
	if !ok {
		t.Fatal("not a delivery")
	}
	acked := make(chan string, 10)
	server := s.Connect()
	time.AfterFunc(1500*time.Millisecond, func() {
		_, err := server.Subscribe(d.Route.Prefix+">", func(m *nats.Msg) {
			acked <- string(m.Data)
			_ = m.Respond(nil)
		})
		if err != nil {
			t.Error(err)
		}
		_ = server.Flush()
	})
	a := New(s.Connect(), nil)
	if err := a.Ack(t.Context(), d.Alone()); err != nil {
		t.Errorf("ack = %v", err)
	}
	if got := <-acked; got != "+ACK" {
		t.Errorf("the server got %q", got)
	}
}

// What a client buffers while it is not connected is sent to a server that may have lost what it is for.
func TestNothingIsAcknowledgedWhileTheConnectionIsLost(t *testing.T) {
	s := capturetest.Start(t)
	nc := s.Connect()
	a := New(nc, nil)
	connection := a.Connection()
	m := busyStream(10)
	acks, err := nc.SubscribeSync("$JS.ACK.>")
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	for nc.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	a.Nak(m, time.Second)
	a.AckUnconfirmed("$JS.ACK.S.C.1.1.1.0.0", connection)
	if err := a.send(t.Context(), &m, connection); !errors.Is(err, ErrConnectionLost) {
		t.Errorf("acks are sent: %v", err)
	}
	s.Restart()
	for !nc.IsConnected() {
		time.Sleep(time.Millisecond)
	}
	a.AckUnconfirmed("$JS.ACK.S.C.1.1.1.0.0", connection)
	if msg, err := acks.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("an ack of a message of the connection before is sent: %s %s", msg.Subject, msg.Data)
	}
}
