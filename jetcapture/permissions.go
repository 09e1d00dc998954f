package jetcapture

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A Permission is a subject that the user of a connection must be allowed to publish or subscribe to.
type Permission struct {
	Subject   string `json:"subject"`           // may have wildcards
	Subscribe bool   `json:"subscribe"`         // otherwise it is published to
	Needed    bool   `json:"needed"`            // nothing works without it
	Purpose   string `json:"purpose"`           // such as "look up the stream"
	Without   string `json:"without,omitempty"` // what happens without it, unless it is Needed

	uses    []string  // what is published or subscribed to, where that is less than Subject
	try     *nats.Msg // does nothing if it is published without a reply; nil if nothing does
	atStart bool      // Run tries it before it begins, because it is first used when messages are held
	once    bool      // needed only to create what is not there yet
}

const (
	userInfoSubject = "$SYS.REQ.USER.INFO"

	malformed = "{" // a request that every server refuses
)

// Permissions returns the least that the user of a connection needs for Run with these options: only the names, the delivery
// and CreateConsumer count. inboxPrefix is that of the connection, "" for _INBOX.
func (o *Options[P, K]) Permissions(inboxPrefix string) []Permission {
	return WithMapped(o.permissions(inboxPrefix))
}

func (o *Options[P, K]) permissions(inboxPrefix string) []Permission {
	api := apiPrefix(o.JetStreamDomain)
	stream, consumer := o.NATSStreamName, o.NATSStreamName+"."+o.NATSConsumerName
	list := []Permission{
		needed(api+streamInfoSubject+stream, "look up the stream"),
		needed(api+".CONSUMER.INFO."+consumer, "look up the consumer"),
		{
			Subject: api + ".CONSUMER.MSG.NEXT." + consumer, Needed: true, Purpose: "ask for messages",
			try: tryOf(api+".CONSUMER.MSG.NEXT."+consumer, malformed), atStart: true,
		},
		{
			Subject: ackSubjectPrefix + consumer + ".>", Needed: true, Purpose: "acknowledge what is stored",
			uses: []string{ackSubjectPrefix + consumer + ".*.*.*.*.*"},
			try:  tryOf(ackSubjectPrefix+consumer+".0.0.0.0.0", "+WPI"), atStart: true, // no message has the sequence 0
		},
	}
	if o.CreateConsumer {
		list = append(list, creating(api+".CONSUMER.CREATE."+consumer, "create the consumer, if it is not there"))
	}
	reset := Permission{
		Subject: api + ".CONSUMER.RESET." + consumer, Purpose: "reset the consumer",
		Without: "a consumer that is ahead of a stream which has lost its end stays there",
	}
	if o.Delivery == ExactlyOnce {
		list = append(list, ledgerPermissions(api, ledgerName(o), cmp.Or(o.LedgerSubject, ledger.DefaultSubject))...)
		reset.Without = "what a capture held that crashed comes again only after AckWait, a consumer that is ahead of a stream which has lost its end " +
			"stays there, and a consumer with the ack policy AckAll is refused"
	}
	list = append(list, inboxPermission(inboxPrefix), reset, Permission{
		Subject: api + streamMessageSubject + stream, Purpose: "read single messages of the stream", try: tryOf(api+streamMessageSubject+stream, malformed),
		Without: "a stream that has lost its end is noticed only by the messages that come, and header blocks that the client cannot read are lost",
	})
	return neededFirst(list)
}

// ledgerPermissions are those for the ledger's stream, whose subjects begin with one and a random token.
func ledgerPermissions(api, name, subject string) []Permission {
	return []Permission{
		needed(api+streamInfoSubject+name, "look up the ledger"),
		creating(api+".STREAM.CREATE."+name, "create the ledger, if it is not there"),
		{
			Subject: api + ".CONSUMER.CREATE." + name + ".*", Needed: true, Purpose: "read the ledger, by consumers of random names",
			try: tryOf(api+".CONSUMER.CREATE."+name+".jetcapture", malformed),
		},
		{
			Subject: api + ".CONSUMER.MSG.NEXT." + name + ".*", Needed: true, Purpose: "read the ledger",
			try: tryOf(api+".CONSUMER.MSG.NEXT."+name+".jetcapture", malformed),
		},
		{
			Subject: api + streamMessageSubject + name, Needed: true, Purpose: "read single entries of the ledger",
			try: tryOf(api+streamMessageSubject+name, malformed), atStart: true,
		},
		{
			Subject: subject + ".>", Needed: true, Purpose: "append to the ledger",
			uses: []string{subject + ".*.>"}, try: tryOf(subject+".jetcapture.try", ""),
		},
		{Subject: api + ".STREAM.PURGE." + name, Purpose: "remove old entries of the ledger", Without: "the ledger grows"},
	}
}

