package jetcapture

import (
	"cmp"
	"iter"
	"slices"

	"github.com/jetcapture/lake/format"
)

// relieve seals the largest blocks while too much is held: so many messages that pulling would have to wait until some are
// stored, or the soft limit of memory.
func (l *loop[P, K]) relieve() {
	if l.openMessages >= l.openLimit() {
		l.relieveInFlight()
	}
	if l.memory >= l.memSoft {
		l.relieveMemory()
	}
}

// openLimit is how many messages open blocks may have. The rest of those in flight is room for what comes in while sealed
// blocks are stored: as much as the largest block has, and a quarter at least. So one large block is sealed at half, and of
// many small ones, whose files should be as large as they can, few at a time.
func (l *loop[P, K]) openLimit() int {
	return max(1, min(l.inFlight-max(l.fullest, l.inFlight/4), l.openMost))
}

// relieveInFlight seals some more than it must, as looking for the largest takes time if they are many.
func (l *loop[P, K]) relieveInFlight() {
	for _, b := range l.largest(func(b *block[K]) int64 { return int64(b.messages()) }) {
		l.fullest = b.messages()
		if l.openMessages+l.inFlight/32 < l.openLimit() {
			return
		}
		l.seal(b, SealInFlight)
	}
	l.fullest = 0
}

// relieveMemory frees a quarter of what open blocks hold: by spilling where that helps, else by sealing.
func (l *loop[P, K]) relieveMemory() {
	var held int64
	for b := range l.openBlocks() {
		held += b.memory
	}
	if held < l.memSoft/4 {
		return // sealed blocks hold the memory: sealing more would make small files and free nothing
	}
	target := held / 4 * 3
	for _, b := range l.largest(func(b *block[K]) int64 { return b.memory }) {
		if held <= target {
			return
		}
		held -= b.memory
		if l.spill(b) {
			held += b.memory
		} else {
			l.seal(b, SealMemory)
		}
	}
}

// spill moves what a block's writer holds to its spool on disk, and reports whether that freed most of it.
func (l *loop[P, K]) spill(b *block[K]) bool {
	spiller, ok := b.encoder.(format.Spiller)
	if !ok || l.specs.blocks.spoolDir == "" {
		return false
	}
	if err := noPanic("Spill", spiller.Spill); err != nil {
		return false // sealing it will show
	}
	before := b.memory
	l.account(b)
	return b.memory <= before/2
}

// openBlocks yields all open blocks, those of dead letters too.
func (l *loop[P, K]) openBlocks() iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for _, b := range l.open {
			if !yield(b.block) {
				return
			}
		}
		for _, b := range l.letters {
			if !yield(b.block) {
				return
			}
		}
	}
}

// largest returns the open blocks by falling size.
func (l *loop[P, K]) largest(size func(*block[K]) int64) []*block[K] {
	return slices.SortedFunc(l.openBlocks(), func(a, b *block[K]) int { return cmp.Compare(size(b), size(a)) })
}
