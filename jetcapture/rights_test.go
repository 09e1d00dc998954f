package jetcapture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/jetcapture/lake/jetcapture"
)

// The doctor finds what run needs also where it is granted or denied by other patterns.
func TestExamineMatchesPatterns(t *testing.T) {
	t.Parallel()
	const user = "capture"
	s := startServer(t)
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
