package parquet

import (
	"encoding/binary"
	"math"
)

// bounds has the least and the greatest of some values, in the PLAIN encoding without a length.
type bounds struct {
	min, max []byte
	known    bool // there is a value
	unknown  bool // there is a value that does not compare: a NaN
}

// merge makes b the bounds of the values of both.
func (b *bounds) merge(o order, other bounds) {
	b.unknown = b.unknown || other.unknown
	if !other.known {
		return
	}
	if !b.known || o.compare(other.min, b.min) < 0 {
		b.min = other.min
	}
	if !b.known || o.compare(other.max, b.max) > 0 {
		b.max = other.max
	}
	b.known = true
}

// boundsOf returns the bounds of some values. Bounds that are numbers are appended to e.numbers; others share memory with v.
//
// A NaN makes them unknown: readers that take it for greater than all numbers would miss it otherwise. A zero is -0 as the
// least and +0 as the greatest, since readers take them for equal.
func (e *encoder) boundsOf(o order, v *values, from, to int) bounds {
	if o == unordered || from == to {
		return bounds{}
	}
	switch o {
	case boolOrder:
		return boolBounds(v.bools[from:to])
	case signed32:
		least, greatest := extremes(v.int32s[from:to])
		return e.bounds32(uint32(least), uint32(greatest))
	case unsigned32:
		least, greatest := uint32(math.MaxUint32), uint32(0)
		for _, n := range v.int32s[from:to] {
			least, greatest = min(least, uint32(n)), max(greatest, uint32(n))
		}
		return e.bounds32(least, greatest)
	case signed64:
		least, greatest := extremes(v.int64s[from:to])
		return e.bounds64(uint64(least), uint64(greatest))
	case unsigned64:
		least, greatest := uint64(math.MaxUint64), uint64(0)
		for _, n := range v.int64s[from:to] {
			least, greatest = min(least, uint64(n)), max(greatest, uint64(n))
		}
		return e.bounds64(least, greatest)
	case float32Order:
		least, greatest := extremes(v.float32s[from:to])
		if least != least {
			return bounds{unknown: true}
		}
		if least == 0 {
			least = float32(math.Copysign(0, -1))
		}
		return e.bounds32(math.Float32bits(least), math.Float32bits(positive(greatest)))
	case float64Order:
		least, greatest := extremes(v.float64s[from:to])
		if least != least {
			return bounds{unknown: true}
		}
		if least == 0 {
			least = math.Copysign(0, -1)
		}
		return e.bounds64(math.Float64bits(least), math.Float64bits(positive(greatest)))
	}
	b := bounds{min: v.at(from), max: v.at(from), known: true}
	for i := from + 1; i < to; i++ {
		b.take(o, v.at(i))
	}
	return b
}

// take extends the bounds to one more value.
func (b *bounds) take(o order, value []byte) {
	if o.compare(value, b.min) < 0 {
		b.min = value
	} else if o.compare(value, b.max) > 0 {
		b.max = value
	}
}

// entryBounds is boundsOf for bytes that have a dictionary: each entry of a page is compared once.
func (e *encoder) entryBounds(o order, v *values, from, to int) bounds {
	d := &e.dictionary
	if o == unordered || from == to {
		return bounds{}
	}
	if n := len(d.firsts); cap(d.seen) < n {
		d.seen = make([]uint32, n)
	} else {
		d.seen = d.seen[:n]
	}
	page := uint32(len(e.pages) + 1)
	if page == 1 {
		clear(d.seen)
	}
	for _, entry := range d.indexes[from:to] {
		d.seen[entry] = page
	}
	first := v.at(from)
	b := bounds{min: first, max: first, known: true}
	for entry, last := range d.seen {
		if last == page {
			b.take(o, v.at(int(d.firsts[entry])))
		}
	}
	return b
}

// extremes returns the least and the greatest number, or NaN if there is one.
func extremes[N int32 | int64 | float32 | float64](numbers []N) (least, greatest N) {
	least, greatest = numbers[0], numbers[0]
	for _, n := range numbers[1:] {
		least, greatest = min(least, n), max(greatest, n)
	}
	return least, greatest
}

// positive returns 0 for -0.
func positive[F float32 | float64](f F) F {
	if f == 0 {
		return 0
	}
	return f
}

func boolBounds(bools []bool) bounds {
	none, all := false, true // false, true
	for _, b := range bools {
		none, all = none || b, all && b
	}
	text := []byte{0, 1}
	b := bounds{min: text[:1], max: text[:1], known: true}
	if all {
		b.min = text[1:]
	}
	if none {
		b.max = text[1:]
	}
	return b
}

func (e *encoder) bounds32(least, greatest uint32) bounds {
	n := len(e.numbers)
	e.numbers = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(e.numbers, least), greatest)
	return bounds{min: e.numbers[n : n+4], max: e.numbers[n+4 : n+8], known: true}
}

func (e *encoder) bounds64(least, greatest uint64) bounds {
	n := len(e.numbers)
	e.numbers = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(e.numbers, least), greatest)
	return bounds{min: e.numbers[n : n+8], max: e.numbers[n+8 : n+16], known: true}
}

// chunkBounds are the bounds of a chunk in the footer.
type chunkBounds struct {
	min, max           []byte
	minExact, maxExact bool
	known              bool // otherwise the footer has none
}

// keep returns bounds that are short and share no memory with others.
func (b bounds) keep(o order) (kept chunkBounds) {
	if b.unknown || !b.known {
		return kept
	}
	kept = chunkBounds{min: b.min, max: b.max, minExact: true, maxExact: true, known: true}
	if o == textOrder {
		kept.min, kept.minExact = cutLeast(b.min)
		if kept.max, kept.maxExact = cutGreatest(b.max); kept.max == nil && !kept.maxExact {
			return chunkBounds{}
		}
	}
	both := append(append(make([]byte, 0, len(kept.min)+len(kept.max)), kept.min...), kept.max...)
	kept.min, kept.max = both[:len(kept.min):len(kept.min)], both[len(kept.min):]
	return kept
}
