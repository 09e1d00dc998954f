package jetcapture

import (
	"cmp"
	"iter"
	"slices"

	"github.com/jetcapture/lake/format"
)

// relieve seals the largest blocks while so much is held in open ones, of messages or of memory, that pulling would have to
// wait until some are stored.
//
// The rest of what may be held is room for what comes in while sealed blocks are stored: as much as the largest block has,
// and an eighth at least, twice what is sealed at a time. So one large block is sealed at half, and of many small ones, whose
// files should be as large as they can, few at a time. Where the store is what is slow, pulling pauses, and sealing more would
// help nobody.
func (l *loop[P, K]) relieve() {
	if l.openMessages >= l.messagesLimit() {
		l.relieveMessages()
	}
	if l.openMemory >= l.memoryLimit() {
		l.relieveMemory()
	}
}

func (l *loop[P, K]) messagesLimit() int {
	return max(1, min(l.inFlight-max(l.fullest, l.inFlight/8), l.openMost))
}

func (l *loop[P, K]) memoryLimit() int64 {
	times := float64(l.held.Bytes()) * float64(l.openMessages) / float64(max(1, l.held.Len())) // of the messages of open blocks
	return max(1, l.memHard-int64(times)-max(l.heaviest, l.memHard/8))
}

// relieveMessages seals some more than it must, as looking for the largest takes time if they are many.
func (l *loop[P, K]) relieveMessages() {
	for _, b := range l.largest(func(b *block[K]) int64 { return int64(b.count()) }) {
		l.fullest = b.count()
		if l.openMessages+l.inFlight/32 < l.messagesLimit() {
			return
		}
		l.seal(b, SealInFlight)
	}
	l.fullest = 0
}

// relieveMemory does so, too, but where a block can spill to disk it stays open.
func (l *loop[P, K]) relieveMemory() {
	for _, b := range l.largest(func(b *block[K]) int64 { return b.memory }) {
		l.heaviest = b.memory
		if l.openMemory+l.memHard/16 < l.memoryLimit() {
			return
		}
		if !l.spill(b) {
			l.seal(b, SealMemory)
		}
	}
	l.heaviest = 0
}

// spill moves what a block's writer holds to its spool on disk, and reports whether that freed most of it.
func (l *loop[P, K]) spill(b *block[K]) bool {
	spiller, ok := format.As[format.Spiller](b.encoder)
	if !ok || l.specs.blocks.spools == nil {
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
