package jetcapture

import (
	"math/rand/v2"
	"testing"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

func TestHeldSetAgreesWithAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []uint64{300, 10_000, 1 << 40} {
		h, want := newHeldSet(), map[uint64]int64{}
		for range 20_000 {
			m := ledger.Message{Seq: rnd.Uint64N(spread), Time: rnd.Int64N(3)}
			switch {
			case rnd.IntN(2) == 0:
				h.add(m)
				want[m.Seq] = m.Time
			case rnd.IntN(2) == 0 && len(want) > 0:
				for m.Seq, m.Time = range want {
					break
				}
				fallthrough
			default:
				h.remove(m)
				if want[m.Seq] == m.Time {
					delete(want, m.Seq)
				}
			}
			time, ok := want[m.Seq]
			state := notHeld
			switch {
			case ok && time == m.Time:
				state = isHeld
			case ok:
				state = otherHeld
			}
			if got := h.look(m); got != state || h.size != len(want) {
				t.Fatalf("after %v: look = %v, size = %d; want %v, %d", m, got, h.size, state, len(want))
			}
		}
		for seq, time := range want {
			m := ledger.Message{Seq: seq, Time: time}
			if h.look(m) != isHeld {
				t.Fatalf("%v is missing", m)
			}
			h.remove(m)
		}
		if len(h.chunks) != 0 || h.size != 0 || h.bytes != 0 {
			t.Errorf("%d chunks of %d messages in %d bytes are left of an empty set", len(h.chunks), h.size, h.bytes)
		}
	}
}

func TestHeldSetKeepsTheLatestMessageOfASequence(t *testing.T) {
	h := newHeldSet()
	before, after := ledger.Message{Seq: 7, Time: 100}, ledger.Message{Seq: 7, Time: 90}
	h.add(before)
	if got := h.look(after); got != otherHeld {
		t.Errorf("another message of a held sequence is %v", got)
	}
	h.add(after)
	h.remove(before) // its block is stored
	if h.look(after) != isHeld || h.look(before) != otherHeld || h.size != 1 {
		t.Errorf("after the first was removed: the second is %v, the first %v, %d are held", h.look(after), h.look(before), h.size)
	}
}

func TestHoldingABusyStreamAllocatesNothing(t *testing.T) {
	h := newHeldSet()
	next := uint64(0)
	round := func() {
		for seq := next; seq < next+1000; seq++ {
			h.add(ledger.Message{Seq: seq, Time: int64(seq)})
		}
		for seq := next; seq < next+1000; seq++ {
			h.remove(ledger.Message{Seq: seq, Time: int64(seq)})
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
			h := newHeldSet()
			const held = 10_000
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				m := ledger.Message{Seq: i * step, Time: int64(i)}
				if h.look(m) == notHeld {
					h.add(m)
				}
				if i >= held {
					h.remove(ledger.Message{Seq: (i - held) * step, Time: int64(i - held)})
				}
			}
		})
	}
}
