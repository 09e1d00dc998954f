package evidence_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/evidence"
	"github.com/jetcapture/lake/jetcapture/internal/evidence/fakestream"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// refsOf returns messages of an epoch.
func refsOf(epoch, from, to uint64) (m acks.Refs) {
	for seq := from; seq <= to; seq++ {
		m.Add(&acks.Delivery{StreamSeq: seq, ConsumerSeq: seq, Timestamp: int64(seq), NumDelivered: 1, Epoch: epoch})
	}
	return m
}

func seqsOf(m *acks.Refs) (seqs []uint64) {
	m.Seqs(func(seq uint64) { seqs = append(seqs, seq) })
	return seqs
}

func TestMessagesOfAnEarlierEpochAreAcknowledgedIfTheStreamStillHasThem(t *testing.T) {
	isOneOf := func(from, to uint64) func(uint64) bool {
		return func(seq uint64) bool { return from <= seq && seq <= to }
	}
	for name, c := range map[string]struct {
		stream  fakestream.Stream
		known   uint64 // a loss from there on, 0 for none
		allowed uint64 // up to which message of 100
		looks   int    // at most
	}{
		"all of it is there":                {fakestream.Stream{Last: 500}, 0, 100, 1},
		"its end is lost":                   {fakestream.Stream{Last: 70}, 0, 70, 9},
		"its end is lost and replaced":      {fakestream.Stream{Last: 500, NewFrom: 71}, 0, 70, 9},
		"all is lost":                       {fakestream.Stream{}, 0, 0, 9},
		"all is replaced":                   {fakestream.Stream{Last: 500, NewFrom: 1}, 0, 0, 9},
		"all is deleted":                    {fakestream.Stream{Last: 500, Deleted: isOneOf(1, 500)}, 0, 100, 40},
		"the highest are deleted":           {fakestream.Stream{Last: 500, Deleted: isOneOf(95, 500)}, 0, 100, 20},
		"replaced and some deleted":         {fakestream.Stream{Last: 500, NewFrom: 71, Deleted: isOneOf(92, 500)}, 0, 70, 40},
		"the lowest are deleted":            {fakestream.Stream{Last: 500, NewFrom: 71, Deleted: isOneOf(1, 69)}, 0, 70, 80},
		"it cannot be read":                 {fakestream.Stream{Err: evidence.ErrMayNotLook}, 0, 100, 1},
		"it cannot be read, and has a loss": {fakestream.Stream{Err: evidence.ErrMayNotLook}, 31, 30, 1},
		"a known loss is all there is":      {fakestream.Stream{Last: 30}, 31, 30, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := evidence.New(&c.stream, func() uint64 { return 0 })
				const epoch = 1
				e.Start(epoch)
				e.Begin(epoch+1, 0, ledger.Message{Seq: 120, Time: 120})
				if c.known > 0 {
					e.Lose(evidence.Loss{Epoch: epoch, Fork: evidence.Fork{Seq: c.known}})
				}
				got, lost := e.Allowed(t.Context(), refsOf(epoch, 1, 100), false)
				if want := refsOf(epoch, 1, c.allowed); !slices.Equal(seqsOf(&got), seqsOf(&want)) || lost != 100-int(c.allowed) {
					t.Errorf("allowed are %v, %d are not, want those up to %d", seqsOf(&got), lost, c.allowed)
				}
				if c.stream.Looks > c.looks {
					t.Errorf("%d messages were read, want %d at most", c.stream.Looks, c.looks)
				}
				found := e.TakeFound()
				switch isNew := c.allowed < 100 && c.known == 0; {
				case isNew != (len(found) == 1):
					t.Errorf("losses found are %+v", found)
				case isNew && (found[0].Seq != c.allowed+1 || found[0].New.IsZero() != (c.stream.NewFrom == 0)):
					t.Errorf("the loss is %+v", found[0])
				}
				if second, _ := e.Allowed(t.Context(), refsOf(epoch, 1, 100), false); !slices.Equal(seqsOf(&second), seqsOf(&got)) || len(e.TakeFound()) > 0 {
					t.Errorf("asked again, allowed are %v", seqsOf(&second))
				}
			})
		})
	}
}

