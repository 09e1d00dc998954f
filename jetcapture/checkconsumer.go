package jetcapture

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	fewAckPending = 10_000  // un-acked messages, below which files are small whatever the stream
	manyUnacked   = 50_000  // un-acked messages of which redelivery is slow
	manyInFlight  = 200_000 // un-acked messages that a consumer in a file keeps track of without much effort

	// Names of checks.
	backOff      = "BackOff"
	pauseCheck   = "pause"
	pendingCheck = "MaxAckPending"
)

// checkConsumer looks at the consumer's configuration, and at its state.
func (e *examination) checkConsumer(d *diagnosis) {
	c := &e.consumer.Config
	e.checkKind(d, c)
	e.checkAckPolicy(d, c)
	e.checkAckWait(d, c)
	e.checkMaxAckPending(d, c)
	if c.MaxDeliver > 0 {
		d.fixable(SeverityWarning, "MaxDeliver", fmt.Sprint(c.MaxDeliver),
			"a message that was delivered so often without an ack, as when captures crash, is never delivered again: it is lost to the archive without a word",
			"set MaxDeliver to -1", func(c *jetstream.ConsumerConfig) { c.MaxDeliver = -1 })
	} else {
		d.ok("MaxDeliver", "unlimited")
	}
	if len(c.BackOff) > 0 {
		d.fixable(SeverityWarning, backOff, joined(c.BackOff),
			"it overrides AckWait: held messages are delivered again when it says so",
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
		d.add(SeverityWarning, "consumer", "ephemeral",
			fmt.Sprintf("the server deletes it, and its position, when nobody has pulled for %v", c.InactiveThreshold),
			"create a durable consumer")
	case c.InactiveThreshold > 0 && e.stream.Config.ConsumerLimits.InactiveThreshold > 0:
		d.ok("consumer", found)
		e.addStreamThreshold(d, c.InactiveThreshold)
	case c.InactiveThreshold > 0:
		d.ok("consumer", found)
		d.fixable(SeverityWarning, check, c.InactiveThreshold.String(),
			"the server deletes the consumer, and its position, when no capture has run for so long: all messages are archived again",
			"remove InactiveThreshold", func(c *jetstream.ConsumerConfig) { c.InactiveThreshold = 0 })
	default:
		d.ok("consumer", found)
		d.ok(check, "none")
	}
}

// addStreamThreshold reports an InactiveThreshold that the stream gives to all of its consumers that have none of their own.
func (e *examination) addStreamThreshold(d *diagnosis, threshold time.Duration) {
	d.add(SeverityWarning, "InactiveThreshold", threshold.String()+", by the limits for consumers of stream "+e.stream.Config.Name,
		"the server deletes the consumer, and its position, when no capture has run for so long: all messages are archived again",
		"remove InactiveThreshold from the stream's limits for consumers, and then from the consumer")
}

func (e *examination) checkAckPolicy(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = "ack policy"
	switch {
	case c.AckPolicy == jetstream.AckExplicitPolicy:
		d.ok(check, "explicit")
	case c.AckPolicy == jetstream.AckAllPolicy && e.delivery == ExactlyOnce && e.canReset():
		d.note(check, "all", "one capture alone may run on it: an ack stands for all messages before it. It costs the server less than explicit acks")
	case c.AckPolicy == jetstream.AckAllPolicy && e.delivery == ExactlyOnce:
		d.add(SeverityFatal, check, "all", "an ack stands for all messages before it, which a capture can serve only where it can reset the consumer",
			"create another consumer, with explicit acks, or upgrade nats-server to 2.14 or later")
	case c.AckPolicy == jetstream.AckAllPolicy:
		d.add(SeverityFatal, check, "all", "an ack stands for all messages before it, stored or not",
			"create another consumer, with explicit acks, or use exactly-once delivery by a single capture")
	default:
		d.add(SeverityFatal, check, c.AckPolicy.String(), "what is delivered counts as done, whether it is stored or not",
			"create another consumer, with explicit acks")
	}
}

func (e *examination) checkAckWait(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = "AckWait"
	change := fmt.Sprintf("set AckWait to %v or more", e.wanted.AckWait)
	fix := func(c *jetstream.ConsumerConfig) { c.AckWait = e.wanted.AckWait }
	switch {
	case c.AckWait < e.interval+e.grace:
		d.fixable(SeverityWarning, check, c.AckWait.String(),
			fmt.Sprintf("it is below the interval of %v for which messages are held, so they are delivered again and again", e.interval),
			change, fix)
	case c.AckWait < e.wanted.AckWait:
		d.fixable(SeverityAdvice, check, c.AckWait.String(),
			fmt.Sprintf("messages are held for an interval of %v and until they are stored: when the store is slow, they are delivered again meanwhile", e.interval),
			change, fix)
	default:
		d.ok(check, c.AckWait.String())
	}
}

func (e *examination) checkMaxAckPending(d *diagnosis, c *jetstream.ConsumerConfig) {
	const check = pendingCheck
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
	case limit < min(e.maxInFlight, fewAckPending):
		add(SeverityWarning, "all captures together may hold no more: files are sealed at half of it, and are small")
	case rate > float64(limit)/2 && limit < e.wanted.MaxAckPending:
		add(SeverityWarning, fmt.Sprintf("some %.0f messages come in an interval of %v, and files are sealed when half of MaxAckPending is held", rate, e.interval))
	case limit < e.maxInFlight:
		add(SeverityAdvice, fmt.Sprintf("it is below the %d of MaxInFlight that a single capture may hold, and several share it", e.maxInFlight))
	default:
		d.ok(check, fmt.Sprint(limit))
	}
	if held := float64(e.maxInFlight) / 2; rate > held {
		d.add(SeverityAdvice, "MaxInFlight", fmt.Sprint(e.maxInFlight),
			fmt.Sprintf("some %.0f messages come in an interval of %v, and a capture seals files early when it holds half of MaxInFlight", rate, e.interval),
			"run several captures on the consumer, or make intervals shorter, or raise MaxInFlight")
	}
}

