package ledger

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Claims come, end, are forgotten and are read again while messages are looked up: what is found is what a look at each claim finds,
// but for claims that are not in memory, which may be too many to name.
func TestTheTablesOfOwnersFindWhatLookingAtAllClaimsFinds(t *testing.T) {
	for name, cacheBytes := range map[string]int64{"all in memory": 32 << 20, "few in memory": 30_000} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			const sequences = 12 << windowBits // more windows than are kept
			b, claims := NewBook(cacheBytes), map[string]Segments{}
			var names []string
			steps := 3_000
			if testing.Short() {
				steps = 1_000
			}
			for step := range steps {
				switch id := fmt.Sprint(step); {
				case step%3 == 0:
					e := claimEntry(id, scattered(rng, sequences)...)
					story(b, e)
					claims[id], names = e.Segments, append(names, id)
				case step%30 == 1:
					story(b, state(names[rng.IntN(len(names))], Aborted))
				case step%30 == 2 && len(names) > 10:
					gone := rng.IntN(len(names))
					b.forget(names[gone])
					delete(claims, names[gone])
					names = slices.Delete(names, gone, gone+1)
				}
				m := anyMessage(rng, claims[names[rng.IntN(len(names))]])
				var want []string
				for id, segments := range claims {
					if v, ok := b.view(id); ok && v.state == Claimed && segments.Hold(m) {
						want = append(want, id)
					}
				}
				holders, _ := b.holders(m)
				var got, maybe []string
				for _, h := range holders {
					if h.match == unread {
						maybe = append(maybe, h.id)
						b.cache(h.id, claims[h.id])
					} else {
						got = append(got, h.id)
					}
				}
				for _, id := range got {
					if !slices.Contains(want, id) {
						t.Fatalf("step %d: claim %s does not hold %v", step, id, m)
					}
				}
				for _, id := range want {
					if w := b.owners.find(m.Seq); !slices.Contains(slices.Concat(got, maybe), id) && !slices.Contains(w.unread, b.claims[id]) {
						t.Fatalf("step %d: claim %s, which holds %v, is not found", step, id, m)
					}
				}
			}
			if n := len(b.owners.windows); n != windowsMost {
				t.Errorf("%d windows are kept", n)
			}
		})
	}
}

// scattered returns sequences near to each other, or far apart.
func scattered(rng *rand.Rand, below uint64) (seqs []uint64) {
	step := 1 + rng.Uint64N(1<<rng.IntN(18))
	for seq := rng.Uint64N(below); len(seqs) < 200 && seq < below; seq += 1 + rng.Uint64N(step) {
		seqs = append(seqs, seq)
	}
	return seqs
}

// anyMessage returns a message of a claim, or one with its sequence and another time.
func anyMessage(rng *rand.Rand, s Segments) Message {
	set := s.Set()
	seq, _ := set.Select(rng.Uint64N(set.GetCardinality()))
	return Message{seq, second(int64(seq)) + rng.Int64N(2)*second(5)}
}

// What was claimed and lies outside of memory is read by Commit if it is much, and never makes those who look wait.
func TestTooManyClaimsOutsideOfMemoryAreNotReadOneByOne(t *testing.T) {
	for n, want := range map[int]int{readsMost: readsMost, readsMost + 1: 0} {
		b := NewBook(1)
		for i := range n {
			story(b, claimEntry(fmt.Sprint(i), uint64(1+i), 1_000))
		}
		if got := len(holdersOf(b, held(1_000))); got != want {
			t.Errorf("of %d claims %d may hold the message, want %d", n, got, want)
		}
	}
}

// After a crash of ten thousand destination keys their messages come again, one key's after the other's.
func BenchmarkHoldersOfManyKeys(b *testing.B) {
	const keys, rows = 10_000, 100
	book := NewBook(DefaultCacheBytes)
	for k := range uint64(keys) {
		seqs := make([]uint64, rows)
		for i := range seqs {
			seqs[i] = 1 + k + uint64(i)*keys
		}
		book.Apply(2*k+1, time.Unix(1, 0), claimEntry(fmt.Sprint(k), seqs...))
	}
	b.ResetTimer()
	for i := range b.N {
		if seq := uint64(1 + i%(keys*rows)); len(holdersOf(book, held(seq))) != 1 {
			b.Fatalf("nobody holds %d", seq)
		}
	}
}
