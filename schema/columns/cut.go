package columns

import "fmt"

// A Cut is values that were taken out of a leaf of Columns, to be encoded while more rows are appended.
type Cut struct {
	offsets []uint32
	data    []byte
	values  int
}

// cutRoom is how many bytes of room a leaf keeps at most when it is cut. As a rule as much comes again.
const cutRoom = 2 << 20

// Cut takes the first n values out of leaf i, which must be a PhysicalBytes without nulls and lists: it panics otherwise, or
// if there are fewer. The rows stay, and whoever encodes them has to remember what was cut.
func (c *Columns) Cut(i, n int) Cut {
	l := &c.leaves[i]
	if l.physical != PhysicalBytes || l.maxDef > 0 || n <= 0 || n > l.Len() {
		panic(fmt.Sprintf("schema: Cut of %d values of column %s, which has %d", n, l.node.PathString(), l.Len()))
	}
	cut := Cut{offsets: l.n32, data: l.data, values: n}
	rest := l.n32[n:]
	begin := rest[0]
	l.n32, _ = pool32.grow(nil, max(len(rest), min(cap(cut.offsets), cutRoom/4)))
	l.data, _ = bytePool.grow(nil, max(len(cut.data)-int(begin), min(cap(cut.data), cutRoom)))
	c.held += int64(cap(l.data)-cap(cut.data)) + 4*int64(cap(l.n32)-cap(cut.offsets))
	for _, end := range rest {
		l.n32 = append(l.n32, end-begin)
	}
	l.data = append(l.data, cut.data[begin:]...)
	l.cut += n
	return cut
}

// Len returns the number of values.
func (c Cut) Len() int { return c.values }

// Bytes returns the values as Leaf.Bytes does. They are not to be changed.
func (c Cut) Bytes() (offsets []uint32, data []byte) {
	offsets = c.offsets[:c.values+1]
	return offsets, c.data[:offsets[c.values]]
}

// Held returns the bytes of memory that the Cut holds.
func (c Cut) Held() int64 { return int64(cap(c.data)) + 4*int64(cap(c.offsets)) }

// Release gives the memory to Columns. The Cut is not to be used again.
func (c Cut) Release() {
	bytePool.put(c.data)
	pool32.put(c.offsets)
}
