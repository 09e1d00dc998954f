package columns

import (
	"math/bits"
	"sync"
	"unsafe"
)

// A pool keeps buffers that Columns gave back, by the power of two that their size is. Growing from one to the next takes
// an open block from some bytes to what it needs, and gives what it outgrew to others.
type pool[E any] struct{ bySize [48]sync.Pool }

var (
	bytePool pool[byte]
	pool32   pool[uint32]
	pool64   pool[uint64]
)

// minBuffer is the size of the smallest buffers in bytes.
const minBuffer = 64

// grow returns a copy of s, in which there is room for more elements, and by how many bytes it is larger. s is gone.
func (p *pool[E]) grow(s []E, more int) (grown []E, bytes int64) {
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
	p.put(s)
	return grown, bytes
}

// put gives s to others.
func (p *pool[E]) put(s []E) {
	if cap(s) > 0 {
		class := bits.Len(uint(cap(s)*int(unsafe.Sizeof(*new(E))) - 1))
		p.bySize[class].Put(unsafe.SliceData(s))
	}
}
