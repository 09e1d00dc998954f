package jetcapture

import (
	"math/rand/v2"
	"testing"
)

func TestHeldSetAgreesWithAMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, spread := range []uint64{300, 1 << 40} {
		h, want := newHeldSet(), map[uint64]bool{}
		for range 20_000 {
			seq := rnd.Uint64N(spread)
			switch {
			case rnd.IntN(2) == 0:
				h.add(seq)
				want[seq] = true
			case rnd.IntN(2) == 0 && len(want) > 0:
				for seq = range want {
					break
				}
				fallthrough
			default:
				h.remove(seq)
				delete(want, seq)
			}
			if h.has(seq) != want[seq] || h.size != len(want) {
				t.Fatalf("after %d: has = %v, size = %d; want %v, %d", seq, h.has(seq), h.size, want[seq], len(want))
			}
		}
		for seq := range want {
			if !h.has(seq) {
				t.Fatalf("%d is missing", seq)
			}
			h.remove(seq)
		}
		if len(h.chunks) != 0 {
			t.Errorf("%d chunks are left of an empty set", len(h.chunks))
		}
	}
}
