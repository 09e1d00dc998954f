package jetcapture_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// permissionsOf are those of Run, without those for which a function is true.
func permissionsOf(o *rawOptions, without func(jetcapture.Permission) bool) *server.Permissions {
	p := &server.Permissions{Publish: new(server.SubjectPermission), Subscribe: new(server.SubjectPermission)}
	for _, of := range o.Permissions("") {
		switch {
		case without != nil && without(of):
		case of.Subscribe:
			p.Subscribe.Allow = append(p.Subscribe.Allow, of.Subject)
		default:
			p.Publish.Allow = append(p.Publish.Allow, of.Subject)
		}
	}
	return p
}

func connectAs(t *testing.T, s *capturetest.Server, user string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.URL(), nats.UserInfo(user, user), nats.MaxReconnects(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // which would print them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// A right that is taken away while a capture runs is named at once. When it is back the capture goes on, and nothing is lost.
func TestAPermissionThatIsTakenAwayIsNamedAndWaitedFor(t *testing.T) {
	for _, part := range []string{"$JS.ACK.", ".CONSUMER.MSG.NEXT.ORDERS.", "JC_LEDGER."} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			const user, n = "capture", 100
			s, dir := capturetest.Start(t), t.TempDir()
			s.Stream(streamName, "orders.>")
			s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckWait = 5 * time.Second })
			o := onceNDJSON(dir)
			core, logs := observer.New(zap.WarnLevel)
			o.Logger, o.MaxAge, o.PullMessages = zap.New(core), time.Second, n/5
			s.Allow(user, permissionsOf(o, nil))
			stop := start(t, o.Build(), connectAs(t, s, user))
			s.Publish(n, order)
			acked := func(seq uint64) func() bool {
				return func() bool { return s.Info(streamName, consumerName).AckFloor.Stream == seq }
			}
			eventually(t, "what is there is archived", acked(n))

			isOf := func(p jetcapture.Permission) bool { return strings.Contains(p.Subject, part) }
			s.Reallow(user, permissionsOf(o, isOf))
			s.Publish(n, func(i int) *nats.Msg { return order(n + i) })
			of := o.Permissions("")
			subject := of[slices.IndexFunc(of, isOf)].Subject
			reported := func() bool {
				return slices.ContainsFunc(logs.All(), func(e observer.LoggedEntry) bool {
					return e.Message == "a permission is missing" && strings.Contains(e.ContextMap()["error"].(string), "publish to "+subject)
				})
			}
			eventually(t, "the log names "+subject, reported)
			s.Reallow(user, permissionsOf(o, nil))
			eventually(t, "all is archived", acked(2*n))
			if err := stop(); err != nil {
				t.Error(err)
			}
			wantOrders(t, readRows(t, dir), 2*n, true)
		})
	}
}

// A consumer with the ack policy AckAll is reset when a capture begins, so that no capture can begin without that.
func TestAckAllNeedsThePermissionToReset(t *testing.T) {
	t.Parallel()
	const user = "capture"
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, func(c *jetstream.ConsumerConfig) { c.AckPolicy = jetstream.AckAllPolicy })
	o := onceNDJSON(t.TempDir())
	s.Allow(user, permissionsOf(o, func(p jetcapture.Permission) bool { return strings.Contains(p.Subject, ".RESET.") }))
	err := o.Build().Run(t.Context(), connectAs(t, s, user))
	if !errors.Is(err, jetcapture.ErrPermission) || !strings.Contains(err.Error(), "publish to $JS.API.CONSUMER.RESET.ORDERS.lake") || strings.Contains(err.Error(), "2.14") {
		t.Errorf("Run = %v", err)
	}
}
