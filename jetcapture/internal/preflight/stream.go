package preflight

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const limitReached = 0.9 // of a limit; a stream that has more deletes messages

// checkStream checks whether the stream keeps its messages until they are archived.
func (e *examination) checkStream(d *diagnosis) {
	c, s := &e.stream.Config, &e.stream.State
	found := fmt.Sprintf("%d messages of %d bytes, %s storage, %s", s.Msgs, s.Bytes, word(c.Storage), replicas(c.Replicas))
	if c.Storage == jetstream.MemoryStorage && c.Replicas < 2 {
		d.add(Advice, "stream", found, "messages that are not archived yet are lost when the server restarts", "keep the stream on file storage, or on 3 replicas")
	} else {
		d.ok("stream", found)
	}
	if c.PersistMode == jetstream.AsyncPersistMode {
		d.add(Warning, "stream's persist mode", "async", "the server confirms messages before they are written: when it dies the latest are lost, and new messages get their sequences",
			"create another stream with the default persist mode: the mode of a stream cannot be changed")
	}
	e.checkPolicy(d, c)
	e.checkMaxAge(d, c)
	if c.Discard == jetstream.DiscardOld {
		e.checkSize(d, "stream's MaxMsgs", c.MaxMsgs, float64(s.Msgs), "messages")
		e.checkSize(d, "stream's MaxBytes", c.MaxBytes, float64(s.Bytes), "bytes")
		if n := c.MaxMsgsPerSubject; n > 0 {
			e.checkPerSubject(d, n)
		}
	}
	if c.AllowMsgTTL || c.AllowRollup {
		d.note("stream's TTLs and rollups", "allowed", "a publisher may have messages deleted before they are archived")
	}
}

func (e *examination) checkPolicy(d *diagnosis, c *jetstream.StreamConfig) {
	const check = "stream's retention"
	switch {
	case c.Retention == jetstream.InterestPolicy && e.consumer == nil:
		d.add(Warning, check, "interest", "messages that are published before the consumer exists are dropped", "create the consumer before anything is published")
	case c.Retention == jetstream.InterestPolicy:
		d.note(check, "interest", "messages that all consumers have acked are deleted, and all messages when the last consumer is deleted: the files are then their only copy")
	case c.Retention == jetstream.WorkQueuePolicy:
		d.note(check, "work queue", "an ack deletes the message: the files are its only copy")
	default:
		d.ok(check, "limits")
	}
}

func (e *examination) checkMaxAge(d *diagnosis, c *jetstream.StreamConfig) {
	const check = "stream's MaxAge"
	switch {
	case c.MaxAge <= 0:
		d.ok(check, "unlimited")
	case c.MaxAge < e.exposed():
		d.add(Warning, check, c.MaxAge.String(), e.tooShort(), fmt.Sprintf("set the stream's MaxAge to %v or more", e.exposed().Round(time.Second)))
	default:
		d.ok(check, e.spare(c.MaxAge))
	}
}

// checkSize checks a limit of which so much is used.
func (e *examination) checkSize(d *diagnosis, check string, limit int64, used float64, unit string) {
	if limit <= 0 {
		d.ok(check, "unlimited")
		return
	}
	found := fmt.Sprintf("%d", limit)
	span := e.stream.State.LastTime.Sub(e.stream.State.FirstTime)
	reached := used >= limitReached*float64(limit)
	if used == 0 || span < e.Interval && !reached {
		d.ok(check, found) // it is not known yet how long that lasts
		return
	}
	kept := time.Duration(min(float64(span)*float64(limit)/used, float64(100*365*24*time.Hour)))
	if kept >= e.exposed() {
		d.ok(check, found+", which is "+e.spare(kept.Round(time.Second)))
		return
	}
	needed := float64(limit) * float64(e.exposed()) / float64(max(kept, 1))
	change := fmt.Sprintf("set it to %.0f %s or more, or to -1 beside a MaxAge of %v", max(needed, float64(limit)), unit, e.exposed().Round(time.Second))
	d.add(Warning, check, fmt.Sprintf("%s, which is %v of messages", found, kept.Round(time.Millisecond)), e.tooShort(), change)
}

func (e *examination) checkPerSubject(d *diagnosis, n int64) {
	const check = "stream's MaxMsgsPerSubject"
	if n >= int64(e.MaxInFlight) {
		d.ok(check, fmt.Sprint(n))
		return
	}
	d.add(Warning, check, fmt.Sprint(n),
		"if a subject has more messages the oldest are deleted, archived or not: messages that are published while no capture runs may be lost",
		"set it to -1, if every message is to be archived")
}

func (e *examination) tooShort() string {
	return fmt.Sprintf("a message may be held for %v, and is delivered again after %v if a capture crashes: by then the stream may have deleted it, and it is lost",
		e.holding().Round(time.Second), e.config().AckWait)
}

// spare describes how long a stream keeps messages.
func (e *examination) spare(kept time.Duration) string {
	return fmt.Sprintf("%v: captures may stop for %v without a loss", kept, max(0, kept-e.exposed()).Round(time.Second))
}

func replicas(n int) string {
	if n <= 1 {
		return "1 replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

func word(s jetstream.StorageType) string {
	if s == jetstream.MemoryStorage {
		return "memory"
	}
	return "file"
}
