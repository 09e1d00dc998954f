package suspects

import (
	"iter"
	"testing"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

func block(seqs ...uint64) iter.Seq2[ledger.Message, bool] {
	return func(yield func(ledger.Message, bool) bool) {
		for _, seq := range seqs {
			if !yield(ledger.Message{Seq: seq, Time: int64(seq)}, false) {
				return
			}
		}
	}
}

func message(seq uint64) ledger.Message { return ledger.Message{Seq: seq, Time: int64(seq)} }

func TestFailuresOfAMessageAreCountedUntilItIsStored(t *testing.T) {
	s := New(10, 1<<20)
	s.Add(block(1, 2, 3))
	s.Add(block(2))
	if s.Failures(message(1)) != 1 || s.Failures(message(2)) != 2 || s.Failures(message(4)) != 0 {
		t.Errorf("failures are %v", s.failures)
	}
	if s.Failures(ledger.Message{Seq: 2, Time: 1}) != 0 {
		t.Error("another message with the sequence of a suspect is one, too")
	}
	s.Clear(block(1, 2))
	if s.Failures(message(2)) != 0 || s.Len() != 1 {
		t.Errorf("after two were stored, failures are %v", s.failures)
	}
}

func TestBlocksOfSuspectsGetSmallerUpToOneMessage(t *testing.T) {
	most, failures := 1_000, 1
	for ; !IsDeadLetter(failures); failures++ {
		if BlockIsFull(failures, most-1) || !BlockIsFull(failures, most) {
			t.Errorf("after %d failures a block has other than %d messages", failures, most)
		}
		most /= 10
	}
	if most != 0 || BlockIsFull(0, 1<<30) {
		t.Errorf("a message is a dead letter after %d failures", failures)
	}
}

func TestSuspectsTakeNoMoreMemoryThanTheyMay(t *testing.T) {
	s := New(1<<30, 10*entryBytes)
	for seq := range uint64(1_000) {
		s.Add(block(seq))
		if s.Len() > 10 {
			t.Fatalf("%d messages are suspects", s.Len())
		}
	}
}
