package arrow

import "unsafe"

// An arena is memory for the buffers of one record batch. What it gave out stays until reset.
type arena struct {
	chunk []uint64
	used  int // of them
	taken int // in all chunks
}

const (
	minArena = 4 << 10 / 8
	maxArena = 16 << 20 / 8 // what is kept for the next batch at most
)

// take returns n bytes that may hold anything, at an address that is a multiple of 8.
func (m *arena) take(n int) []byte {
	words := (n + 7) / 8
	if words > len(m.chunk)-m.used {
		m.chunk, m.used = make([]uint64, max(words, minArena, min(m.taken, maxArena))), 0
	}
	b := cast[byte](m.chunk[m.used : m.used+words])
	m.used += words
	m.taken += words
	return b[:n:n]
}

// zeros returns n bytes that are 0.
func (m *arena) zeros(n int) []byte {
	b := m.take(n)
	clear(b)
	return b
}

// reset takes all memory back.
func (m *arena) reset() {
	if len(m.chunk) > maxArena {
		m.chunk = nil
	}
	m.used, m.taken = 0, 0
}

// cast returns the memory of a slice as one of other elements. None of them have pointers, and To has an alignment no
// larger than the memory has.
func cast[To, From any](from []From) []To {
	size := len(from) * int(unsafe.Sizeof(*new(From)))
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(from))), size/int(unsafe.Sizeof(*new(To))))
}
