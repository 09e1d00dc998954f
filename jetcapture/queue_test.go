package jetcapture

import (
	"testing"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
)

func sealedBlock(seqs ...uint64) *block[string] {
	b := new(block[string])
	for _, seq := range seqs {
		b.add(&acks.Delivery{StreamSeq: seq, ConsumerSeq: seq + 100, NumDelivered: 1}, 1)
	}
	b.budgeted = int64(100 * len(seqs))
	return b
}

// The worker that stores a block may change it as it likes: what the loop knows of it is its own.
func TestTheQueueKnowsABlockThatAWorkerHas(t *testing.T) {
	q := newQueue[string](1, 10)
	low, high := sealedBlock(7, 9), sealedBlock(20)
	q.add(low)
	q.add(high)
	if _, b := q.next(); b != low {
		t.Fatal("the first block is not the next")
	}
	q.sent()
	low.extent, low.budgeted = extent{}, 0 // the worker's
	if got := q.below(acks.Ref{StreamSeq: 50, ConsumerSeq: 150}); got.StreamSeq != 6 || got.ConsumerSeq != 106 {
		t.Errorf("nothing is held below %+v, want 6 and 106", got)
	}
	q.renumber()
	if got := q.below(acks.Ref{StreamSeq: 50, ConsumerSeq: 3}); got.StreamSeq != 6 || got.ConsumerSeq != 0 {
		t.Errorf("after a reset nothing is held below %+v, want 6 and 0", got)
	}
	kept := 0
	for r := range q.kept() {
		kept += r.Count()
	}
	if kept != 1 || q.size() != 2 || q.memory != 300 {
		t.Errorf("%d messages are kept of %d blocks in %d bytes, want 1, 2 and 300", kept, q.size(), q.memory)
	}
	q.remove(low)
	if waiting := q.giveUp(); len(waiting) != 1 || waiting[0] != high || q.size() != 0 || q.memory != 0 {
		t.Errorf("%d blocks waited, %d are left in %d bytes", len(waiting), q.size(), q.memory)
	}
	if to, b := q.next(); to != nil || b != nil {
		t.Error("an empty queue has a next block")
	}
}
