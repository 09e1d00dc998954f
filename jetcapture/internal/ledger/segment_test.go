package ledger

import (
	"iter"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// second is a time of messages in tests: so many seconds after 1970.
func second(n int64) int64 { return n * 1_000_000_000 }

// received yields messages with a break before each one whose place in the list is in cuts.
func received(messages []Message, cuts ...int) iter.Seq2[Message, bool] {
	return func(yield func(Message, bool) bool) {
		for i, m := range messages {
			if !yield(m, slices.Contains(cuts, i)) {
				return
			}
		}
	}
}

// regular are messages of these sequences, each of which came a second after the one before.
func regular(seqs ...uint64) []Message {
	messages := make([]Message, len(seqs))
	for i, seq := range seqs {
		messages[i] = Message{seq, second(int64(seq))}
	}
	return messages
}

func segmentsOf(seqs ...uint64) Segments { return NewSegments(received(regular(seqs...))) }

func TestSegmentsHoldTheirMessagesAndNoneWithAnotherTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		var messages []Message
		var cuts []int
		seq, now := uint64(1), second(1_000)
		for i := range 1 + rng.IntN(5_000) {
			seq += 1 + rng.Uint64N(3)
			now += rng.Int64N(2_000_000)
			if rng.IntN(500) == 0 {
				now -= second(1) // clocks of servers differ
			}
			if rng.IntN(1_000) == 0 {
				cuts = append(cuts, i)
			}
			messages = append(messages, Message{seq, now})
		}
		if round%2 == 0 { // delivered again in another order
			i := len(messages) / 2
			slices.Reverse(messages[:i])
		}
		s := NewSegments(received(messages, cuts...))
		encoded, err := s.encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeSegments(encoded)
		if err != nil {
			t.Fatal(err)
		}
		union := roaring64.New()
		var split Segments
		for _, list := range s.split(2_000) {
			split = append(split, list...)
		}
		for _, segments := range []Segments{s, back, split} {
			for _, m := range messages {
				union.Add(m.Seq)
				for _, other := range []Message{{m.Seq, m.Time + second(3600)}, {m.Seq, m.Time - second(3600)}, {m.Seq + 1_000_000, m.Time}} {
					if segments.Hold(other) {
						t.Fatalf("round %d: %v is taken for %v", round, other, m)
					}
				}
				if !segments.Hold(m) {
					t.Fatalf("round %d: %v is not held", round, m)
				}
			}
			if !segments.Set().Equals(union) {
				t.Fatalf("round %d: the sequences are not those of the messages", round)
			}
		}
	}
}

// A server that lost the end of its stream gives these sequences again, and time goes on. What a capture received before and after
// must not look like one stretch of time, in which any message between would be taken for held.
func TestASegmentEndsWhereTheStreamMayBeAnother(t *testing.T) {
	before, after := regular(1, 2, 3), []Message{{10, second(1_000)}, {11, second(1_001)}}
	s := NewSegments(received(append(before, after...), len(before)))
	if len(s) != 2 {
		t.Fatalf("%d segments", len(s))
	}
	if s.Hold(Message{3, second(500)}) {
		t.Error("a new message with sequence 3 is taken for the old one")
	}
}

func TestATimeThatFallsEndsASegment(t *testing.T) {
	s := NewSegments(received([]Message{{1, 10}, {2, 20}, {3, 15}, {4, 30}}))
	if len(s) != 2 || !s.Hold(Message{3, 15}) || s.Hold(Message{3, 20}) {
		t.Errorf("segments are %v", s)
	}
}

func TestAnchorsAreFew(t *testing.T) {
	messages := make([]Message, 100_000)
	for i := range messages {
		messages[i] = Message{uint64(i + 1), second(1_700_000_000) + int64(i)*10_000}
	}
	encoded, err := NewSegments(received(messages)).encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(encoded) > 1_500 {
		t.Errorf("%d messages without a gap take %d bytes", len(messages), len(encoded))
	}
}

func BenchmarkNewSegments(b *testing.B) {
	messages := make([]Message, 100_000)
	for i := range messages {
		messages[i] = Message{uint64(3 * i), second(1_700_000_000) + int64(i)*10_000}
	}
	b.ReportAllocs()
	for b.Loop() {
		if s := NewSegments(received(messages)); len(s) != 1 {
			b.Fatal(len(s))
		}
	}
}
