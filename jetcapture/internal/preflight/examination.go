package preflight

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// An examination compares a stream and a consumer with what a capture does to them. It does no I/O.
type examination struct {
	*Plan

	missing  []permission.Permission // of the connection's user
	stream   *jetstream.StreamInfo
	consumer *jetstream.ConsumerInfo // nil if it does not exist yet
	wanted   *jetstream.ConsumerConfig
	server   string    // version of the server of the connection
	inbox    string    // prefix of the connection's inboxes
	allowed  int       // the MaxAckPending that the account allows a consumer, 0 if that is not known or has no limit
	asked    time.Time // when consumer was asked for, zero if that is not known
	answered time.Time
}

func (p *Plan) examination(b *jsapi.Binding, nc *nats.Conn) *examination {
	e := &examination{
		Plan: p, stream: b.Stream, wanted: p.ConsumerConfig(),
		server: nc.ConnectedServerVersion(), inbox: inboxOf(nc), asked: b.Asked, answered: b.Answered,
	}
	if b.Consumer != nil {
		e.consumer = b.Consumer.CachedInfo()
		if b.Lowered {
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

// config returns the configuration of the consumer, or the one that it will be created with.
func (e *examination) config() *jetstream.ConsumerConfig {
	if e.consumer != nil {
		return &e.consumer.Config
	}
	return e.wanted
}

// storing returns how long it may take to store a block, with some retries.
func (e *examination) storing() time.Duration { return e.wanted.AckWait - e.Interval }

// holding returns how long a capture may hold a message un-acknowledged when nothing fails.
func (e *examination) holding() time.Duration { return e.Interval + e.Grace + e.storing() }

// exposed returns how long a message must stay in the stream: until it is delivered again after a capture has crashed, and the next
// capture has stored it.
func (e *examination) exposed() time.Duration {
	return max(e.config().AckWait, e.holding()) + e.holding()
}

func (e *examination) ledgerRetention() time.Duration { return e.LedgerRetention(e.config().AckWait) }

// perInterval estimates how many messages come in an interval, by the messages in the stream. It returns 0 if they span too little
// time.
func (e *examination) perInterval() float64 {
	s := e.stream.State
	span := s.LastTime.Sub(s.FirstTime)
	if s.Msgs < 2 || span < e.Interval {
		return 0
	}
	return float64(s.Msgs) * float64(e.Interval) / float64(span)
}

// checkRetention checks how long the ledger remembers.
func (e *examination) checkRetention(d *diagnosis) {
	const check = "ledger retention"
	if !e.ExactlyOnce {
		return
	}
	retention := e.ledgerRetention()
	switch {
	case retention/2 < e.holding():
		d.add(Warning, check, retention.String(),
			"a block that holds a message for longer than half of it is given up, and a capture may hold messages for "+e.holding().String(),
			"set Options.LedgerRetention to "+max(ledger.MinRetention, 2*e.holding()).String()+" or more")
	case retention < ledger.MinRetention:
		d.add(Warning, check, retention.String(),
			"if a process or a write is paused for longer after it has read the ledger, messages may be in two files",
			"set Options.LedgerRetention to "+ledger.MinRetention.String()+" or more")
	default:
		d.ok(check, retention.String())
	}
}
