package held

import (
	"math/rand/v2"
	"testing"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

func TestHeldSetAgreesWithAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []uint64{300, 10_000, 1 << 40} {
		h, want := New(), map[uint64]int64{}
		for range 20_000 {
			m := ledger.Message{Seq: rnd.Uint64N(spread), Time: rnd.Int64N(3)}
			switch {
			case rnd.IntN(2) == 0:
				h.Add(m)
				want[m.Seq] = m.Time
			case rnd.IntN(2) == 0 && len(want) > 0:
				for m.Seq, m.Time = range want {
					break
				}
				fallthrough
			default:
				h.Remove(m)
				if want[m.Seq] == m.Time {
					delete(want, m.Seq)
				}
			}
			time, ok := want[m.Seq]
			state := Absent
			switch {
			case ok && time == m.Time:
				state = Present
			case ok:
				state = Another
			}
			if got := h.State(m); got != state || h.size != len(want) {
				t.Fatalf("after %v: State = %v, size = %d; want %v, %d", m, got, h.size, state, len(want))
			}
		}
		for seq, time := range want {
			m := ledger.Message{Seq: seq, Time: time}
			if h.State(m) != Present {
				t.Fatalf("%v is missing", m)
			}
			h.Remove(m)
		}
		if len(h.chunks) != 0 || h.size != 0 || h.bytes != 0 {
			t.Errorf("%d chunks of %d messages in %d bytes are left of an empty set", len(h.chunks), h.size, h.bytes)
		}
	}
}

func TestHeldSetKeepsTheLatestMessageOfASequence(t *testing.T) {
	h := New()
	before, after := ledger.Message{Seq: 7, Time: 100}, ledger.Message{Seq: 7, Time: 90}
	h.Add(before)
	if got := h.State(after); got != Another {
		t.Errorf("another message of a held sequence is %v", got)
	}
	h.Add(after)
	h.Remove(before) // its block is stored
	if h.State(after) != Present || h.State(before) != Another || h.size != 1 {
		t.Errorf("after the first was removed: the second is %v, the first %v, %d are held", h.State(after), h.State(before), h.size)
	}
}

func TestHoldingABusyStreamAllocatesNothing(t *testing.T) {
	h := New()
	next := uint64(0)
	round := func() {
		for seq := next; seq < next+1000; seq++ {
			h.Add(ledger.Message{Seq: seq, Time: int64(seq)})
		}
		for seq := next; seq < next+1000; seq++ {
			h.Remove(ledger.Message{Seq: seq, Time: int64(seq)})
		}
		next += 1000
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations for a thousand messages", n)
	}
}

func BenchmarkHoldingMessages(b *testing.B) {
	for name, step := range map[string]uint64{"dense": 1, "sparse": 1000} {
		b.Run(name, func(b *testing.B) {
			h := New()
			const held = 10_000
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				m := ledger.Message{Seq: i * step, Time: int64(i)}
				if h.State(m) == Absent {
					h.Add(m)
				}
				if i >= held {
					h.Remove(ledger.Message{Seq: (i - held) * step, Time: int64(i - held)})
				}
			}
		})
	}
}
