package parquet

import (
	"math"
	"math/bits"

	"github.com/jetcapture/lake/schema/columns"
)

// sampled is the number of values in a sample, by which the encoding is chosen.
const sampled = 1024

// A sample counts how often each value occurs in a sample of a column.
type sample struct {
	hashes [4 * sampled]uint64
	counts [4 * sampled]uint16
}

// distinct estimates the number of different values in the column. The estimate may be far too high. It is too low only if values
// repeat at regular distances.
//
// It is the bias-corrected estimate of Chao (1984): d + f1·(f1-1) / (2·(f2+1)), for d different values in the sample, f1 of which
// occur once and f2 twice.
func (s *sample) distinct(v *values, n int) int {
	clear(s.counts[:])
	step := (n + sampled - 1) / sampled
	seen, once, twice := 0, 0, 0
	for i := 0; i < n; i += step {
		hash := hashOf(v, i)
		slot := hash % uint64(len(s.hashes))
		for s.counts[slot] != 0 && s.hashes[slot] != hash {
			slot = (slot + 1) % uint64(len(s.hashes))
		}
		s.hashes[slot] = hash
		s.counts[slot]++
		switch s.counts[slot] {
		case 1:
			seen, once = seen+1, once+1
		case 2:
			once, twice = once-1, twice+1
		case 3:
			twice--
		}
	}
	if n <= sampled {
		return seen
	}
	return min(seen+once*(once-1)/(2*(twice+1)), n)
}

func hashOf(v *values, i int) uint64 {
	k := uint64(0)
	switch v.physical {
	case columns.PhysicalBytes, columns.PhysicalFixed:
		return bits.Reverse64(keyOf(v.at(i)).hash)
	case columns.PhysicalInt32:
		k = uint64(v.int32s[i])
	case columns.PhysicalInt64:
		k = uint64(v.int64s[i])
	case columns.PhysicalFloat32:
		k = uint64(math.Float32bits(v.float32s[i]))
	case columns.PhysicalFloat64:
		k = math.Float64bits(v.float64s[i])
	}
	return bits.Reverse64(k * golden) // the high bits are the best
}
