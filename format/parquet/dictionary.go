package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/jetcapture/lake/schema/columns"
)

// A dictionary numbers the different values of a column in the order in which they occur. It is reused.
type dictionary struct {
	indexes []int32  // of each value
	firsts  []int32  // the value at which each entry occurs first
	keys    []key    // of each entry
	slots   []uint32 // a hash table of entries, each plus one
	shift   uint     // hash >> shift is a slot

	seen []uint32 // for each entry, the last page that has it, plus one
}

// The limits above which values are no longer worth a dictionary.
const (
	dictionaryBytes   = 1 << 20 // encoded
	dictionaryEntries = 1 << 17
)

// build numbers all values. It reports whether there are at most most entries, which take at most dictionaryBytes.
func (d *dictionary) build(v *values, n, most int) bool {
	d.reset()
	most = min(most, dictionaryEntries)
	if cap(d.indexes) < n {
		d.indexes = make([]int32, 0, n)
	}
	switch v.physical {
	case columns.PhysicalInt32:
		return number(d, v.int32s, most, func(n int32) uint64 { return uint64(uint32(n)) })
	case columns.PhysicalInt64:
		return number(d, v.int64s, most, func(n int64) uint64 { return uint64(n) })
	case columns.PhysicalFloat32: // by their bits, as -0 is not 0
		return number(d, v.float32s, most, func(f float32) uint64 { return uint64(math.Float32bits(f)) })
	case columns.PhysicalFloat64:
		return number(d, v.float64s, most, math.Float64bits)
	}
	return d.numberBytes(v, n, most)
}

func (d *dictionary) reset() {
	const slots = 1 << 8
	if len(d.slots) < slots {
		d.slots = make([]uint32, slots)
	}
	d.slots = d.slots[:slots]
	clear(d.slots)
	d.shift = 64 - uint(bits.Len(slots-1))
	d.indexes, d.firsts, d.keys = d.indexes[:0], d.firsts[:0], d.keys[:0]
}

// number numbers values, which differ if bits differs.
func number[E any](d *dictionary, values []E, most int, bits func(E) uint64) bool {
	for i, value := range values {
		k := key{head: bits(value)}
		k.hash = k.head * golden // an odd number, so different values have different hashes
		slot := k.hash >> d.shift
		for {
			entry := d.slots[slot]
			if entry == 0 {
				if len(d.firsts) == most {
					return false
				}
				entry = d.add(i, k, slot)
			}
			if d.keys[entry-1].hash == k.hash {
				d.indexes = append(d.indexes, int32(entry-1))
				break
			}
			slot = (slot + 1) & uint64(len(d.slots)-1)
		}
	}
	return true
}

func (d *dictionary) numberBytes(v *values, n, most int) bool {
	size := 0
	for i := range n {
		value := v.at(i)
		k := keyOf(value)
		slot := k.hash >> d.shift
		for {
			entry := d.slots[slot]
			if entry == 0 {
				size += v.width(i)
				if len(d.firsts) == most || size > dictionaryBytes {
					return false
				}
				entry = d.add(i, k, slot)
			}
			if d.keys[entry-1] == k && (len(value) <= wholeKey || bytes.Equal(v.at(int(d.firsts[entry-1])), value)) {
				d.indexes = append(d.indexes, int32(entry-1))
				break
			}
			slot = (slot + 1) & uint64(len(d.slots)-1)
		}
	}
	return true
}

// add makes value i an entry, in a free slot, and returns its number plus one.
func (d *dictionary) add(i int, k key, slot uint64) uint32 {
	d.firsts = append(d.firsts, int32(i)) // MaxLeaf fits
	d.keys = append(d.keys, k)
	n := uint32(len(d.firsts))
	d.slots[slot] = n
	if 2*len(d.firsts) > len(d.slots) {
		d.grow()
	}
	return n
}

func (d *dictionary) grow() {
	size := 2 * len(d.slots)
	if cap(d.slots) < size {
		d.slots = make([]uint32, size)
	}
	d.slots = d.slots[:size]
	clear(d.slots)
	d.shift--
	for i := range d.keys {
		slot := d.keys[i].hash >> d.shift
		for d.slots[slot] != 0 {
			slot = (slot + 1) & uint64(size-1)
		}
		d.slots[slot] = uint32(i + 1)
	}
}

// plain appends the entries in the PLAIN encoding.
func (d *dictionary) plain(dst []byte, v *values) []byte {
	for _, first := range d.firsts {
		if v.physical == columns.PhysicalBytes {
			value := v.at(int(first))
			dst = append(binary.LittleEndian.AppendUint32(dst, uint32(len(value))), value...)
		} else {
			dst = v.plain(dst, int(first), int(first)+1)
		}
	}
	return dst
}

// release frees large buffers after a row group that needed them.
func (d *dictionary) release() {
	const most = 1 << 20 // values
	if cap(d.indexes) > most {
		d.indexes = nil
	}
}
