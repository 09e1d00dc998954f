package jsoncolumns

import (
	"math"
	"strconv"
	"unsafe"

	"github.com/jetcapture/lake/schema/internal/ranges"
)

// A decimal is a number of JSON: digits times 10^exponent. The first and the last digit are not 0, and 0 has none, so that
// equal numbers have equal decimals, but for -0.
type decimal struct {
	negative bool
	digits   []byte
	exponent int
}

// maxExponent is beyond what any type holds, and far from what overflows.
const maxExponent = 1 << 40

// parseDecimal reads a number that scan has read. It puts the digits behind those of buffer.
func parseDecimal(raw, buffer []byte) decimal {
	d := decimal{negative: raw[0] == '-'}
	first, point := len(buffer), false
	for i, c := range raw {
		switch {
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			d.exponent += parseExponent(raw[i+1:])
			return d.of(buffer[first:])
		case c == '0' && len(buffer) == first: // leading
			if point {
				d.exponent--
			}
		case c >= '0' && c <= '9':
			buffer = append(buffer, c)
			if point {
				d.exponent--
			}
		}
	}
	return d.of(buffer[first:])
}

func (d decimal) of(digits []byte) decimal {
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		d.exponent++
	}
	if d.digits = digits; len(digits) == 0 {
		d.exponent = 0
	}
	return d
}

// parseExponent reads what follows an e, to maxExponent.
func parseExponent(raw []byte) int {
	e := 0
	for _, c := range raw {
		if c >= '0' && c <= '9' {
			e = min(e*10+int(c-'0'), maxExponent)
		}
	}
	if raw[0] == '-' {
		return -e
	}
	return e
}

func (d decimal) equal(other decimal) bool {
	return d.negative == other.negative && d.exponent == other.exponent && string(d.digits) == string(other.digits)
}

// isMinusZero reports whether d is -0, which neither integers nor decimals have.
func (d decimal) isMinusZero() bool { return d.negative && len(d.digits) == 0 }

// scaled returns d times 10^scale if that is a whole number of at most 20 digits.
func (d decimal) scaled(scale int) (magnitude uint64, ok bool) {
	zeros := d.exponent + scale
	if len(d.digits) == 0 {
		return 0, true
	}
	if zeros < 0 || len(d.digits)+zeros > 20 {
		return 0, false
	}
	for _, c := range d.digits {
		if magnitude > math.MaxUint64/10 || magnitude*10 > math.MaxUint64-uint64(c-'0') {
			return 0, false
		}
		magnitude = magnitude*10 + uint64(c-'0')
	}
	for range zeros {
		if magnitude > math.MaxUint64/10 {
			return 0, false
		}
		magnitude *= 10
	}
	return magnitude, true
}

// cut returns the whole part of d times 10^scale, without its sign, and whether that is all of it. It has at most 20 digits.
func (d decimal) cut(scale int) (magnitude uint64, whole, ok bool) {
	whole = true
	if behind := -(d.exponent + scale); behind > 0 && len(d.digits) > 0 {
		whole = false // the last digit is not 0
		d.digits = d.digits[:max(0, len(d.digits)-behind)]
		d.exponent += behind
	}
	magnitude, ok = d.scaled(scale)
	return magnitude, whole, ok
}

// parseInteger returns the sign and the magnitude of a number without a fraction, however it is written. -0 is none.
func parseInteger(raw, buffer []byte) (negative bool, magnitude uint64, ok bool) {
	digits := raw
	if raw[0] == '-' {
		negative, digits = true, raw[1:]
	}
	if len(digits) <= ranges.MaxDigits64 {
		plain := true
		for _, c := range digits {
			if c -= '0'; c > 9 {
				plain = false
				break
			}
			magnitude = magnitude*10 + uint64(c)
		}
		if plain {
			return negative, magnitude, !negative || magnitude > 0
		}
	}
	d := parseDecimal(raw, buffer)
	magnitude, ok = d.scaled(0)
	return d.negative, magnitude, ok && !d.isMinusZero()
}

// exactPowers are those of ten that are floating-point numbers themselves.
var exactPowers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// parseFloat returns the number that is nearest, and whether it is written with no more digits than it takes to tell it
// from its neighbors, so that it can be written back. bits is 64 or 32.
func parseFloat(raw, buffer []byte, bits int) (f float64, ok bool) {
	if bits == 64 && len(raw) <= 16 { // at most 15 digits, of which any fit
		if f, ok = shortFloat(raw); ok {
			return f, true
		}
	}
	f, err := strconv.ParseFloat(unsafe.String(&raw[0], len(raw)), bits) // which keeps nothing of it but in an error
	if err != nil {
		return 0, false // too large
	}
	var shortest [32]byte
	written := strconv.AppendFloat(shortest[:0], f, 'e', -1, bits)
	want := parseDecimal(raw, buffer)
	var digits [32]byte
	return f, parseDecimal(written, digits[:0]).equal(want)
}

// shortFloat divides a whole number by a power of ten, which rounds right if both are exact.
func shortFloat(raw []byte) (float64, bool) {
	digits, negative := raw, raw[0] == '-'
	if negative {
		digits = raw[1:]
	}
	var whole uint64
	behind, count := 0, 0
	for i, c := range digits {
		switch {
		case c == '.':
			behind = len(digits) - i - 1
		case c-'0' <= 9:
			whole = whole*10 + uint64(c-'0')
			count++
		default:
			return 0, false
		}
	}
	if count > 15 {
		return 0, false
	}
	f := float64(whole) / exactPowers[behind]
	if negative {
		f = -f // 0 to -0 too
	}
	return f, true
}
