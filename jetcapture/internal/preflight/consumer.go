package preflight

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
)

const (
	fewAckPending = 10_000  // un-acked messages; with a lower limit files are small, whatever the stream
	manyUnacked   = 50_000  // un-acked messages; to deliver more of them again is slow
	manyInFlight  = 200_000 // un-acked messages; with more a consumer on file storage is slow

	// Names of checks.
	backOff    = "BackOff"
	pauseCheck = "pause"
)

// MaxAckPending is the name of the check of that consumer setting.
const MaxAckPending = "MaxAckPending"

// checkConsumer checks the consumer's configuration and its state.
func (e *examination) checkConsumer(d *diagnosis) {
	c := &e.consumer.Config
	e.checkKind(d, c)
	e.checkAckPolicy(d, c)
	e.checkAckWait(d, c)
	e.checkMaxAckPending(d, c)
	if c.MaxDeliver > 0 {
		d.fixable(Warning, "MaxDeliver", fmt.Sprint(c.MaxDeliver),
			"a message that was delivered so often without an ack, because captures crashed, is never delivered again: it is missing from the archive without notice",
			"set MaxDeliver to -1", func(c *jetstream.ConsumerConfig) { c.MaxDeliver = -1 })
	} else {
		d.ok("MaxDeliver", "unlimited")
	}
	if len(c.BackOff) > 0 {
		d.fixable(Warning, backOff, joined(c.BackOff),
			"it replaces AckWait: messages are delivered again after these times while they are held",
			"remove BackOff", func(c *jetstream.ConsumerConfig) { c.BackOff = nil })
	} else {
		d.ok(backOff, "none")
	}
	e.checkOthers(d, c)
	e.checkPending(d)
	e.checkDelivered(d)
}

func (e *examination) checkKind(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = "InactiveThreshold"
	found := "pull, durable, of "
	if subjects := filterOf(c); len(subjects) > 0 {
		found += strings.Join(subjects, ", ")
	} else {
		found += "all subjects"
	}
	switch {
	case c.Durable == "":
		d.add(Warning, "consumer", "ephemeral",
			fmt.Sprintf("the server deletes it, with its position, after %v without a request for messages", c.InactiveThreshold),
			"create a durable consumer")
	case c.InactiveThreshold > 0 && e.stream.Config.ConsumerLimits.InactiveThreshold > 0:
		d.ok("consumer", found)
		e.addStreamThreshold(d, c.InactiveThreshold)
	case c.InactiveThreshold > 0:
		d.ok("consumer", found)
		d.fixable(Warning, check, c.InactiveThreshold.String(),
			"if no capture runs for that long, the server deletes the consumer with its position, and all messages are archived again",
			"remove InactiveThreshold", func(c *jetstream.ConsumerConfig) { c.InactiveThreshold = 0 })
	default:
		d.ok("consumer", found)
		d.ok(check, "none")
	}
}

// addStreamThreshold reports an InactiveThreshold that the stream sets for consumers without one of their own.
func (e *examination) addStreamThreshold(d *diagnosis, threshold time.Duration) {
	d.add(Warning, "InactiveThreshold", threshold.String()+", by the limits for consumers of stream "+e.stream.Config.Name,
		"if no capture runs for that long, the server deletes the consumer with its position, and all messages are archived again",
		"remove InactiveThreshold from the stream's limits for consumers, and then from the consumer")
}

func (e *examination) checkAckPolicy(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = "ack policy"
	switch {
	case c.AckPolicy == jetstream.AckExplicitPolicy:
		d.ok(check, "explicit")
	case c.AckPolicy == jetstream.AckAllPolicy && e.ExactlyOnce && e.canReset():
		d.note(check, "all", "one capture alone may use it: an ack counts for all messages before it, which costs the server less than explicit acks")
	case c.AckPolicy == jetstream.AckAllPolicy && e.ExactlyOnce:
		d.add(Fatal, check, "all", "an ack counts for all messages before it, which a capture supports only if the server can reset the consumer",
			"create another consumer, with explicit acks, or upgrade nats-server to 2.14 or later")
	case c.AckPolicy == jetstream.AckAllPolicy:
		d.add(Fatal, check, "all", "an ack counts for all messages before it, stored or not",
			"create another consumer, with explicit acks, or use exactly-once delivery by a single capture")
	default:
		d.add(Fatal, check, c.AckPolicy.String(), "a message counts as done when it is delivered, whether it is stored or not",
			"create another consumer, with explicit acks")
	}
}

