package preflight

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// checkSubjects checks whether the stream stores the traffic between the server and a capture, as a stream on ">" or "*.*" does. It stores
// a message to an inbox under the message's own subject, so no filter keeps the consumer from delivering it again.
func (e *examination) checkSubjects(d *diagnosis) {
	const check = "stream's subjects"
	t := trafficOf(e.inbox, e.stream.Config.Name, cmp.Or(e.config().Durable, e.config().Name))
	subjects := strings.Join(e.stream.Config.Subjects, ", ")
	const narrower = "give the stream narrower subjects"
	switch {
	case e.takes(t.inbox):
		d.add(Fatal, check, subjects,
			fmt.Sprintf("the stream stores the messages that the server sends to the inbox %s.*: each message that is archived comes again, without end", e.inbox), e.otherInbox()+narrower)
	case e.delivers(t.acks):
		d.add(Fatal, check, subjects, "the stream stores the acks of captures, and the consumer delivers them: each archived message makes another one, without end",
			narrower+", or use a consumer of another name whose filter subjects are the subjects to archive")
	case e.delivers(t.answers):
		d.add(Warning, check, subjects, fmt.Sprintf("the stream stores the requests of captures, or the answers on %s.*.*, and the consumer delivers them: each of them is archived", e.inbox),
			e.otherInbox()+narrower)
	case e.takes(t.acks):
		d.add(Warning, check, subjects, "the stream stores the acks of captures: it grows by a message for each archived one, which the consumer does not deliver", narrower)
	case subjects == "":
		d.ok(check, "none of its own")
	default:
		d.ok(check, subjects)
	}
}

// otherInbox proposes an inbox prefix that the stream does not match, if there is one.
func (e *examination) otherInbox() string {
	for _, prefix := range []string{"_INBOX.jc", "_INBOX.jc.capture", "_INBOX.jc.capture.answers"} {
		t := trafficOf(prefix, e.stream.Config.Name, cmp.Or(e.config().Durable, e.config().Name))
		if !e.takes(slices.Concat(t.inbox, t.answers)) && !e.takes(t.acks) {
			return fmt.Sprintf("set nats.CustomInboxPrefix to %s, or ", prefix)
		}
	}
	return ""
}

// traffic has examples of the subjects that a capture and the server use.
type traffic struct {
	acks    []string
	inbox   []string // of messages
	answers []string // to requests, and the requests themselves
}

// anyID stands for an id or a number, which differs in each subject. Only a wildcard matches it.
const anyID = "0any0"

func trafficOf(inbox, stream, consumer string) traffic {
	numbers := strings.Repeat("."+anyID, 5) // deliveries, two sequences, the time and what is pending
	ack := stream + "." + cmp.Or(consumer, anyID) + numbers
	domain := anyID + "." + anyID + "." // and the hash of the account
	return traffic{
		acks:    []string{"$JS.ACK." + ack, "$JS.ACK." + domain + ack, "$JS.ACK." + domain + ack + "." + anyID},
		inbox:   []string{inbox + "." + anyID},
		answers: []string{inbox + "." + anyID + "." + anyID, "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + cmp.Or(consumer, anyID)},
	}
}

// takes reports whether the stream stores messages of some of these subjects.
func (e *examination) takes(subjects []string) bool {
	return anyCollide(e.stream.Config.Subjects, subjects)
}

// delivers reports whether the stream stores messages of some of these subjects, and the consumer delivers them.
func (e *examination) delivers(subjects []string) bool {
	filter := filterOf(e.config())
	for _, s := range subjects {
		if e.takes([]string{s}) && (len(filter) == 0 || anyCollide(filter, []string{s})) {
			return true
		}
	}
	return false
}

func anyCollide(some, others []string) bool {
	return slices.ContainsFunc(some, func(a string) bool {
		return slices.ContainsFunc(others, func(b string) bool { return permission.Collide(a, b) })
	})
}

// inboxOf returns the prefix of the inboxes of a connection.
func inboxOf(nc *nats.Conn) string {
	inbox := nc.NewInbox()
	return inbox[:strings.LastIndexByte(inbox, '.')]
}
