package parquet

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// A key has the hash of a value and its first bytes: short values are equal if their keys are.
type key struct {
	hash, head, tail uint64
	size             uint64
}

// wholeKey is the length of the longest value that a key holds whole.
const wholeKey = 16

const golden = 0x9E3779B97F4A7C15 // the golden ratio's digits: neighbors are far apart

// seed is the same for all dictionaries of the process, and unknown to those who send values. Files do not depend on it.
var (
	seed  = maphash.MakeSeed()
	seed1 = maphash.Bytes(seed, []byte{1})
	seed2 = maphash.Bytes(seed, []byte{2})
)

func keyOf(value []byte) key {
	n := len(value)
	k := key{size: uint64(n)}
	switch {
	case n > wholeKey:
		k.hash = maphash.Bytes(seed, value)
		return k
	case n >= 8:
		k.head, k.tail = binary.LittleEndian.Uint64(value), binary.LittleEndian.Uint64(value[n-8:])
	case n >= 4:
		k.head, k.tail = uint64(binary.LittleEndian.Uint32(value)), uint64(binary.LittleEndian.Uint32(value[n-4:]))
	case n > 0:
		k.head = uint64(value[0]) | uint64(value[n/2])<<8 | uint64(value[n-1])<<16
	}
	high, low := bits.Mul64(k.head^seed1, k.tail^seed2^k.size*golden)
	k.hash = (high ^ low) * golden
	return k
}
