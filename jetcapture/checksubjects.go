package jetcapture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// checkSubjects looks whether the stream takes what the server and a capture send each other, as one that listens on ">" or "*.*" does.
// What is sent to an inbox it takes under the message's own subject, so that no filter keeps the consumer from delivering it again.
func (e *examination) checkSubjects(d *diagnosis) {
	const check = "stream's subjects"
	t := trafficOf(e.inbox, e.stream.Config.Name, cmp.Or(e.config().Durable, e.config().Name))
	subjects := strings.Join(e.stream.Config.Subjects, ", ")
	const narrower = "give the stream narrower subjects"
	switch {
	case e.takes(t.inbox):
		d.add(SeverityFatal, check, subjects,
			fmt.Sprintf("the stream takes what the server sends to the inbox %s.*: each message that is archived comes again, without end", e.inbox), e.otherInbox()+narrower)
	case e.delivers(t.acks):
		d.add(SeverityFatal, check, subjects, "the stream takes the acks of captures, and the consumer delivers them: each message that is archived makes another one, without end",
			narrower+", or use a consumer of another name whose filter subjects are those that are to be archived")
	case e.delivers(t.answers):
		d.add(SeverityWarning, check, subjects, fmt.Sprintf("the stream takes what the server answers to captures, on %s.*.*, or what they ask for, and the consumer delivers it: it is archived", e.inbox),
			e.otherInbox()+narrower)
	case e.takes(t.acks):
		d.add(SeverityWarning, check, subjects, "the stream takes the acks of captures: it grows by a message for each that is archived, which the consumer does not deliver", narrower)
	case subjects == "":
		d.ok(check, "none of its own")
	default:
		d.ok(check, subjects)
	}
}

// otherInbox proposes an inbox that the stream does not take, if there is one.
func (e *examination) otherInbox() string {
	for _, prefix := range []string{"_INBOX.jc", "_INBOX.jc.capture", "_INBOX.jc.capture.answers"} {
		t := trafficOf(prefix, e.stream.Config.Name, cmp.Or(e.config().Durable, e.config().Name))
		if !e.takes(slices.Concat(t.inbox, t.answers)) && !e.takes(t.acks) {
			return fmt.Sprintf("connect with the inbox prefix %s, or ", prefix)
		}
	}
	return ""
}

// traffic are examples of the subjects that a capture and the server use.
type traffic struct {
	acks    []string
	inbox   []string // of messages
	answers []string // to all that is asked for, and the requests themselves
}

// anyID stands for what is different in each subject, an id or a number. So only a wildcard matches it.
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

// takes reports whether the stream takes messages of some of these subjects.
func (e *examination) takes(subjects []string) bool {
	return anyCollide(e.stream.Config.Subjects, subjects)
}

// delivers reports whether the stream takes messages of some of these subjects, and the consumer delivers them.
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
		return slices.ContainsFunc(others, func(b string) bool { return collide(a, b) })
	})
}

// inboxOf returns what the inboxes of a connection begin with.
func inboxOf(nc *nats.Conn) string {
	inbox := nc.NewInbox()
	return inbox[:strings.LastIndexByte(inbox, '.')]
}
