package ledger

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTheIndexFindsWhatLookingAtAllFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	x, all := newIndex(), map[*claim]struct{}{}
	number := func() uint64 { return rng.Uint64() >> rng.IntN(64) }
	for step := range 3_000 {
		switch {
		case step%3 < 2:
			c := &claim{first: number()}
			c.final = c.first + min(number()>>rng.IntN(64), math.MaxUint64-c.first)
			x.add(c)
			all[c] = struct{}{}
		default:
			for c := range all {
				x.remove(c)
				delete(all, c)
				break
			}
		}
		first := number()
		for c := range all { // half of the searches are where something is
			if rng.IntN(2) == 0 {
				first = c.first + rng.Uint64N(max(1, c.final-c.first))
			}
			break
		}
		final := first + min(rng.Uint64N(maxBuckets<<minLevel), math.MaxUint64-first)
		if !narrow(first, final) {
			continue
		}
		found := map[*claim]struct{}{}
		for c := range x.near(first, final) {
			found[c] = struct{}{}
		}
		for c := range all {
			if _, ok := found[c]; !ok && c.first <= final && first <= c.final {
				t.Fatalf("step %d: a claim from %d to %d is not found from %d to %d", step, c.first, c.final, first, final)
			}
		}
	}
	for c := range all {
		x.remove(c)
	}
	if len(x.buckets) > 0 {
		t.Errorf("%d buckets are left", len(x.buckets))
	}
}
