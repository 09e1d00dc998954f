package jetcapture

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// An examination holds a stream and a consumer against what a capture does to them. Run looks at its findings before it
// begins, and Examine shows them. It does no I/O.
type examination struct {
	delivery    Delivery
	interval    time.Duration // that a block may stay open
	grace       time.Duration
	maxInFlight int
	retention   time.Duration // of the ledger, as far as it is set

	missing  []Permission // of the connection's user
	stream   *jetstream.StreamInfo
	consumer *jetstream.ConsumerInfo // nil if it is not there yet
	wanted   *jetstream.ConsumerConfig
	server   string    // version of the one that is connected to
	inbox    string    // what the connection's inboxes begin with
	allowed  int       // the MaxAckPending that the account allows a consumer, 0 if that is not known or has no limit
	asked    time.Time // when consumer was asked for, and answered; zero if that is not known
	answered time.Time
}

func examinationOf[P Payload, K DestKey](o *Options[P, K], b *binding, nc *nats.Conn) *examination {
	e := &examination{
		delivery: o.Delivery, interval: o.openTime(), grace: o.Grace, maxInFlight: o.MaxInFlight, retention: o.LedgerRetention,
		stream: b.stream, wanted: captureConsumer(o.NATSConsumerName, o.openTime(), o.MaxInFlight),
		server: nc.ConnectedServerVersion(), inbox: inboxOf(nc), asked: b.asked, answered: b.answered,
	}
	if b.consumer != nil {
		e.consumer = b.consumer.CachedInfo()
		if b.lowered {
			e.allowed = e.consumer.Config.MaxAckPending
		}
	}
	return e
}

func (e *examination) findings() []Finding {
	var d diagnosis
	e.checkServer(&d)
	e.checkClock(&d)
	e.checkStream(&d)
	e.checkSubjects(&d)
	if e.consumer != nil {
		e.checkConsumer(&d)
	}
	e.checkRetention(&d)
	return d
}

// config is that of the consumer as it is or will be made.
func (e *examination) config() *jetstream.ConsumerConfig {
	if e.consumer != nil {
		return &e.consumer.Config
	}
	return e.wanted
}

// storing is how long it may take to store a block, with some retries.
func (e *examination) storing() time.Duration { return e.wanted.AckWait - e.interval }

// holding is how long a capture may hold a message un-acknowledged when all is well.
func (e *examination) holding() time.Duration { return e.interval + e.grace + e.storing() }

// exposed is how long a message must stay in the stream: until a capture that crashed with it lets it come again, and the
// next one has stored it.
func (e *examination) exposed() time.Duration {
	return max(e.config().AckWait, e.holding()) + e.holding()
}

func (e *examination) ledgerRetention() time.Duration {
	return ledgerRetention(e.retention, e.interval, e.grace, e.config().AckWait)
}

// perInterval estimates how many messages come in an interval, by what is in the stream. It returns 0 where that spans too
// little time to tell.
func (e *examination) perInterval() float64 {
	s := e.stream.State
	span := s.LastTime.Sub(s.FirstTime)
	if s.Msgs < 2 || span < e.interval {
		return 0
	}
	return float64(s.Msgs) * float64(e.interval) / float64(span)
}

// checkClock compares the clock here with the server's, by the time in an answer and when that was asked for and came.
func (e *examination) checkClock(d *diagnosis) {
	const check = "clock"
	if e.consumer == nil || e.consumer.TimeStamp.IsZero() || e.asked.IsZero() {
		return
	}
	there := e.consumer.TimeStamp
	var skew time.Duration // at least
	direction := ""
	switch {
	case there.Before(e.asked):
		skew, direction = e.asked.Sub(there), "ahead of"
	case there.After(e.answered):
		skew, direction = there.Sub(e.answered), "behind"
	}
	if skew <= max(e.grace, time.Second) {
		d.ok(check, "that of the server, within "+max(skew, e.answered.Sub(e.asked), time.Millisecond).Round(time.Millisecond).String())
		return
	}
	why := "a quiet stream's intervals are taken to end when this clock says so"
	if direction == "ahead of" {
		why += ", too early: what comes then makes more files"
	} else {
		why += ", too late"
	}
	d.add(SeverityWarning, check, skew.Round(100*time.Millisecond).String()+" "+direction+" the server's",
		why+". Clouds refuse requests of clocks that are minutes off",
		"synchronise the clocks here and at the server by NTP")
}

// checkRetention looks at what the ledger is asked to remember.
func (e *examination) checkRetention(d *diagnosis) {
	const check = "ledger retention"
	if e.delivery != ExactlyOnce {
		return
	}
	retention := e.ledgerRetention()
	switch {
	case retention/2 < e.holding():
		d.add(SeverityWarning, check, retention.String(),
			"a block that holds a message for longer than half of it is given up, and a capture may hold one for "+e.holding().String(),
			"set LedgerRetention to "+max(ledger.MinRetention, 2*e.holding()).String()+" or more")
	case retention < ledger.MinRetention:
		d.add(SeverityWarning, check, retention.String(),
			"a process, or a write on its way, that stands still for longer between its last look at the ledger and its end may put messages into a second file",
			"set LedgerRetention to "+ledger.MinRetention.String()+" or more")
	default:
		d.ok(check, retention.String())
	}
}