// mostAckPending is what the stream and the account allow a consumer, as far as that is known, 0 for no limit.
func (e *examination) mostAckPending() int {
	most := e.allowed
	if n := e.stream.Config.ConsumerLimits.MaxAckPending; n > 0 && (most <= 0 || n < most) {
		most = n
	}
	return max(most, 0)
}

// checkOthers looks at settings that few have.
func (e *examination) checkOthers(d *diagnosis, c *jetstream.ConsumerConfig) {
	if len(c.PriorityGroups) > 0 {
		d.add(SeverityFatal, "priority groups", strings.Join(c.PriorityGroups, ", "), "requests that name no group, as those of a capture, are not served",
			"create another consumer, without priority groups")
	}
	if c.HeadersOnly {
		d.add(SeverityWarning, "HeadersOnly", "set", "payloads are not delivered, so files have none", "unset HeadersOnly")
	}
	if c.ReplayPolicy == jetstream.ReplayOriginalPolicy {
		d.add(SeverityWarning, "replay policy", "original", "messages come no faster than they were published: a backlog is never caught up with",
			"create another consumer, with replay policy instant")
	}
	if e.consumer.Paused {
		d.add(SeverityWarning, pauseCheck, e.consumer.PauseRemaining.Round(time.Second).String()+" to go", "nothing is delivered until then", "resume the consumer")
	}
	replicas := c.Replicas
	if replicas == 0 {
		replicas = e.stream.Config.Replicas
	}
	switch large := e.maxInFlight > manyInFlight && c.MaxAckPending != 0 && (c.MaxAckPending < 0 || c.MaxAckPending > manyInFlight); {
	case c.MemoryStorage && replicas < 2:
		d.add(SeverityWarning, "storage", "memory, of one server",
			"when that restarts the consumer is gone, or begins again: all messages are archived again, but for those that the ledger remembers",
			"create another consumer with 3 replicas, or on file storage")
	case !c.MemoryStorage && large && e.stream.Config.Storage == jetstream.FileStorage:
		d.add(SeverityAdvice, "storage", "file",
			fmt.Sprintf("with more than %d un-acked messages, a consumer in memory delivers, and takes acks, several times as fast", manyInFlight),
			"create another consumer with memory storage and 3 replicas, or keep MaxInFlight lower")
	}
}

// checkPending looks at what was delivered and not acknowledged.
func (e *examination) checkPending(d *diagnosis) {
	const check = "un-acked messages"
	i := e.consumer
	n := i.NumAckPending
	found := fmt.Sprintf("%d, and %d to be delivered", n, i.NumPending)
	idle := i.NumWaiting == 0 // nobody pulls
	switch {
	case idle && n >= resumeFrom && e.delivery == ExactlyOnce && e.canReset():
		d.note(check, found, "nobody pulls, so a capture was killed with these. The next one resets the consumer, and they are delivered at once")
	case idle && n >= manyUnacked:
		d.add(SeverityWarning, check, found,
			"nobody pulls, so a capture was killed with these. They are delivered again after AckWait, so many of them slowly, and new ones meanwhile hardly at all",
			"use exactly-once delivery and nats-server 2.14 or later: a capture then resets the consumer when it begins")
	case i.Config.MaxAckPending > 0 && n >= i.Config.MaxAckPending:
		d.add(SeverityWarning, check, found, "they have reached MaxAckPending: nothing new is delivered until some are acked",
			fmt.Sprintf("see that a capture runs and its store works, and set MaxAckPending to %d", max(e.wanted.MaxAckPending, 2*i.Config.MaxAckPending)))
	case i.NumRedelivered >= manyUnacked:
		d.add(SeverityWarning, check, found+fmt.Sprintf(", %d delivered again", i.NumRedelivered),
			"so many expired messages are delivered slowly, and new ones meanwhile hardly at all",
			"set AckWait above the time that messages are held")
	default:
		d.ok(check, found)
	}
}

// checkDelivered looks whether the consumer stands where the stream has been.
func (e *examination) checkDelivered(d *diagnosis) {
	const check = "delivered up to"
	delivered, last := e.consumer.Delivered.Stream, e.stream.State.LastSeq
	found := fmt.Sprintf("sequence %d, the stream ends at %d", delivered, last)
	if !isAhead(e.consumer, &e.stream.State) {
		d.ok(check, found)
		return
	}
	why := fmt.Sprintf("the stream has lost its end, as when a server stops before it has written it to disk, and uses the sequences again: new messages up to sequence %d would never be delivered", delivered)
	again := fmt.Sprintf("create another consumer, that starts at the first sequence that is new, at most %d", last+1)
	if e.canReset() {
		d.add(SeverityWarning, check, found, why, fmt.Sprintf("start a capture: it resets the consumer to sequence %d or before. If messages below that are new, too, %s",
			min(e.consumer.AckFloor.Stream, last)+1, again))
		return
	}
	d.add(SeverityFatal, check, found, why, again)
}

// filterOf returns the subjects that a consumer has, none for all.
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
