// Package uuid reads the text of UUIDs.
package uuid

import "encoding/hex"

// Parse reads the text of RFC 9562: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12 with hyphens between, such as
// f81d4fae-7dec-11d0-a765-00a0c91e6bf6. Digits may be of either case.
func Parse[T string | []byte](text T) (id [16]byte, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	var digits [32]byte
	copy(digits[:], text[:8])
	copy(digits[8:], text[9:13])
	copy(digits[12:], text[14:18])
	copy(digits[16:], text[19:23])
	copy(digits[20:], text[24:])
	_, err := hex.Decode(id[:], digits[:])
	return id, err == nil
}
