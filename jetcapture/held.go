package jetcapture

// heldSet is the set of stream sequences that sit in open or sealed blocks. A message that is delivered again while it
// is held is dropped on sight: the ack of the first delivery will count for both. So a consumer whose AckWait is shorter
// than a block stays open costs traffic, not duplicates.
//
// It is a bitmap in chunks: next to nothing for the dense sequences of a whole stream, at most 130 bytes a message for
// sparse ones.
type heldSet struct {
	chunks map[uint64]*heldChunk
	size   int

	// the chunk used last, since sequences come in order
	lastIndex uint64
	last      *heldChunk
}

const heldChunkBits = 512

type heldChunk struct {
	bits [heldChunkBits / 64]uint64
	n    int
}

func newHeldSet() *heldSet {
	return &heldSet{chunks: make(map[uint64]*heldChunk)}
}

func (h *heldSet) chunk(index uint64) *heldChunk {
	if h.last == nil || h.lastIndex != index {
		h.lastIndex, h.last = index, h.chunks[index]
	}
	return h.last
}

func (h *heldSet) has(seq uint64) bool {
	c := h.chunk(seq / heldChunkBits)
	return c != nil && c.bits[seq%heldChunkBits/64]&(1<<(seq%64)) != 0
}

func (h *heldSet) add(seq uint64) {
	c := h.chunk(seq / heldChunkBits)
	if c == nil {
		c = new(heldChunk)
		h.last = c
		h.chunks[seq/heldChunkBits] = c
	}
	word, bit := &c.bits[seq%heldChunkBits/64], uint64(1)<<(seq%64)
	if *word&bit == 0 {
		*word |= bit
		c.n++
		h.size++
	}
}

func (h *heldSet) remove(seq uint64) {
	index := seq / heldChunkBits
	c := h.chunk(index)
	if c == nil {
		return
	}
	word, bit := &c.bits[seq%heldChunkBits/64], uint64(1)<<(seq%64)
	if *word&bit == 0 {
		return
	}
	*word &^= bit
	c.n--
	h.size--
	if c.n == 0 {
		delete(h.chunks, index)
		h.last = nil
	}
}
