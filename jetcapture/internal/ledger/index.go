package ledger

import (
	"iter"
	"math/bits"
)

const (
	minLevel   = 12  // the narrowest buckets have the claims of 4,096 sequences
	maxBuckets = 256 // of a level, that a search looks into; a wider one looks at all claims
)

// index finds the claims whose range has a sequence, among tens of thousands. A claim is in one or two buckets, which are
// about as wide as its range is.
type index struct {
	buckets map[bucket]map[*claim]struct{}
	inUse   [65]int // claims of each level
}

// A bucket is a range of 1<<level sequences that begins at a multiple of that.
type bucket struct {
	level int
	at    uint64 // the first sequence, shifted by level
}

func newIndex() index { return index{buckets: map[bucket]map[*claim]struct{}{}} }

// levelOf returns the level at which a range touches two buckets at most.
func levelOf(first, final uint64) int { return max(minLevel, bits.Len64(final-first)) }

func (x *index) add(c *claim) {
	level := levelOf(c.first, c.final)
	x.inUse[level]++
	for at := c.first >> level; at <= c.final>>level; at++ {
		b := bucket{level, at}
		if x.buckets[b] == nil {
			x.buckets[b] = map[*claim]struct{}{}
		}
		x.buckets[b][c] = struct{}{}
	}
}

func (x *index) remove(c *claim) {
	level := levelOf(c.first, c.final)
	x.inUse[level]--
	for at := c.first >> level; at <= c.final>>level; at++ {
		b := bucket{level, at}
		if delete(x.buckets[b], c); len(x.buckets[b]) == 0 {
			delete(x.buckets, b)
		}
	}
}

// near yields the claims that may have a sequence from first to final, some of them more than once.
func (x *index) near(first, final uint64) iter.Seq[*claim] {
	return func(yield func(*claim) bool) {
		for level, claims := range x.inUse {
			if claims == 0 {
				continue
			}
			for at := first >> level; at <= final>>level; at++ {
				for c := range x.buckets[bucket{level, at}] {
					if !yield(c) {
						return
					}
				}
			}
		}
	}
}

// narrow reports whether a range is one to search by the index.
func narrow(first, final uint64) bool {
	return first <= final && final>>minLevel-first>>minLevel < maxBuckets
}