// ExaminePermissions returns the least that is needed for Examine, and with fix for Fix: what Run needs, so that Examine can tell whether
// that is allowed, and a few more.
func (o *Options[P, K]) ExaminePermissions(inboxPrefix string, fix bool) []Permission {
	api := apiPrefix(o.JetStreamDomain)
	list := append(o.permissions(inboxPrefix),
		Permission{Subject: userInfoSubject, Purpose: "read the user's permissions", Without: "those that cannot be tried without a risk are not checked"},
		Permission{Subject: api + ".INFO", Purpose: "look up the account's limits", Without: "whether they leave room is not checked"},
	)
	if o.Delivery == ExactlyOnce {
		list = append(list, Permission{
			Subject: api + ".STREAM.NAMES", Purpose: "look which streams take the ledger's subjects", Without: "only the captured stream is looked at",
		})
		if fix {
			list = append(list, Permission{Subject: api + ".STREAM.UPDATE." + ledgerName(o), Purpose: "update the ledger", Without: "what is wrong with the ledger is not fixed"})
		}
	}
	if create := api + ".CONSUMER.CREATE." + o.NATSStreamName + "." + o.NATSConsumerName; fix {
		if !o.CreateConsumer {
			list = append(list, Permission{Subject: create, Needed: true, Purpose: "update the consumer"})
		}
		list = append(list, Permission{Subject: create + ".>", Needed: true, Purpose: "update the consumer, if it has a filter"})
	}
	return WithMapped(neededFirst(list))
}

// WithMapped adds to permissions for the API of a JetStream domain the same without the domain. A server that is in the domain itself maps
// the subjects before it looks at the user's permissions, others do not.
func WithMapped(list []Permission) []Permission {
	var all []Permission
	for _, p := range list {
		all = append(all, p)
		if subject := mapped(p.Subject); subject != p.Subject {
			p.Subject, p.Purpose, p.try, p.atStart = subject, p.Purpose+", of a server in the domain itself", nil, false
			all = append(all, p)
		}
	}
	return all
}

// mapped returns a subject as a server sees it that is in the domain of the subject.
func mapped(subject string) string {
	tokens := strings.SplitN(subject, ".", 4)
	if len(tokens) < 4 || tokens[0] != "$JS" || tokens[2] != "API" {
		return subject
	}
	return "$JS.API." + tokens[3]
}

// neededFirst sorts what is published to before what is subscribed to, and the needed before the others.
func neededFirst(list []Permission) []Permission {
	rank := func(p Permission) (n int) {
		if p.Subscribe {
			n += 2
		}
		if !p.Needed {
			n++
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b Permission) int { return rank(a) - rank(b) })
	return list
}

func needed(subject, purpose string) Permission {
	return Permission{Subject: subject, Needed: true, Purpose: purpose, try: tryOf(subject, "")}
}

func creating(subject, purpose string) Permission {
	return Permission{Subject: subject, Needed: true, Purpose: purpose, try: tryOf(subject, malformed), once: true}
}

func inboxPermission(prefix string) Permission {
	if prefix == "" {
		prefix = nats.InboxPrefix
	}
	prefix = withDot(prefix)
	return Permission{
		Subject: prefix + ">", Subscribe: true, Needed: true, Purpose: "get answers and messages", uses: []string{prefix + "*", prefix + "*.*"},
	}
}

func withDot(prefix string) string {
	if prefix[len(prefix)-1] == '.' {
		return prefix
	}
	return prefix + "."
}

// tryOf returns a message that no stream takes, as one on all subjects would.
func tryOf(subject, body string) *nats.Msg {
	return &nats.Msg{Subject: subject, Header: nats.Header{jetstream.ExpectedStreamHeader: {"none"}}, Data: []byte(body)}
}

// verb says what the user must be allowed to do.
func (p *Permission) verb() string {
	if p.Subscribe {
		return "subscribe"
	}
	return "publish"
}

// used are the subjects that are published or subscribed to.
func (p *Permission) used() []string {
	if p.uses != nil {
		return p.uses
	}
	return []string{p.Subject}
}
