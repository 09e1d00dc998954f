package evidence_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/evidence"
)

func TestAStreamThatMayNotBeReadIsKnownByTheServersError(t *testing.T) {
	permissions := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.MSG.GET.>"}}}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "a", Password: "a", Permissions: permissions}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("nats-server is not ready")
	}
	nc, err := nats.Connect(s.ClientURL(), nats.UserInfo("a", "a"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := evidence.NewReader(nc, "", "ORDERS").TimeOf(t.Context(), 1); !errors.Is(err, evidence.ErrMayNotLook) {
		t.Errorf("reading a message = %v", err)
	}
}

// A real stream answers as the fake one does.
func TestAStreamIsReadBySequence(t *testing.T) {
	s := capturetest.Start(t)
	stream := s.Stream("ORDERS", "orders.>")
	s.Publish(5, func(int) *nats.Msg { return &nats.Msg{Subject: "orders.k"} })
	if err := stream.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	r := evidence.NewReader(s.Connect(), "", "ORDERS")
	for seq := uint64(1); seq <= 6; seq++ {
		at, err := r.TimeOf(t.Context(), seq)
		if seq == 3 || seq == 6 {
			if !errors.Is(err, evidence.ErrNoMessage) {
				t.Errorf("message %d is of %d, %v", seq, at, err)
			}
			continue
		}
		msg, wantErr := stream.GetMsg(t.Context(), seq)
		if err != nil || wantErr != nil || at != msg.Time.UnixNano() {
			t.Errorf("message %d is of %d, %v; want %v, %v", seq, at, err, msg, wantErr)
		}
	}
	if state, err := r.State(t.Context()); err != nil || state.LastSeq != 5 || state.FirstSeq != 1 {
		t.Errorf("the state is %+v, %v", state, err)
	}
	r = evidence.NewReader(s.Connect(), "", "NONE")
	if _, err := r.TimeOf(t.Context(), 1); err == nil || errors.Is(err, evidence.ErrNoMessage) {
		t.Errorf("of a stream that is not there: %v", err)
	}
	if _, err := r.State(t.Context()); err == nil {
		t.Error("the state of a stream that is not there")
	}
}
