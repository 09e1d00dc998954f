package ledger

import "iter"

const (
	indexShift = 12  // a bucket has the claims that may hold one of 4,096 sequences
	indexWidth = 256 // buckets that a claim is in at most; a wider one is looked at each time
)

// index finds the claims whose range has a sequence, among tens of thousands.
type index struct {
	buckets map[uint64]map[*claim]struct{}
	wide    map[*claim]struct{}
}

func newIndex() index {
	return index{buckets: map[uint64]map[*claim]struct{}{}, wide: map[*claim]struct{}{}}
}

func (x *index) add(c *claim) {
	if !narrow(c.first, c.final) {
		x.wide[c] = struct{}{}
		return
	}
	for i := c.first >> indexShift; i <= c.final>>indexShift; i++ {
		if x.buckets[i] == nil {
			x.buckets[i] = map[*claim]struct{}{}
		}
		x.buckets[i][c] = struct{}{}
	}
}

func (x *index) remove(c *claim) {
	delete(x.wide, c)
	if !narrow(c.first, c.final) {
		return
	}
	for i := c.first >> indexShift; i <= c.final>>indexShift; i++ {
		if delete(x.buckets[i], c); len(x.buckets[i]) == 0 {
			delete(x.buckets, i)
		}
	}
}

// near yields the claims that may have a sequence from first to final, some of them more than once.
func (x *index) near(first, final uint64) iter.Seq[*claim] {
	return func(yield func(*claim) bool) {
		for c := range x.wide {
			if !yield(c) {
				return
			}
		}
		for i := first >> indexShift; i <= final>>indexShift; i++ {
			for c := range x.buckets[i] {
				if !yield(c) {
					return
				}
			}
		}
	}
}

func narrow(first, final uint64) bool {
	return first <= final && final>>indexShift-first>>indexShift < indexWidth
}
