package jetcapture

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/held"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/pull"
	"github.com/jetcapture/lake/jetcapture/internal/suspects"
)

// An intake is where messages come in: it asks for them, and says of each whether it is new to this capture.
type intake struct {
	puller    *pull.Puller
	held      *held.Set
	suspects  *suspects.Set
	watermark *watermark // nil: each message is acknowledged by itself
	lookups   *lookups   // nil: at least once

	waits     *waitingMessage // no other message is taken before its look-up is answered; nil: none
	requested elapsed.Moment  // when the latest message was asked for
	pending   uint64          // messages that the consumer has not delivered
	repeats   int             // held messages that came again since the latest that was new
	timestamp int64           // of the latest that was new
	restart   error           // why pulling must start again
	counts    intakeCounts
}

// intakeCounts are of messages since the last Observer call.
type intakeCounts struct {
	pulled   int
	bytes    int64
	dropped  int
	repeated int // in a file before
	rejected int // to the dead letters
}

// A waitingMessage waits for what the ledger knows of it.
type waitingMessage struct {
	msg *nats.Msg
	acks.Delivery
	number uint64 // of its look-up
}

func newIntake(p *pull.Puller, b *budget) intake {
	return intake{puller: p, held: held.New(), suspects: suspects.New(b.suspects, b.suspectMemory)}
}

// receive counts a message, and says whether it is held. The consumer's count of deliveries does not tell: a consumer that is reset
// counts from the start.
func (in *intake) receive(msg *nats.Msg, d *acks.Delivery, c *clocks) held.State {
	in.requested = in.puller.Received(msg, c.now)
	if in.watermark != nil && !in.watermark.receive(d) {
		in.restart = in.watermark.broken
	}
	in.counts.pulled++
	in.counts.bytes += int64(len(msg.Data))
	in.pending = d.NumPending
	if t := time.Unix(0, d.Timestamp); t.After(c.stream) {
		c.stream = t
	}
	state := in.held.State(d.Message())
	if state == held.Present {
		in.counts.dropped++
		in.repeats++
	}
	return state
}

// accept notes that a message is new.
func (in *intake) accept(d *acks.Delivery, c *clocks) {
	in.repeats = 0
	in.timestamp, c.lastMessage = d.Timestamp, c.now
}

// room returns how many more messages may be held.
func (in *intake) room(most int) int {
	room := most - in.held.Len()
	if in.waits != nil {
		room--
	}
	return room
}

// isEmpty reports whether no message is held or about to be.
func (in *intake) isEmpty() bool {
	return in.held.Len() == 0 && in.waits == nil && len(in.puller.Messages()) == 0
}

// wait keeps a message until its look-up is answered. It reports false if the look-ups are busy.
func (in *intake) wait(msg *nats.Msg, d *acks.Delivery) bool {
	number, ok := in.lookups.ask(d.Message())
	if ok {
		in.waits = &waitingMessage{msg, *d, number}
	}
	return ok
}

// answered returns the message that waits for an answer, nil if it does not wait any more.
func (in *intake) answered(a lookedUp) (w *waitingMessage) {
	if in.waits != nil && in.waits.number == a.number {
		w, in.waits = in.waits, nil
	}
	return w
}

// answers has the results of look-ups; it is nil without a ledger.
func (in *intake) answers() <-chan lookedUp {
	if in.lookups == nil {
		return nil
	}
	return in.lookups.answers
}

// messages has the messages to take next; it is nil while a look-up or a reset is awaited.
func (in *intake) messages() <-chan *nats.Msg {
	if in.waits != nil || in.watermark != nil && in.watermark.resetting {
		return nil
	}
	return in.puller.Messages()
}

// lookups read the ledger beside the loop, for one message after the other.
type lookups struct {
	lookUp  func(context.Context, ledger.Message) ledger.Verdict
	asks    chan lookedUp
	answers chan lookedUp
	number  uint64 // of the latest
}

// A lookedUp is a message that is looked up, and what the ledger says of it.
type lookedUp struct {
	number  uint64
	message ledger.Message
	verdict ledger.Verdict
}

const lookUpTimeout = time.Second // to read the ledger for a message that was delivered again

func newLookups(lookUp func(context.Context, ledger.Message) ledger.Verdict) *lookups {
	return &lookups{lookUp: lookUp, asks: make(chan lookedUp, 1), answers: make(chan lookedUp, 1)}
}

// ask has a message looked up, unless others still wait that were handed back meanwhile.
func (l *lookups) ask(m ledger.Message) (number uint64, ok bool) {
	l.number++
	select {
	case l.asks <- lookedUp{number: l.number, message: m}:
		return l.number, true
	default:
		return 0, false
	}
}

func (l *lookups) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-l.asks:
			a.verdict = l.look(ctx, a.message)
			select {
			case <-ctx.Done():
				return
			case l.answers <- a:
			}
		}
	}
}

// look reads the ledger for a moment: what it does not find out, storing the block will.
func (l *lookups) look(ctx context.Context, m ledger.Message) ledger.Verdict {
	ctx, cancel := context.WithTimeout(ctx, lookUpTimeout)
	defer cancel()
	return l.lookUp(ctx, m)
}

// clocks are the times that blocks are judged by. Only differences between local times count, so a local clock that is wrong makes
// more or larger files, and does no other harm.
type clocks struct {
	now         time.Time // by the local clock
	stream      time.Time // the latest time of any message so far
	lastMessage time.Time // when the latest message came in, by the local clock, that was not held or archived already
}

// silent returns how long no new message has come.
func (c *clocks) silent() time.Duration { return c.now.Sub(c.lastMessage) }
