package jetcapture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// The doctor finds what run needs also where it is granted or denied by other patterns.
func TestExamineMatchesPatterns(t *testing.T) {
	t.Parallel()
	const user = "capture"
	s := ordersServer(t)
	o := onceNDJSON(t.TempDir())
	all := []string{"$JS.API.>", "$JS.ACK.ORDERS.lake.*.*.*.*.*", "JC_LEDGER.*.>", "$SYS.REQ.USER.INFO"}
	for _, c := range []struct {
		name           string
		publish, deny  []string
		inbox, missing string
	}{
		{name: "patterns", publish: all, inbox: "_INBOX.>"},
		{name: "two patterns for the inbox", publish: all, inbox: "_INBOX.*.>"},
		{name: "all but a reset", publish: all, deny: []string{"$JS.API.CONSUMER.RESET.*.lake"}, inbox: ">", missing: "$JS.API.CONSUMER.RESET.ORDERS.lake"},
		{name: "all but a part of the acks", publish: all, deny: []string{"$JS.ACK.ORDERS.*.1.>"}, inbox: ">", missing: "$JS.ACK.ORDERS.lake.>"},
		{name: "no ledger", publish: append(slices.Clone(all[:2]), all[3]), inbox: ">", missing: "JC_LEDGER.>"},
	} {
		p := &server.Permissions{
			Publish: &server.SubjectPermission{Allow: c.publish, Deny: c.deny}, Subscribe: &server.SubjectPermission{Allow: []string{c.inbox, "_INBOX.*"}},
		}
		s.Allow(user, p)
		findings, err := jetcapture.Examine(t.Context(), connectAs(t, s, user), o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var missing []string
		for _, f := range findings {
			if f.Check == "permissions" && f.Severity != jetcapture.SeverityOK {
				missing = append(missing, strings.TrimPrefix(f.Change, "allow the user to publish to "))
			}
		}
		if got := strings.Join(missing, " "); got != c.missing {
			t.Errorf("%s: %q is missing, want %q", c.name, got, c.missing)
		}
	}
}

// What is tried reaches nobody, not even a stream on all subjects.
func TestTryingPermissionsLeavesNothing(t *testing.T) {
	t.Parallel()
	const user = "capture"
	s := ordersServer(t)
	s.Publish(10, order)
	o := onceNDJSON(t.TempDir())
	untilCaughtUp(t, s, o)
	s.Allow(user, permissionsOf(o, nil)) // and may not ask for its permissions
	js := s.JetStream()
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ACKS", Subjects: []string{"$JS.ACK.>"}, NoAck: true}); err != nil {
		t.Fatal(err)
	}
	count := func(name string) uint64 {
		stream, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo().State.LastSeq
	}
	before, entries := s.Info(streamName, consumerName), count(ledgerName)
	findings, err := jetcapture.Examine(t.Context(), connectAs(t, s, user), o)
	if i := slices.IndexFunc(findings, func(f jetcapture.Finding) bool { return f.Check == "permissions" }); err != nil || i < 0 ||
		findings[i].Severity != jetcapture.SeverityOK || !strings.HasPrefix(findings[i].Found, "2 could not be checked: ") {
		t.Errorf("%v, %+v", err, findings)
	}
	if acks, more := count("ACKS"), count(ledgerName)-entries; acks+more > 0 {
		t.Errorf("%d acks and %d entries were stored", acks, more)
	}
	if after := s.Info(streamName, consumerName); after.AckFloor.Stream != before.AckFloor.Stream || after.Delivered.Consumer != before.Delivered.Consumer {
		t.Errorf("the consumer was %+v and is %+v", before, after)
	}
}

// ordersServer is startServer for tests that run beside others, whose goroutines come and go.
func ordersServer(t *testing.T) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream(streamName, "orders.>")
	s.Consumer(streamName, consumerName, nil)
	return s
}
