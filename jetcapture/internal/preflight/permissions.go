package preflight

import (
	"cmp"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

const (
	userInfoSubject = "$SYS.REQ.USER.INFO"

	malformed = "{" // a request that every server refuses
)

// Permissions returns the permissions that the user of a connection needs to capture. inboxPrefix is the prefix of the connection's inboxes,
// "" for _INBOX.
func (p *Plan) Permissions(inboxPrefix string) []permission.Permission {
	return permission.WithMapped(p.permissions(inboxPrefix))
}

func (p *Plan) permissions(inboxPrefix string) []permission.Permission {
	api := jsapi.Prefix(p.Domain)
	stream, consumer := p.Stream, p.Stream+"."+p.Consumer
	list := []permission.Permission{
		needed(api+jsapi.StreamInfo+stream, "look up the stream"),
		needed(api+".CONSUMER.INFO."+consumer, "look up the consumer"),
		{
			Subject: api + ".CONSUMER.MSG.NEXT." + consumer, Needed: true, Purpose: "ask for messages",
			Try: tryOf(api+".CONSUMER.MSG.NEXT."+consumer, malformed), AtStart: true,
		},
		{
			Subject: jsapi.AckPrefix + consumer + ".>", Needed: true, Purpose: "acknowledge what is stored",
			Uses: []string{jsapi.AckPrefix + consumer + ".*.*.*.*.*"},
			Try:  tryOf(jsapi.AckPrefix+consumer+".0.0.0.0.0", "+WPI"), AtStart: true, // no message has the sequence 0
		},
	}
	if p.CreateConsumer {
		list = append(list, creating(api+".CONSUMER.CREATE."+consumer, "create the consumer, if it does not exist"))
	}
	reset := permission.Permission{
		Subject: api + ".CONSUMER.RESET." + consumer, Purpose: "reset the consumer",
		Without: "after the stream has lost its end, the consumer may stay ahead of it, and new messages are not delivered",
	}
	if p.ExactlyOnce {
		list = append(list, ledgerPermissions(api, p.Ledger(), cmp.Or(p.LedgerSubject, ledger.DefaultSubject))...)
		reset.Without = "messages of a capture that crashed are delivered again only after AckWait; after the stream has lost its end, the consumer may " +
			"stay ahead of it, and new messages are not delivered; and a consumer with the ack policy AckAll is refused"
	}
	list = append(list, inboxPermission(inboxPrefix), reset, permission.Permission{
		Subject: api + jsapi.StreamMessage + stream, Purpose: "read single messages of the stream", Try: tryOf(api+jsapi.StreamMessage+stream, malformed),
		Without: "that the stream has lost its end is noticed only by the messages that come, and messages whose headers the client cannot parse become dead letters",
	})
	return neededFirst(list)
}

// ledgerPermissions returns the permissions for the ledger's stream, whose subjects begin with subject and a random token.
func ledgerPermissions(api, name, subject string) []permission.Permission {
	return []permission.Permission{
		needed(api+jsapi.StreamInfo+name, "look up the ledger"),
		creating(api+".STREAM.CREATE."+name, "create the ledger, if it does not exist"),
		{
			Subject: api + ".CONSUMER.CREATE." + name + ".*", Needed: true, Purpose: "read the ledger, by consumers of random names",
			Try: tryOf(api+".CONSUMER.CREATE."+name+".jetcapture", malformed),
		},
		{
			Subject: api + ".CONSUMER.MSG.NEXT." + name + ".*", Needed: true, Purpose: "read the ledger",
			Try: tryOf(api+".CONSUMER.MSG.NEXT."+name+".jetcapture", malformed),
		},
		{
			Subject: api + jsapi.StreamMessage + name, Needed: true, Purpose: "read single entries of the ledger",
			Try: tryOf(api+jsapi.StreamMessage+name, malformed), AtStart: true,
		},
		{
			Subject: subject + ".>", Needed: true, Purpose: "append to the ledger",
			Uses: []string{subject + ".*.>"}, Try: tryOf(subject+".jetcapture.try", ""),
		},
		{Subject: api + ".STREAM.PURGE." + name, Purpose: "remove old entries of the ledger", Without: "the ledger grows"},
	}
}

// ExaminePermissions returns the permissions for Examine, and with fix for Fix: those for a capture, so that Examine can check them, and a
// few more.
func (p *Plan) ExaminePermissions(inboxPrefix string, fix bool) []permission.Permission {
	api := jsapi.Prefix(p.Domain)
	list := append(p.permissions(inboxPrefix),
		permission.Permission{Subject: userInfoSubject, Purpose: "read the user's permissions", Without: "permissions that cannot be tried without a risk are not checked"},
		permission.Permission{Subject: api + ".INFO", Purpose: "look up the account's limits", Without: "whether they allow a new consumer and a ledger is not checked"},
	)
	if p.ExactlyOnce {
		list = append(list, permission.Permission{
			Subject: api + ".STREAM.NAMES", Purpose: "find the streams that have the ledger's subjects", Without: "only the captured stream is checked",
		})
		if fix {
			list = append(list, permission.Permission{Subject: api + ".STREAM.UPDATE." + p.Ledger(), Purpose: "update the ledger", Without: "problems of the ledger are not fixed"})
		}
	}
	if create := api + ".CONSUMER.CREATE." + p.Stream + "." + p.Consumer; fix {
		if !p.CreateConsumer {
			list = append(list, permission.Permission{Subject: create, Needed: true, Purpose: "update the consumer"})
		}
		list = append(list, permission.Permission{Subject: create + ".>", Needed: true, Purpose: "update the consumer, if it has a filter"})
	}
	return permission.WithMapped(neededFirst(list))
}

// neededFirst sorts subjects to publish to before subjects to subscribe to, and needed permissions before the others.
func neededFirst(list []permission.Permission) []permission.Permission {
	rank := func(p permission.Permission) (n int) {
		if p.Subscribe {
			n += 2
		}
		if !p.Needed {
			n++
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b permission.Permission) int { return rank(a) - rank(b) })
	return list
}

func needed(subject, purpose string) permission.Permission {
	return permission.Permission{Subject: subject, Needed: true, Purpose: purpose, Try: tryOf(subject, "")}
}

func creating(subject, purpose string) permission.Permission {
	return permission.Permission{Subject: subject, Needed: true, Purpose: purpose, Try: tryOf(subject, malformed), Once: true}
}

func inboxPermission(prefix string) permission.Permission {
	if prefix == "" {
		prefix = nats.InboxPrefix
	}
	prefix = withDot(prefix)
	return permission.Permission{
		Subject: prefix + ">", Subscribe: true, Needed: true, Purpose: "get answers and messages", Uses: []string{prefix + "*", prefix + "*.*"},
	}
}

func withDot(prefix string) string {
	if prefix[len(prefix)-1] == '.' {
		return prefix
	}
	return prefix + "."
}

// tryOf returns a message that no stream stores, not even one on all subjects.
func tryOf(subject, body string) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: nats.Header{jetstream.ExpectedStreamHeader: {"none"}}, Data: []byte(body)}
}