func (e *examination) checkAckWait(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = "AckWait"
	change := fmt.Sprintf("set AckWait to %v or more", e.wanted.AckWait)
	fix := func(c *jetstream.ConsumerConfig) { c.AckWait = e.wanted.AckWait }
	switch {
	case c.AckWait < e.Interval+e.Grace:
		d.fixable(Warning, check, c.AckWait.String(),
			fmt.Sprintf("it is below the interval of %v, so messages are delivered again while they are held", e.Interval),
			change, fix)
	case c.AckWait < e.wanted.AckWait:
		d.fixable(Advice, check, c.AckWait.String(),
			fmt.Sprintf("messages are held for the interval of %v and until they are stored: if the store is slow, they are delivered again", e.Interval),
			change, fix)
	default:
		d.ok(check, c.AckWait.String())
	}
}

func (e *examination) checkMaxAckPending(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = MaxAckPending
	limit := c.MaxAckPending
	wanted, most := e.wanted.MaxAckPending, e.mostAckPending()
	if most > 0 {
		wanted = min(wanted, most)
	}
	add := func(severity Severity, why string) {
		if limit >= wanted {
			d.add(severity, check, fmt.Sprintf("%d, and stream and account allow a consumer no more than %d", limit, most), why,
				fmt.Sprintf("allow a MaxAckPending of %d to consumers of stream %s, by its limits for consumers and those of the account", e.wanted.MaxAckPending, e.stream.Config.Name))
			return
		}
		d.fixable(severity, check, fmt.Sprint(limit), why, fmt.Sprintf("set MaxAckPending to %d", wanted),
			func(c *jetstream.ConsumerConfig) { c.MaxAckPending = wanted })
	}
	rate := 0.0
	if len(filterOf(c)) == 0 {
		rate = e.perInterval()
	}
	switch {
	case limit <= 0:
		d.ok(check, "unlimited")
	case limit < min(e.MaxInFlight, fewAckPending):
		add(Warning, "all captures together may hold no more messages and seal files at half of it, so files are small")
	case rate > float64(limit)/2 && limit < e.wanted.MaxAckPending:
		add(Warning, fmt.Sprintf("some %.0f messages come in an interval of %v, and files are sealed early, when captures hold half of MaxAckPending", rate, e.Interval))
	case limit < e.MaxInFlight:
		add(Advice, fmt.Sprintf("it is below Options.MaxInFlight (%d), which a single capture may hold, and all captures share it", e.MaxInFlight))
	default:
		d.ok(check, fmt.Sprint(limit))
	}
	if held := float64(e.MaxInFlight) / 2; rate > held {
		d.add(Advice, "MaxInFlight", fmt.Sprint(e.MaxInFlight),
			fmt.Sprintf("some %.0f messages come in an interval of %v, and a capture seals files early when it holds half of Options.MaxInFlight", rate, e.Interval),
			"run several captures on the consumer, or make intervals shorter, or raise Options.MaxInFlight")
	}
}

// mostAckPending returns the MaxAckPending that the stream and the account allow a consumer, as far as that is known, 0 for no limit.
func (e *examination) mostAckPending() int {
	most := e.allowed
	if n := e.stream.Config.ConsumerLimits.MaxAckPending; n > 0 && (most <= 0 || n < most) {
		most = n
	}
	return max(most, 0)
}

