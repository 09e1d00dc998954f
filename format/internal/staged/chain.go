package staged

import (
	"sync"
	"unsafe"
)

// A chain holds bytes in chunks, which are small as long as there are few. The zero value is empty.
type chain struct {
	chunks [][]byte
	len    int // of the bytes
	held   int // of the chunks
}

func (c *chain) append(b []byte) {
	c.len += len(b)
	for last := len(c.chunks) - 1; len(b) > 0; last++ {
		if last >= 0 {
			chunk := c.chunks[last]
			n := min(len(b), cap(chunk)-len(chunk))
			c.chunks[last], b = append(chunk, b[:n]...), b[n:]
		}
		if len(b) > 0 {
			c.grow()
		}
	}
}

func (c *chain) grow() {
	i := 0
	for i < len(pools)-1 && c.held >= 8*chunkSize(i) {
		i++
	}
	c.chunks = append(c.chunks, newChunk(i))
	c.held += chunkSize(i)
}

// appendTo appends the bytes to b.
func (c *chain) appendTo(b []byte) []byte {
	for _, chunk := range c.chunks {
		b = append(b, chunk...)
	}
	return b
}

// release empties the chain and gives its chunks to other chains.
func (c *chain) release() {
	for i, chunk := range c.chunks {
		release(chunk)
		c.chunks[i] = nil
	}
	*c = chain{chunks: c.chunks[:0]}
}

// pools have the chunks of each size: 1, 2 and 4 KiB.
var pools [3]sync.Pool

func chunkSize(i int) int { return 1 << 10 << i }

func newChunk(i int) []byte {
	if first, _ := pools[i].Get().(*byte); first != nil {
		return unsafe.Slice(first, chunkSize(i))[:0]
	}
	return make([]byte, 0, chunkSize(i))
}

func release(chunk []byte) {
	for i := range pools {
		if cap(chunk) == chunkSize(i) {
			pools[i].Put(unsafe.SliceData(chunk))
		}
	}
}
