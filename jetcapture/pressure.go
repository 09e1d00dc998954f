package jetcapture

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jetcapture/lake/format"
)

// relieve seals the largest blocks while too much is held: half of the messages that may be in flight, so that the other
// half can come in while these are stored, or the soft limit of memory.
func (l *loop[P, K]) relieve() {
	if limit := max(1, l.inFlight/2); l.openMessages >= limit {
		l.sealAllLetters(SealInFlight)
		for _, b := range l.largest(func(b *block[K]) int64 { return int64(b.messages()) }) {
			if l.openMessages <= limit/2 {
				break
			}
			l.seal(b, SealInFlight)
		}
	}
	if l.memory >= l.memSoft {
		l.relieveMemory()
	}
}

// relieveMemory halves what open blocks hold: by spilling where that helps, else by sealing.
func (l *loop[P, K]) relieveMemory() {
	var held int64
	for _, b := range l.open {
		held += b.memory
	}
	for _, b := range l.letters {
		held += b.memory
	}
	if held < l.memSoft/4 {
		return // sealed blocks hold the memory: sealing more would make small files and free nothing
	}
	target := held / 2
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
	if held > target {
		l.sealAllLetters(SealMemory)
	}
}

// spill moves what a block's writer holds to its spool on disk, and reports whether that freed most of it.
func (l *loop[P, K]) spill(b *openBlock[P, K]) bool {
	spiller, ok := b.writer.(format.Spiller)
	if !ok || l.specs.blocks.spoolDir == "" {
		return false
	}
	if err := noPanic("Spill", spiller.Spill); err != nil {
		return false // sealing it will show
	}
	before := b.memory
	l.account(b.block)
	return b.memory <= before/2
}

// largest returns the open blocks by falling size.
func (l *loop[P, K]) largest(size func(*block[K]) int64) []*openBlock[P, K] {
	return slices.SortedFunc(maps.Values(l.open), func(a, b *openBlock[P, K]) int {
		return cmp.Compare(size(b.block), size(a.block))
	})
}