// checkOthers checks settings that are seldom used.
func (e *examination) checkOthers(d *diagnosis, c *jetstream.ConsumerConfig) {
	if len(c.PriorityGroups) > 0 {
		d.add(Fatal, "priority groups", strings.Join(c.PriorityGroups, ", "), "the server does not answer requests without a group, and a capture sends no others",
			"create another consumer, without priority groups")
	}
	if c.HeadersOnly {
		d.add(Warning, "HeadersOnly", "set", "payloads are not delivered, so files have none", "unset HeadersOnly")
	}
	if c.ReplayPolicy == jetstream.ReplayOriginalPolicy {
		d.add(Warning, "replay policy", "original", "messages come no faster than they were published, so the capture never catches up with a backlog",
			"create another consumer, with replay policy instant")
	}
	if e.consumer.Paused {
		d.add(Warning, pauseCheck, e.consumer.PauseRemaining.Round(time.Second).String()+" to go", "nothing is delivered until then", "resume the consumer")
	}
	replicas := c.Replicas
	if replicas == 0 {
		replicas = e.stream.Config.Replicas
	}
	switch large := e.MaxInFlight > manyInFlight && c.MaxAckPending != 0 && (c.MaxAckPending < 0 || c.MaxAckPending > manyInFlight); {
	case c.MemoryStorage && replicas < 2:
		d.add(Warning, "storage", "memory, of one server",
			"when that server restarts, the consumer is gone or starts again: all messages are archived again, except those that the ledger remembers",
			"create another consumer with 3 replicas, or on file storage")
	case !c.MemoryStorage && large && e.stream.Config.Storage == jetstream.FileStorage:
		d.add(Advice, "storage", "file",
			fmt.Sprintf("with more than %d un-acked messages, a consumer in memory is several times as fast", manyInFlight),
			"create another consumer with memory storage and 3 replicas, or keep Options.MaxInFlight lower")
	}
}

// checkPending checks the messages that were delivered and not acknowledged.
func (e *examination) checkPending(d *diagnosis) {
	const check = "un-acked messages"
	i := e.consumer
	n := i.NumAckPending
	found := fmt.Sprintf("%d, and %d to be delivered", n, i.NumPending)
	idle := i.NumWaiting == 0 // nobody pulls
	switch {
	case idle && n >= e.ResumeFrom && e.ExactlyOnce && e.canReset():
		d.note(check, found, "nobody asks for messages, so a capture was killed while it held these. The next capture resets the consumer, and they are delivered at once")
	case idle && n >= manyUnacked:
		d.add(Warning, check, found,
			"nobody asks for messages, so a capture was killed while it held these. They are delivered again after AckWait, which takes long for so many, and new messages wait",
			"use exactly-once delivery and nats-server 2.14 or later, so that a capture resets the consumer when it starts")
	case i.Config.MaxAckPending > 0 && n >= i.Config.MaxAckPending:
		d.add(Warning, check, found, "they have reached MaxAckPending: the server delivers no new message until some are acked",
			fmt.Sprintf("make sure that a capture runs and its store works, and set MaxAckPending to %d", max(e.wanted.MaxAckPending, 2*i.Config.MaxAckPending)))
	case i.NumRedelivered >= manyUnacked:
		d.add(Warning, check, found+fmt.Sprintf(", %d delivered again", i.NumRedelivered),
			"to deliver so many expired messages again takes long, and new messages wait",
			"set AckWait above the time that messages are held")
	default:
		d.ok(check, found)
	}
}

// checkDelivered checks that the consumer is not ahead of the stream.
func (e *examination) checkDelivered(d *diagnosis) {
	const check = "delivered up to"
	delivered, last := e.consumer.Delivered.Stream, e.stream.State.LastSeq
	found := fmt.Sprintf("sequence %d, the stream ends at %d", delivered, last)
	if !jsapi.IsAhead(e.consumer, &e.stream.State) {
		d.ok(check, found)
		return
	}
	why := fmt.Sprintf("the stream has lost its last messages, for example because a server stopped before it had written them to disk, and uses their sequences again: new messages up to sequence %d would never be delivered", delivered)
	recreate := fmt.Sprintf("create another consumer that starts at the first new sequence, at most %d", last+1)
	if e.canReset() {
		d.add(Warning, check, found, why, fmt.Sprintf("start a capture: it resets the consumer to sequence %d or before. If messages below that are new too, %s",
			min(e.consumer.AckFloor.Stream, last)+1, recreate))
		return
	}
	d.add(Fatal, check, found, why, recreate)
}

// filterOf returns the filter subjects of a consumer, none for all subjects.
func filterOf(c *jetstream.ConsumerConfig) []string {
	if c.FilterSubject != "" && c.FilterSubject != ">" {
		return []string{c.FilterSubject}
	}
	return c.FilterSubjects
}

func joined(durations []time.Duration) string {
	var all []string
	for _, d := range durations {
		all = append(all, d.String())
	}
	return strings.Join(all, ", ")
}