// A message is above the end of its stream when it is looked for, and another one has its sequence when the end is looked for.
func TestALostMessageIsNotTakenForADeletedOneThoughTheStreamGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakestream.Stream{Last: 60, NewFrom: 61, OnState: func(s *fakestream.Stream) { s.Last = 500 }}
		e := evidence.New(&s, func() uint64 { return 0 })
		if c := e.Compare(t.Context(), ledger.Message{Seq: 100, Time: 100}); c.State != evidence.WasLost || c.Is.IsZero() {
			t.Errorf("compared: %+v, want it lost", c)
		}
	})
}

func TestManyBlocksOfAnEarlierEpochCostOneLook(t *testing.T) {
	var s fakestream.Stream
	s.Last = 2_000
	e := evidence.New(&s, func() uint64 { return 0 })
	e.Start(1)
	e.Begin(2, 0, ledger.Message{Seq: 1_000, Time: 1_000})
	for i := range uint64(100) {
		if _, lost := e.Allowed(t.Context(), refsOf(1, 10*i+1, 10*i+10), false); lost > 0 {
			t.Fatalf("block %d has lost %d messages", i, lost)
		}
	}
	if s.Looks != 1 {
		t.Errorf("%d messages were read", s.Looks)
	}
}

func TestMessagesOfThePresentEpochAreLookedUpOnlyOnAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakestream.Stream{Last: 50}
		var connection uint64
		e := evidence.New(&s, func() uint64 { return connection })
		e.Start(1)
		m := refsOf(1, 1, 100)
		if got, lost := e.Allowed(t.Context(), m, false); got.Count() != 100 || lost != 0 || s.Looks != 0 {
			t.Errorf("on the same connection: %d allowed after %d looks", got.Count(), s.Looks)
		}
		connection = 1
		if got, lost := e.Allowed(t.Context(), m, false); got.Count() != 50 || lost != 50 {
			t.Errorf("on another connection: %d allowed, %d lost", got.Count(), lost)
		}
		connection = 0
		e = evidence.New(&s, func() uint64 { return 0 })
		e.Start(1)
		if got, lost := e.Allowed(t.Context(), refsOf(1, 1, 100), true); got.Count() != 50 || lost != 50 {
			t.Errorf("after an ack without an answer: %d allowed, %d lost", got.Count(), lost)
		}
	})
}

// An epoch may be of another history of the stream than the one before.
func TestOneEpochIsNoEvidenceForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakestream.Stream{Last: 500, NewFrom: 41}
		e := evidence.New(&s, func() uint64 { return 0 })
		e.Start(1)
		e.Begin(2, 0, ledger.Message{Seq: 80, Time: 80})
		var newer acks.Refs
		for seq := uint64(90); seq <= 100; seq++ {
			newer.Add(&acks.Delivery{StreamSeq: seq, ConsumerSeq: seq, Timestamp: int64(seq) + 1_000_000, Epoch: 2})
		}
		e.Begin(3, 0, ledger.Message{Seq: 100, Time: 1_000_100})
		if got, lost := e.Allowed(t.Context(), newer, false); got.Count() != 11 || newer.FirstEpoch() != 2 {
			t.Errorf("of the second epoch %d are allowed, %d lost", got.Count(), lost)
		}
		if got, lost := e.Allowed(t.Context(), refsOf(1, 1, 80), false); got.Count() != 40 || lost != 40 {
			t.Errorf("of the first epoch %d are allowed, %d lost", got.Count(), lost)
		}
	})
}

// A server that has restarted may not answer at once.
func TestAStreamThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fakestream.Stream{Err: errors.New("no responders")}
		e := evidence.New(&s, func() uint64 { return 0 })
		m := ledger.Message{Seq: 5, Time: 5}
		if c := e.Compare(t.Context(), m); c.State != evidence.CannotLook || s.Looks != 3 {
			t.Errorf("Compare = %+v after %d looks", c, s.Looks)
		}
		s = fakestream.Stream{Last: 9}
		if c := e.Compare(t.Context(), m); c.State != evidence.CannotLook || s.Looks != 0 {
			t.Errorf("it is asked again at once: %+v", c)
		}
		time.Sleep(10 * time.Second)
		if c := e.Compare(t.Context(), m); c.State != evidence.StillThere {
			t.Errorf("it is not asked later: %+v", c)
		}
	})
}
