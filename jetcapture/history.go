package jetcapture

import (
	"errors"
	"math"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// A Fork says that a stream has lost messages from its end, and gives their sequences to new ones: its server died before it had
// written them to disk, or an older copy of its files was put back. Lost messages that a capture holds are stored, and are not
// acknowledged.
type Fork struct {
	Seq uint64    // the first sequence known to be of another message; those before it may be too
	Old time.Time // the time of the message that had this sequence; zero if it is not known
	New time.Time // the time of the message that has it now; zero if there is none yet, or it is not known
}

// A history is what the loop knows of the stream by what was delivered to it. Only the loop uses it.
type history struct {
	evidence    *evidence
	onFork      func(Fork) // nil: nobody needs to know
	epoch       uint64
	consumerSeq uint64 // of the latest delivery
	before      uint64 // sequences up to that one were in the stream before this capture began, so others may have stored them

	top      ledger.Message // the highest sequence since the last fork
	epochTop ledger.Message // the same in this epoch
	marks    marks

	looked  time.Time // when the stream was looked at last
	behind  uint64    // from which on the stream has other messages, until the consumer is seen to deliver them; 0 without a fork
	dueSoon bool      // a look is due, as pulling has started again
	asked   bool      // and is under way
	unseen  unseen

	latest  Fork   // that the ledger told of
	lineage string // of the stream, as the ledger had it when the epoch began

	foreign foreignAcks
}

// allBefore says that any message may have been stored by others, until it is known where the stream ended.
const allBefore = math.MaxUint64

const streamLookEvery = 30 * time.Second

func newHistory(e *evidence) *history {
	h := &history{evidence: e, epoch: 1, dueSoon: true}
	e.epoch, e.since, e.looked = 1, e.connection(), e.connection()
	return h
}

// receive counts a delivery, and gives it its epoch.
func (h *history) receive(d *delivery) {
	if d.consumerSeq <= h.consumerSeq {
		h.cut(h.evidence.since) // the consumer counts from the start: it was reset, or is another
		h.dueSoon = true
	}
	h.consumerSeq = d.consumerSeq
	d.epoch = h.epoch
	if d.streamSeq > h.epochTop.Seq {
		h.epochTop = d.message()
	}
	if d.streamSeq > h.top.Seq {
		h.top = d.message()
	}
	h.marks.add(d)
}

// cut ends the epoch. The next one is of a connection that was not lost since.
func (h *history) cut(connection uint64) {
	h.epoch++
	h.evidence.begin(h.epoch, connection, h.epochTop)
	h.consumerSeq, h.epochTop = 0, ledger.Message{}
}

// due reports that the stream is to be looked at.
func (h *history) due(now time.Time) bool { return h.dueSoon || now.Sub(h.looked) >= streamLookEvery }

// unseen says since when the stream has not answered what it has.
type unseen struct {
	since time.Time // zero while it answers
	told  time.Time // when a person was told last
}

const (
	unseenAfter = 10 * time.Second // a person is told
	unseenEvery = time.Minute      // and again
)

// note takes note of a look at the stream, and reports whether a person is to be told, and since when it has not answered.
func (u *unseen) note(failed bool, now time.Time) (since time.Duration, tell bool) {
	switch {
	case !failed:
		*u = unseen{}
		return 0, false
	case u.since.IsZero():
		u.since = now
	}
	since = now.Sub(u.since)
	if since < unseenAfter || !u.told.IsZero() && now.Sub(u.told) < unseenEvery {
		return since, false
	}
	u.told = now
	return since, true
}

// marks are a few of all messages that were delivered since the last fork, by rising sequence: enough to find where the stream
// forked.
type marks struct {
	messages []ledger.Message
	stride   uint64
	next     uint64
}

const marksMost = 128

func (k *marks) add(d *delivery) {
	if d.streamSeq < k.next {
		return
	}
	if len(k.messages) == marksMost {
		for i := range marksMost / 2 {
			k.messages[i] = k.messages[2*i]
		}
		k.messages = k.messages[:marksMost/2]
		k.stride *= 2
	}
	k.messages = append(k.messages, d.message())
	k.stride = max(k.stride, 1)
	k.next = d.streamSeq + k.stride
}

// cutFrom forgets what was lost.
func (k *marks) cutFrom(seq uint64) {
	k.messages = k.messages[:firstFrom(k.messages, seq)]
	k.next = 0
	if n := len(k.messages); n > 0 {
		k.next = k.messages[n-1].Seq + k.stride
	}
}

var errForked = errors.New("the stream lost messages and used their sequences again")

// collides reports that another message is held with the sequence of a delivery, which proves a fork.
func (l *loop[P, K]) collides(d *delivery) {
	old, _ := l.held.TimeOf(d.streamSeq)
	h := l.history
	f := lossOf(h.epoch, ledger.Message{Seq: d.streamSeq, Time: old}, time.Unix(0, d.timestamp).UTC(), max(h.top.Seq, d.streamSeq))
	h.evidence.lose(f)
	consumerSeq := h.consumerSeq
	l.forked(f)
	h.consumerSeq, d.epoch = consumerSeq, h.epoch
	h.top, h.epochTop = d.message(), d.message()
}

// reused takes note that a message was delivered whose sequence another one had that is archived. What is held is not touched:
// the stream may have forked before this capture began.
func (l *loop[P, K]) reused(d *delivery) {
	h := l.history
	if f := h.latest; f.Seq > 0 && d.streamSeq >= f.Seq && d.timestamp >= f.New.UnixNano() {
		return // the same fork
	}
	h.latest = Fork{Seq: d.streamSeq, New: time.Unix(0, d.timestamp).UTC()}
	if !l.once.book.Forked(d.message()) {
		l.tellOfFork(h.latest, l.once.book.Top())
	}
}

// takeForks does what forks call for that the committer has found.
func (l *loop[P, K]) takeForks() {
	for _, f := range l.history.evidence.takeFound() {
		l.forked(f)
	}
}

// forked does what a fork calls for: blocks end, since none may hold two messages of one sequence, and what was lost is not
// held any more. It is stored all the same.
func (l *loop[P, K]) forked(f loss) {
	h := l.history
	l.sealAll(always[K](SealFork))
	for b := range l.blocks() {
		for reader := b.reader(); reader.next(); {
			if reader.run.epoch <= f.epoch && reader.ref.streamSeq >= f.Seq {
				l.held.Remove(reader.ref.message())
			}
		}
	}
	if f.epoch == h.epoch {
		h.cut(h.evidence.since)
		h.top = ledger.Message{}
	} else if h.top != h.epochTop && h.top.Seq >= f.Seq {
		h.top = h.epochTop
	}
	h.marks.cutFrom(f.Seq)
	if l.watermark != nil && l.resetCause == nil {
		l.resetCause = errForked
	}
	l.tellOfFork(f.Fork, f.to)
}

// tellOfFork tells people and the ledger. to is the highest sequence that was given to two messages, as far as is known.
func (l *loop[P, K]) tellOfFork(f Fork, to uint64) {
	l.log.Warn("the stream lost messages and used their sequences again", zap.Uint64("from", f.Seq), zap.Uint64("to", to))
	if l.o.Observer.StreamForked != nil {
		l.o.Observer.StreamForked(f)
	}
	if l.history.onFork != nil {
		l.history.onFork(f)
	}
}
