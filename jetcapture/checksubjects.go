package jetcapture

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// checkSubjects looks whether the stream takes what the server and a capture send each other, as one that listens on ">" or "*.*" does.
// What is sent to an inbox it takes under the message's own subject, so that no filter keeps the consumer from delivering it again.
func (e *examination) checkSubjects(d *diagnosis) {
	const check = "stream's subjects"
	t := trafficOf(e.inbox, e.stream.Config.Name, e.config().Durable)
	subjects := strings.Join(e.stream.Config.Subjects, ", ")
	const narrower = "give the stream narrower subjects"
	switch {
	case e.takes(t.inbox):
		d.add(SeverityFatal, check, subjects,
			fmt.Sprintf("the stream takes what the server sends to the inbox %s: each message that is archived comes again, without end", t.inbox[0]), e.otherInbox()+narrower)
	case e.delivers(t.acks):
		d.add(SeverityFatal, check, subjects, "the stream takes the acks of captures, and the consumer delivers them: each message that is archived makes another one, without end",
			narrower+", or use a consumer of another name whose filter subjects are those that are to be archived")
	case e.delivers(t.answers):
		d.add(SeverityWarning, check, subjects, fmt.Sprintf("the stream takes what the server answers to captures, on %s and the like, and the consumer delivers it: it is archived", t.answers[0]),
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
		t := trafficOf(prefix, e.stream.Config.Name, "")
		if !e.takes(slices.Concat(t.inbox, t.answers)) && !e.takes(t.acks) {
			return fmt.Sprintf("connect with the inbox prefix %s, or ", prefix)
		}
	}
	return ""
}

// traffic are patterns of the subjects that a capture and the server use.
type traffic struct {
	acks    []string
	inbox   []string // of messages
	answers []string // to all that is asked for, and the requests themselves
}

func trafficOf(inbox, stream, consumer string) traffic {
	if consumer == "" {
		consumer = "*"
	}
	ack := stream + "." + consumer + ".*.*.*.*.*"
	return traffic{
		acks:    []string{"$JS.ACK." + ack, "$JS.ACK.*.*." + ack, "$JS.ACK.*.*." + ack + ".*"},
		inbox:   []string{inbox + ".*"},
		answers: []string{inbox + ".*.*", "$JS.API.CONSUMER.MSG.NEXT." + stream + "." + consumer},
	}
}

// takes reports whether the stream takes messages of some of these subjects.
func (e *examination) takes(patterns []string) bool {
	return anyCollide(e.stream.Config.Subjects, patterns)
}

// delivers reports whether the stream takes messages of some of these subjects, and the consumer delivers them.
func (e *examination) delivers(patterns []string) bool {
	filter := filterOf(e.config())
	for _, p := range patterns {
		if e.takes([]string{p}) && (len(filter) == 0 || anyCollide(filter, []string{p})) {
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
