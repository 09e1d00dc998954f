package jetcapture

import (
	"cmp"
	"iter"
	"slices"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/held"
)

// The largest blocks are sealed while open ones hold so much, of messages or of memory, that pulling would have to wait until some
// are stored.
//
// The rest of what may be held is room for what comes in while sealed blocks are stored: as much as the largest block has, and
// a share of all at least. So one large block is sealed at half, and of many small ones, whose files should be as large as they can,
// few at a time. Where the store is slow, pulling pauses, and to seal more would not help.

// isFull reports whether open blocks hold so many messages that some must be sealed.
func (s *openSize) isFull(b *budget) bool { return s.messages >= s.messagesLimit(b) }

// isHeavy reports whether open blocks, with the record of their messages, hold so much memory that some must be sealed.
func (s *openSize) isHeavy(b *budget, h *held.Set) bool { return s.memory >= s.memoryLimit(b, h) }

func (s *openSize) messagesLimit(b *budget) int {
	return max(1, min(b.inFlight-max(s.fullest, b.inFlight/roomShare), b.open))
}

func (s *openSize) memoryLimit(b *budget, h *held.Set) int64 {
	record := float64(h.Bytes()) * float64(s.messages) / float64(max(1, h.Len())) // of the messages of open blocks
	return max(1, b.memory-int64(record)-max(s.heaviest, b.memory/roomShare))
}

// fullBlocks yields the blocks to seal when isFull.
func (o *openBlocks[P, K]) fullBlocks() iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for _, b := range o.largest(func(b *block[K]) int64 { return int64(b.count()) }) {
			o.fullest = b.count()
			if o.messages+o.budget.inFlight/moreMessagesShare < o.messagesLimit(o.budget) || !yield(b) {
				return
			}
		}
		o.fullest = 0
	}
}

// heavyBlocks yields the blocks to seal when isHeavy. One that can move to disk stays open.
func (o *openBlocks[P, K]) heavyBlocks(h *held.Set) iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for _, b := range o.largest(func(b *block[K]) int64 { return b.budgeted }) {
			o.heaviest = b.budgeted
			if o.memory+o.budget.memory/moreMemoryShare < o.memoryLimit(o.budget, h) || !o.spill(b) && !yield(b) {
				return
			}
		}
		o.heaviest = 0
	}
}

// spill moves what a block's writer holds to its spool on disk, and reports whether that freed most of it.
func (o *openBlocks[P, K]) spill(b *block[K]) bool {
	spiller, ok := format.As[format.Spiller](b.encoder)
	if !ok || o.specs.blocks.spools == nil {
		return false
	}
	if err := noPanic("Spill", spiller.Spill); err != nil {
		return false // the same error shows when it is sealed
	}
	before := b.budgeted
	o.account(b)
	return b.budgeted <= before/2
}

// largest returns the open blocks by falling size.
func (o *openBlocks[P, K]) largest(size func(*block[K]) int64) []*block[K] {
	return slices.SortedFunc(o.all(), func(a, b *block[K]) int { return cmp.Compare(size(b), size(a)) })
}
