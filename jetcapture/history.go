package jetcapture

import (
	"errors"
	"math"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/evidence"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A history records what the deliveries show about the stream. Only the loop uses it.
type history struct {
	evidence    *evidence.Evidence
	onFork      func(Fork) // nil: nobody needs to know
	epoch       uint64
	consumerSeq uint64 // of the latest delivery
	before      uint64 // sequences up to that one were in the stream before this capture began, so others may have stored them

	top      ledger.Message // the highest sequence since the last fork
	epochTop ledger.Message // the same in this epoch
	marks    marks

	latest Fork // that the ledger told of
	forks  int  // losses that were met
}

// allBefore says that any message may have been stored by others, until it is known where the stream ended.
const allBefore = math.MaxUint64

var errForked = errors.New("the stream lost messages and used their sequences again")

func newHistory(e *evidence.Evidence) *history {
	h := &history{evidence: e, epoch: 1}
	e.Start(h.epoch)
	return h
}

// receive counts a delivery, and gives it its epoch. It reports whether one has begun: the consumer counts from the start, because
// it was reset, or is another.
func (h *history) receive(d *acks.Delivery) (begun bool) {
	if begun = d.ConsumerSeq <= h.consumerSeq; begun {
		h.cut(h.evidence.Since())
	}
	h.consumerSeq = d.ConsumerSeq
	d.Epoch = h.epoch
	if d.StreamSeq > h.epochTop.Seq {
		h.epochTop = d.Message()
	}
	if d.StreamSeq > h.top.Seq {
		h.top = d.Message()
	}
	h.marks.add(d)
	return begun
}

// cut ends the epoch. The next one is of a connection that was not lost since.
func (h *history) cut(connection uint64) {
	h.epoch++
	h.evidence.Begin(h.epoch, connection, h.epochTop)
	h.consumerSeq, h.epochTop = 0, ledger.Message{}
}

// lose notes a loss: messages that were delivered with this sequence or a higher one are no longer in the stream.
func (h *history) lose(f evidence.Loss) {
	h.forks++
	if f.Epoch == h.epoch {
		h.cut(h.evidence.Since())
		h.top = ledger.Message{}
	} else if h.top != h.epochTop && h.top.Seq >= f.Seq {
		h.top = h.epochTop
	}
	h.marks.cutFrom(f.Seq)
}

// collide notes that another message was held with the sequence of a delivery, which proves a loss. After that, and what it calls
// for, rejoin puts the delivery into the new epoch.
func (h *history) collide(d *acks.Delivery, old int64) evidence.Loss {
	f := evidence.LossOf(h.epoch, ledger.Message{Seq: d.StreamSeq, Time: old}, time.Unix(0, d.Timestamp).UTC(), max(h.top.Seq, d.StreamSeq))
	h.evidence.Lose(f)
	return f
}

func (h *history) rejoin(d *acks.Delivery) {
	h.consumerSeq, d.Epoch = d.ConsumerSeq, h.epoch
	h.top, h.epochTop = d.Message(), d.Message()
}

// reused notes a delivery whose sequence an archived message had. It returns the fork, and false if it is the one that is known.
func (h *history) reused(d *acks.Delivery) (Fork, bool) {
	if f := h.latest; f.Seq > 0 && d.StreamSeq >= f.Seq && d.Timestamp >= f.New.UnixNano() {
		return f, false
	}
	h.latest = Fork{Seq: d.StreamSeq, New: time.Unix(0, d.Timestamp).UTC()}
	return h.latest, true
}

// told notes a fork that the ledger's claims prove. It returns false if it is the one that is known.
func (h *history) told(f Fork) bool {
	if h.latest.Seq > 0 && f.Seq >= h.latest.Seq && !f.New.After(h.latest.New) {
		return false
	}
	h.latest = f
	return true
}

// known returns messages that were delivered, by rising sequence, with the highest last.
func (h *history) known() []ledger.Message {
	known := append([]ledger.Message(nil), h.marks.messages...)
	if n := len(known); h.top.Seq > 0 && (n == 0 || known[n-1].Seq < h.top.Seq) {
		known = append(known, h.top)
	}
	return known
}

// marks are a few of all messages that were delivered since the last fork, by rising sequence: enough to find where the stream
// forked.
type marks struct {
	messages []ledger.Message
	stride   uint64
	next     uint64
}

const marksMost = 128

func (k *marks) add(d *acks.Delivery) {
	if d.StreamSeq < k.next {
		return
	}
	if len(k.messages) == marksMost {
		for i := range marksMost / 2 {
			k.messages[i] = k.messages[2*i]
		}
		k.messages = k.messages[:marksMost/2]
		k.stride *= 2
	}
	k.messages = append(k.messages, d.Message())
	k.stride = max(k.stride, 1)
	k.next = d.StreamSeq + k.stride
}

// cutFrom forgets the marks of lost messages.
func (k *marks) cutFrom(seq uint64) {
	k.messages = k.messages[:evidence.FirstFrom(k.messages, seq)]
	k.next = 0
	if n := len(k.messages); n > 0 {
		k.next = k.messages[n-1].Seq + k.stride
	}
}
