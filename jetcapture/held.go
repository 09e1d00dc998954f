package jetcapture

import (
	"math/bits"
	"slices"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// heldSet is the set of messages that sit in open or sealed blocks. A message that is delivered again while it is held is
// dropped on sight: the ack of the first delivery will count for both. So a consumer whose AckWait is shorter than a block
// stays open costs traffic, not duplicates.
//
// It knows the time of each message, and so tells it from another one that has the same sequence, which a stream gives out
// again when it has lost its end. It keeps the latest message of a sequence.
//
// It is made of chunks of 64 sequences: ten bytes a message for the dense sequences of a whole stream, about a hundred for
// sparse ones.
type heldSet struct {
	chunks map[uint64]*heldChunk
	size   int
	bytes  int64 // of memory, without what is free

	// the chunk used last, since sequences come in order
	lastIndex uint64
	last      *heldChunk

	// for the next chunks, so that a busy stream allocates none
	freeChunks []*heldChunk
	freeTimes  []*[heldChunkSeqs]int64
}

const (
	heldChunkSeqs = 64
	heldChunkFew  = 6    // times that a chunk has room for itself
	heldFree      = 4096 // chunks to keep

	heldChunkBytes = 64 + 32 // of a chunk, and of its place in the map
	heldTimesBytes = 8 * heldChunkSeqs
)

// A heldChunk keeps the times of few messages in the order of their sequences, those of more each in its own place.
type heldChunk struct {
	bits uint64
	few  [heldChunkFew]int64
	all  *[heldChunkSeqs]int64 // nil: few
}

// A heldState is what a heldSet knows of a message.
type heldState int

const (
	notHeld heldState = iota
	isHeld
	otherHeld // another message that has the same sequence
)

func newHeldSet() *heldSet {
	return &heldSet{chunks: make(map[uint64]*heldChunk)}
}

func (h *heldSet) chunk(index uint64) *heldChunk {
	if h.last == nil || h.lastIndex != index {
		h.lastIndex, h.last = index, h.chunks[index]
	}
	return h.last
}

// look tells whether a message is held, or another one with its sequence.
func (h *heldSet) look(m ledger.Message) heldState {
	time, ok := h.timeOf(m.Seq)
	switch {
	case !ok:
		return notHeld
	case time == m.Time:
		return isHeld
	default:
		return otherHeld
	}
}

// timeOf returns the time of the message that is held with a sequence.
func (h *heldSet) timeOf(seq uint64) (time int64, ok bool) {
	c := h.chunk(seq / heldChunkSeqs)
	if c == nil || !c.has(seq) {
		return 0, false
	}
	return *c.time(seq), true
}

// add holds a message, and forgets another one with its sequence.
func (h *heldSet) add(m ledger.Message) {
	index := m.Seq / heldChunkSeqs
	c := h.chunk(index)
	if c == nil {
		if c = take(&h.freeChunks); c == nil {
			c = new(heldChunk)
		}
		h.last = c
		h.chunks[index] = c
		h.bytes += heldChunkBytes
	}
	if c.has(m.Seq) {
		*c.time(m.Seq) = m.Time
		return
	}
	h.size++
	n := bits.OnesCount64(c.bits)
	switch {
	case c.all == nil && n == heldChunkFew:
		h.spread(c)
	case c.all == nil:
		i := c.rank(m.Seq)
		copy(c.few[i+1:n+1], c.few[i:n])
	}
	c.bits |= 1 << (m.Seq % heldChunkSeqs)
	*c.time(m.Seq) = m.Time
}

// spread gives each sequence of a chunk a place of its own.
func (h *heldSet) spread(c *heldChunk) {
	if c.all = take(&h.freeTimes); c.all == nil {
		c.all = new([heldChunkSeqs]int64)
	}
	h.bytes += heldTimesBytes
	rest := c.bits
	for _, time := range c.few {
		c.all[bits.TrailingZeros64(rest)] = time
		rest &= rest - 1
	}
}

// remove forgets a message, but not another one with its sequence.
func (h *heldSet) remove(m ledger.Message) {
	if h.look(m) != isHeld {
		return
	}
	index := m.Seq / heldChunkSeqs
	c := h.chunk(index)
	if c.all == nil {
		i := c.rank(m.Seq)
		copy(c.few[i:], c.few[i+1:])
	}
	c.bits &^= 1 << (m.Seq % heldChunkSeqs)
	h.size--
	if c.bits == 0 {
		delete(h.chunks, index)
		h.last = nil
		h.bytes -= heldChunkBytes
		if c.all != nil {
			h.bytes -= heldTimesBytes
			give(&h.freeTimes, c.all)
			c.all = nil
		}
		give(&h.freeChunks, c)
	}
}

func (c *heldChunk) has(seq uint64) bool { return c.bits&(1<<(seq%heldChunkSeqs)) != 0 }

// rank returns how many lower sequences the chunk has.
func (c *heldChunk) rank(seq uint64) int {
	return bits.OnesCount64(c.bits & (1<<(seq%heldChunkSeqs) - 1))
}

// time returns the place of the time of a sequence that the chunk has.
func (c *heldChunk) time(seq uint64) *int64 {
	if c.all != nil {
		return &c.all[seq%heldChunkSeqs]
	}
	return &c.few[c.rank(seq)]
}

func take[T any](free *[]*T) (one *T) {
	if n := len(*free); n > 0 {
		one = (*free)[n-1]
		*free = slices.Delete(*free, n-1, n)
	}
	return one
}

func give[T any](free *[]*T, one *T) {
	if len(*free) < heldFree {
		*free = append(*free, one)
	}
}
