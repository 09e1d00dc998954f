// Package held knows which messages a capture holds.
package held

import (
	"math/bits"
	"slices"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A Set has the messages that are in open or sealed blocks. A message that is delivered again while it is held is dropped: the
// ack of the first delivery will count for both. So a consumer whose AckWait is shorter than a block
// stays open costs traffic, not duplicates.
//
// It knows the time of each message, and so tells it from another one that has the same sequence, which a stream gives out
// again when it has lost its end. It keeps the latest message of a sequence.
//
// It consists of chunks of 64 sequences: ten bytes a message for the dense sequences of a whole stream, about a hundred for
// sparse ones.
type Set struct {
	chunks map[uint64]*chunk
	size   int
	bytes  int64 // of memory, without what is free

	// the chunk used last, since sequences come in order
	lastIndex uint64
	last      *chunk

	// for the next chunks, so that a busy stream allocates none
	freeChunks []*chunk
	freeTimes  []*[chunkSeqs]int64
}

const (
	chunkSeqs = 64
	chunkFew  = 6    // times that a chunk has room for itself
	freeMost  = 4096 // chunks to keep

	chunkBytes = 64 + 32 // of a chunk and its entry in the map
	timesBytes = 8 * chunkSeqs
)

// A chunk keeps the times of few messages in the order of their sequences, and of more in a table by sequence.
type chunk struct {
	bits uint64
	few  [chunkFew]int64
	all  *[chunkSeqs]int64 // nil: few
}

// A State says whether a message is held.
type State int

// The states of a message.
const (
	Absent State = iota
	Present
	Another // another message that has the same sequence
)

// New returns an empty set.
func New() *Set {
	return &Set{chunks: make(map[uint64]*chunk)}
}

// Len returns how many messages are held.
func (h *Set) Len() int { return h.size }

// Bytes returns the memory that the set takes.
func (h *Set) Bytes() int64 { return h.bytes }

func (h *Set) at(index uint64) *chunk {
	if h.last == nil || h.lastIndex != index {
		h.lastIndex, h.last = index, h.chunks[index]
	}
	return h.last
}

// State tells whether a message is held, or another one with its sequence.
func (h *Set) State(m ledger.Message) State {
	time, ok := h.TimeOf(m.Seq)
	switch {
	case !ok:
		return Absent
	case time == m.Time:
		return Present
	default:
		return Another
	}
}

// TimeOf returns the time of the message that is held with a sequence.
func (h *Set) TimeOf(seq uint64) (time int64, ok bool) {
	c := h.at(seq / chunkSeqs)
	if c == nil || !c.has(seq) {
		return 0, false
	}
	return *c.time(seq), true
}

// Add holds a message, and forgets another one with its sequence.
func (h *Set) Add(m ledger.Message) {
	index := m.Seq / chunkSeqs
	c := h.at(index)
	if c == nil {
		if c = take(&h.freeChunks); c == nil {
			c = new(chunk)
		}
		h.last = c
		h.chunks[index] = c
		h.bytes += chunkBytes
	}
	if c.has(m.Seq) {
		*c.time(m.Seq) = m.Time
		return
	}
	h.size++
	n := bits.OnesCount64(c.bits)
	switch {
	case c.all == nil && n == chunkFew:
		h.spread(c)
	case c.all == nil:
		i := c.rank(m.Seq)
		copy(c.few[i+1:n+1], c.few[i:n])
	}
	c.bits |= 1 << (m.Seq % chunkSeqs)
	*c.time(m.Seq) = m.Time
}

// spread gives each sequence of a chunk its own slot.
func (h *Set) spread(c *chunk) {
	if c.all = take(&h.freeTimes); c.all == nil {
		c.all = new([chunkSeqs]int64)
	}
	h.bytes += timesBytes
	rest := c.bits
	for _, time := range c.few {
		c.all[bits.TrailingZeros64(rest)] = time
		rest &= rest - 1
	}
}

// Remove forgets a message, but not another one with its sequence.
func (h *Set) Remove(m ledger.Message) {
	if h.State(m) != Present {
		return
	}
	index := m.Seq / chunkSeqs
	c := h.at(index)
	if c.all == nil {
		i := c.rank(m.Seq)
		copy(c.few[i:], c.few[i+1:])
	}
	c.bits &^= 1 << (m.Seq % chunkSeqs)
	h.size--
	if c.bits == 0 {
		delete(h.chunks, index)
		h.last = nil
		h.bytes -= chunkBytes
		if c.all != nil {
			h.bytes -= timesBytes
			give(&h.freeTimes, c.all)
			c.all = nil
		}
		give(&h.freeChunks, c)
	}
}

func (c *chunk) has(seq uint64) bool { return c.bits&(1<<(seq%chunkSeqs)) != 0 }

// rank returns how many lower sequences the chunk has.
func (c *chunk) rank(seq uint64) int {
	return bits.OnesCount64(c.bits & (1<<(seq%chunkSeqs) - 1))
}

// time points to the time of a sequence that the chunk has.
func (c *chunk) time(seq uint64) *int64 {
	if c.all != nil {
		return &c.all[seq%chunkSeqs]
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
	if len(*free) < freeMost {
		*free = append(*free, one)
	}
}
