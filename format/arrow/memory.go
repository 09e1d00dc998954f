package arrow

import "unsafe"

// An arena is memory for the buffers of one record batch. Buffers that it gave out are valid until reset.
type arena struct {
	chunk []uint64
	used  int // of them
	taken int // in all chunks
}

const (
	minArena = 4 << 10 / 8
	maxArena = 16 << 20 / 8 // the most that is kept for the next batch
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

// reset takes back all memory.
func (m *arena) reset() {
	if len(m.chunk) > maxArena {
		m.chunk = nil
	}
	m.used, m.taken = 0, 0
}

// cast returns the memory of a slice as a slice of other elements. Neither kind of element has pointers, and the memory is
// aligned for To.
func cast[To, From any](from []From) []To {
	size := len(from) * int(unsafe.Sizeof(*new(From)))
	return unsafe.Slice((*To)(unsafe.Pointer(unsafe.SliceData(from))), size/int(unsafe.Sizeof(*new(To))))
}
