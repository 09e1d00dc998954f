package columns

import (
	"fmt"

	"github.com/jetcapture/lake/schema/internal/buffers"
)

// detachedRoom is how many bytes of room a leaf keeps at most when values are taken out of it: as a rule, as many bytes come
// again.
const detachedRoom = 2 << 20

// Detached are values that were taken out of a leaf. The zero Detached has none.
type Detached struct {
	offsets []uint32
	data    []byte
	count   int
}

// Len returns the number of values.
func (d Detached) Len() int { return d.count }

// Bytes returns the values: value i is data[offsets[i]:offsets[i+1]]. They must not be changed.
func (d Detached) Bytes() (offsets []uint32, data []byte) {
	offsets = d.offsets[:d.count+1]
	return offsets, d.data[:offsets[d.count]]
}

// Held returns the bytes of memory that the values hold.
func (d Detached) Held() int64 { return int64(cap(d.data)) + 4*int64(cap(d.offsets)) }

// Release gives the memory to other Columns. The values must not be used again.
func (d Detached) Release() {
	buffers.Bytes.Put(d.data)
	buffers.Uint32s.Put(d.offsets)
}

// Detach takes the first n values out of a leaf, so that an encoder can encode them while more rows are appended.
//
// The rows stay. From then on the leaf has as many values as rows less those that were taken, until Reset or Release; whoever
// encodes the rows must encode the taken values before those of the leaf. Only a leaf of PhysicalBytes without nulls and lists
// has a value for each row, so that values can be counted by rows: Detach returns an error for others, and if the leaf has fewer
// values than n.
func (c *Columns) Detach(leaf, n int) (Detached, error) {
	if leaf < 0 || leaf >= len(c.leaves) {
		return Detached{}, fmt.Errorf("take values of leaf %d: there are %d leaves", leaf, len(c.leaves))
	}
	l := &c.leaves[leaf]
	if l.physical != PhysicalBytes || l.maxDef > 0 || n <= 0 || n > l.Len() {
		return Detached{}, fmt.Errorf("take %d values of column %s: it has %d, of a type that allows it: %t",
			n, l.node.PathString(), l.Len(), l.physical == PhysicalBytes && l.maxDef == 0)
	}
	offsets, data := l.n32, l.data
	rest := offsets[n:]
	begin := rest[0]
	l.n32, _ = buffers.Uint32s.Grow(nil, max(len(rest), min(cap(offsets), detachedRoom/4)))
	l.data, _ = buffers.Bytes.Grow(nil, max(len(data)-int(begin), min(cap(data), detachedRoom)))
	c.held += int64(cap(l.data)-cap(data)) + 4*int64(cap(l.n32)-cap(offsets))
	for _, end := range rest {
		l.n32 = append(l.n32, end-begin)
	}
	l.data = append(l.data, data[begin:]...)
	l.detached += n
	return Detached{offsets, data, n}, nil
}
