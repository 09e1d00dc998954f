package jetcapture

import (
	"slices"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// simStream is the stream with its consumer. It may lose its end, and give the same sequences to new messages.
type simStream struct {
	w        *world
	messages []*streamed // those that it has; the first has sequence 1
	left     int         // to be published
	clock    int64       // the time that it gives to the next message
	made     int64       // messages that it ever had
	epoch    int         // how often its end was lost: all connections end then
	losses   []*simLoss
}

// A streamed is a message with what the consumer knows of it.
type streamed struct {
	ledger.Message
	epoch     int // in which it was published
	acked     bool
	ackedAt   time.Time
	delivered uint64
	beyond    bool // what the protocol promises
}

// A simLoss is one of the stream's end.
type simLoss struct {
	epoch    int // that began with it
	from, to uint64
	latest   int64 // time of all that was ever lost
	forks    int   // that were known when it was in the ledger, 0 before
}

func (s *simStream) init() {
	s.clock = created.UnixNano()
	s.left = 2 + s.w.rng.IntN(5)
	if s.w.traits.streamLoss {
		s.left += s.w.rng.IntN(4)
	}
	for range 1 + s.w.rng.IntN(s.left) {
		s.publish()
	}
}

// publish takes the next message. Its time is one that no other message has.
func (s *simStream) publish() {
	if s.left == 0 {
		return
	}
	s.left--
	s.clock += int64(time.Second)
	if s.w.traits.timesFall && s.w.chance(6) {
		s.back()
	}
	s.made++
	m := &streamed{Message: ledger.Message{Seq: uint64(len(s.messages) + 1), Time: s.clock + s.made}, epoch: s.epoch}
	s.messages = append(s.messages, m)
	s.w.note("the stream takes %v", simName(m.Message))
}

// back sets the server's clock back.
func (s *simStream) back() { s.clock -= s.w.rng.Int64N(5 * int64(time.Second)) }

// lose removes the stream's end, and with it what the consumer knows of that. Acks on their way are lost, too.
func (s *simStream) lose() {
	if s.left == 0 || len(s.messages) == 0 {
		return
	}
	at := s.w.rng.IntN(len(s.messages))
	loss := &simLoss{from: uint64(at + 1), to: uint64(len(s.messages))}
	if n := len(s.losses); n > 0 {
		loss.latest = s.losses[n-1].latest
	}
	for _, m := range s.messages[at:] {
		loss.latest = max(loss.latest, m.Time)
	}
	s.w.note("the stream loses %d to %d", loss.from, loss.to)
	s.messages = s.messages[:at]
	s.epoch++
	loss.epoch = s.epoch
	s.losses = append(s.losses, loss)
	if s.w.traits.timesFall && s.w.rng.IntN(2) == 0 {
		s.back()
	}
	for _, c := range s.w.captures {
		c.connected()
	}
}

// loseAcks forgets the acks that were not synced, with how often their messages were delivered.
func (s *simStream) loseAcks() {
	for _, m := range s.messages {
		if m.acked && s.w.now.Sub(m.ackedAt) < simUnsynced && s.w.rng.IntN(2) == 0 {
			s.w.note("the ack of %s is lost", simName(m.Message))
			m.acked, m.delivered = false, uint64(s.w.rng.IntN(2))
		}
	}
}

// at returns the message with a sequence, nil if the stream has none.
func (s *simStream) at(seq uint64) *streamed {
	if seq == 0 || seq > uint64(len(s.messages)) {
		return nil
	}
	return s.messages[seq-1]
}

// has reports whether the stream has a message still.
func (s *simStream) has(m ledger.Message) bool {
	at := s.at(m.Seq)
	return at != nil && at.Message == m
}

// ack takes an ack, which names the sequence alone.
func (s *simStream) ack(seq uint64) {
	m := s.at(seq)
	if m == nil {
		return
	}
	s.w.note("ack %s", simName(m.Message))
	if !m.acked {
		m.acked, m.ackedAt = true, s.w.now
	}
	if n := s.w.store.holding[m.Message]; n != 1 {
		s.w.violate("message %s is acknowledged and in %d files", simName(m.Message), n)
	}
}

// floor is the sequence up to which all messages are acknowledged.
func (s *simStream) floor() (floor uint64) {
	for _, m := range s.messages {
		if !m.acked {
			break
		}
		floor = m.Seq
	}
	return floor
}

// deliver gives some message that is not acknowledged to a capture. The server may do so at any time.
func (s *simStream) deliver(c *simCapture) {
	n := len(s.messages)
	if n == 0 || !c.ready {
		return
	}
	first := s.w.rng.IntN(n)
	for i := range n {
		m := s.messages[(first+i)%n]
		if !m.acked && (s.w.fair || m.delivered < 8) && (!s.ambiguous(m) || c.knowsForks()) {
			m.delivered++
			c.deliver(m)
			return
		}
	}
}

// ambiguous reports whether a message came when the server's clock was behind what it was when messages were lost, so that its time
// may lie within what a claim of these says. Who has not read of the fork could take it for one of these: this is more than the
// protocol promises to bear. So such a message comes after the fork is in the ledger.
func (s *simStream) ambiguous(m *streamed) bool {
	return slices.ContainsFunc(s.losses, func(l *simLoss) bool {
		return l.epoch <= m.epoch && l.from <= m.Seq && m.Time <= l.latest
	})
}

// giveUp ends the wait for somebody who tells the ledger of a fork: nobody who knew what was lost is left.
func (s *simStream) giveUp() {
	for _, m := range s.messages {
		if !m.acked && s.ambiguous(m) && !slices.ContainsFunc(s.w.captures, (*simCapture).knowsForks) {
			m.acked, m.beyond = true, true
		}
	}
}
