package jetcapture

import (
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/held"
	"go.uber.org/zap"
)

// foreignAcks are acks of messages that this capture holds and has not acknowledged: of another capture that had them before and
// was slow, or of somebody who uses the consumer, or one of the same names in another JetStream domain of the account.
type foreignAcks struct {
	messages int    // since the last report
	seen     uint64 // up to which sequence they are counted
	warned   time.Time
}

const foreignAcksWarned = 10 * time.Second // at most so often

// noticeForeignAcks compares the ack floor with what is held. Blocks in the hands of the committer do not count, since they may
// be acknowledged at any time, nor messages that the stream has deleted, which counts as an ack of theirs.
func (l *loop[P, K]) noticeForeignAcks(a lookoutAnswer) {
	h := l.history
	floor := a.info.AckFloor.Stream
	if a.state == nil {
		return
	}
	if floor < h.foreign.seen {
		h.foreign.seen = 0 // the consumer was reset
	}
	first := max(h.foreign.seen+1, a.state.FirstSeq)
	from, to, n := uint64(0), uint64(0), 0
	for b := range l.blocks() {
		if _, storing := l.inStore[b]; storing || b.count() == 0 || b.firstSeq > floor || b.lastSeq < first {
			continue
		}
		for reader := b.reader(); reader.next(); {
			seq := reader.ref.streamSeq
			if seq > floor || seq < first || l.held.State(reader.ref.message()) != held.Present {
				continue // or it is lost
			}
			if n == 0 {
				from, to = seq, seq
			}
			n, from, to = n+1, min(from, seq), max(to, seq)
		}
	}
	if n == 0 {
		return
	}
	h.foreign.seen = floor
	h.foreign.messages += n
	if l.clocks.now.Sub(h.foreign.warned) < foreignAcksWarned {
		return
	}
	h.foreign.warned = l.clocks.now
	l.log.Warn("messages that this capture holds were acknowledged by somebody else", zap.Uint64("from", from), zap.Uint64("to", to),
		zap.Int("messages", n))
}

// lowestHeld returns the lowest sequence in blocks that are not in the hands of the committer, 0 if there is none.
func (l *loop[P, K]) lowestHeld() (seq uint64) {
	for b := range l.blocks() {
		if _, storing := l.inStore[b]; !storing && b.count() > 0 && (seq == 0 || b.firstSeq < seq) {
			seq = b.firstSeq
		}
	}
	return seq
}
