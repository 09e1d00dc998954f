// Package buffers has the pools of memory that all Columns of a process share.
package buffers

import (
	"math/bits"
	"sync"
	"unsafe"
)

// A Pool keeps buffers that Columns gave back, by the power of two of their size. Growing from one size to the next takes
// an open block from some bytes to what it needs, and gives the smaller buffer to others.
type Pool[E any] struct{ bySize [48]sync.Pool }

// The pools of all Columns.
var (
	Bytes   Pool[byte]
	Uint32s Pool[uint32]
	Uint64s Pool[uint64]
)

// minBuffer is the size of the smallest buffers in bytes.
const minBuffer = 64

// Grow returns a copy of s with room for more elements, and by how many bytes its buffer is larger. The buffer of s is given
// to others: s must not be used again.
func (p *Pool[E]) Grow(s []E, more int) (grown []E, bytes int64) {
	size := int(unsafe.Sizeof(*new(E)))
	class := bits.Len(uint(max((len(s)+more)*size, minBuffer) - 1)) // the least power of two that is not smaller
	capacity := 1 << class / size
	if first, ok := p.bySize[class].Get().(*E); ok {
		grown = unsafe.Slice(first, capacity)[:len(s)]
	} else {
		grown = make([]E, len(s), capacity)
	}
	copy(grown, s)
	bytes = int64(capacity-cap(s)) * int64(size)
	p.Put(s)
	return grown, bytes
}

// Put gives the buffer of s to others: s must not be used again.
func (p *Pool[E]) Put(s []E) {
	if cap(s) > 0 {
		class := bits.Len(uint(cap(s)*int(unsafe.Sizeof(*new(E))) - 1))
		p.bySize[class].Put(unsafe.SliceData(s))
	}
}
