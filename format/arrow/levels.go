package arrow

import (
	"encoding/binary"
	"math/bits"
)

// validity sets a bit in bitmap, which is zero, for each slot that is not null, and returns how many slots are not null.
func (a *arrayPlan) validity(bitmap []byte, s *leafSpan) (valid int) {
	if len(s.rep) == 0 {
		return validBits(bitmap, s.def, a.valid)
	}
	slot := 0
	for i, d := range s.def {
		if d < a.slotDef || s.rep[i] > a.slotRep {
			continue
		}
		if d >= a.valid {
			bitmap[slot>>3] |= 1 << (slot & 7)
			valid++
		}
		slot++
	}
	return valid
}

const eachByte = 0x0101010101010101

// validBits is validity where each level is a slot.
func validBits(bitmap, def []byte, least uint8) (valid int) {
	// Definitions are at most 128, see schema's limits: so the highest bit of each byte tells, and no byte overflows into
	// the next.
	add := uint64(128-least) * eachByte
	n := len(def) / 8
	for i := range n {
		each := binary.LittleEndian.Uint64(def[8*i:]) + add
		b := gather(each >> 7 & eachByte)
		bitmap[i] = b
		valid += bits.OnesCount8(b)
	}
	for i := 8 * n; i < len(def); i++ {
		if def[i] >= least {
			bitmap[i>>3] |= 1 << (i & 7)
			valid++
		}
	}
	return valid
}

// pack sets a bit for each true value.
func pack(bitmap, values []byte) {
	n := len(values) / 8
	for i := range n {
		bitmap[i] = gather(binary.LittleEndian.Uint64(values[8*i:]) & eachByte)
	}
	for i := 8 * n; i < len(values); i++ {
		bitmap[i>>3] |= values[i] & 1 << (i & 7)
	}
}

// gather returns the lowest bits of eight bytes, the first as the lowest. The others are 0.
func gather(each uint64) byte {
	return byte(each * 0x0102040810204080 >> 56) // each bit times 2^(56-7i) ends up in the highest byte, and nowhere else there
}

// offsets sets where the items of each slot of a list begin, then where the last ones end, and returns the number of items.
func (a *arrayPlan) offsets(offsets []int32, s *leafSpan) (items int) {
	slot := 0
	for i, d := range s.def {
		r := s.rep[i]
		if d >= a.slotDef && r <= a.slotRep {
			offsets[slot] = int32(items)
			slot++
		}
		if d >= a.itemDef && r <= a.itemRep {
			items++
		}
	}
	offsets[slot] = int32(items)
	return items
}

// spread puts the values into those slots of the leaf that have one, and leaves the others unchanged.
func spread[T any](slots, values []T, a *arrayPlan, s *leafSpan) {
	slot, v := 0, 0
	for _, d := range s.def {
		if d == a.maxDef {
			slots[slot] = values[v]
			v++
		}
		if d >= a.slotDef {
			slot++
		}
	}
}

// spreadBytes is spread for values of a's width.
func spreadBytes(slots, values []byte, a *arrayPlan, s *leafSpan) {
	slot, w := 0, a.width
	for _, d := range s.def {
		if d == a.maxDef {
			copy(slots[slot:slot+w], values)
			values = values[w:]
		}
		if d >= a.slotDef {
			slot += w
		}
	}
}

// spreadOffsets sets where the bytes of each slot begin, then where the last ones end. There is one more offset than values.
func spreadOffsets(slots []int32, offsets []uint32, a *arrayPlan, s *leafSpan) {
	slot, v := 0, 0
	first := offsets[0]
	slots[0] = 0
	for _, d := range s.def {
		if d < a.slotDef {
			continue
		}
		if d == a.maxDef {
			v++
		}
		slot++
		slots[slot] = int32(offsets[v] - first)
	}
}
