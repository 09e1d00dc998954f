package columns

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/gosource"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// putDecimal returns the function that appends decimals. Numbers with more digits behind the point than the column are
// rejected, never rounded.
func putDecimal(typ schema.Type, from *gosource.Value) putFunc {
	t := from.Type
	switch from.Reader {
	case gosource.ByBigInt:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error { return putUnscaled(c, l, (*big.Int)(p), typ) }
	case gosource.ByBigRat:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			r := (*big.Rat)(p)
			v, rest := new(big.Int).Mul(r.Num(), powerOfTen(typ.Scale)), new(big.Int)
			if v.QuoRem(v, r.Denom(), rest); rest.Sign() != 0 {
				return tooFine(r.String(), typ)
			}
			return putUnscaled(c, l, v, typ)
		}
	case gosource.ByScaled:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			coefficient, exponent, err := scaledAt(t, p)
			if err != nil {
				return err
			}
			return putScaled(c, l, coefficient, exponent, typ)
		}
	case gosource.ByText:
		text := textOf(t, gosource.ByText)
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			b, err := text(p)
			if err != nil {
				return err
			}
			return putParsed(c, l, string(b), typ)
		}
	}
	switch {
	case signedBits(t) > 0:
		load := loadInt(t)
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error { return putUnscaledInt(c, l, load(p), typ) }
	case unsignedBits(t) > 0:
		load := loadUint(t)
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
			return putUnscaled(c, l, new(big.Int).SetUint64(load(p)), typ)
		}
	case t.Kind() == reflect.String:
		return func(c *Columns, l *Leaf, p unsafe.Pointer) error { return putParsed(c, l, *(*string)(p), typ) }
	}
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		b := bytesAt(t, p)
		if len(b) == 0 {
			return errors.New("an empty slice of bytes is no decimal: the number 0 has one byte")
		}
		return putUnscaled(c, l, fromTwos(b), typ)
	}
}

// scaledAt calls the methods of a gosource.ScaledNumber.
func scaledAt(t reflect.Type, p unsafe.Pointer) (coefficient *big.Int, exponent int, err error) {
	defer recoverTo(&err, t)
	s, ok := reflect.NewAt(t, p).Interface().(gosource.ScaledNumber)
	if ok {
		coefficient, exponent = s.Coefficient(), int(s.Exponent())
	}
	if coefficient == nil {
		return nil, 0, fmt.Errorf("%s has no coefficient", t)
	}
	return coefficient, exponent, nil
}

// putParsed appends the number in a text such as -12.50 or 1e3.
func putParsed(c *Columns, l *Leaf, s string, typ schema.Type) error {
	if len(s) > 200 { // more digits than any column has, and slow to multiply
		return fmt.Errorf("%.50q… is too long for %s", s, typ)
	}
	mantissa, exponent, hasExponent := strings.Cut(strings.ToLower(s), "e")
	exp := 0
	if hasExponent {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil || exp < -1e6 || exp > 1e6 {
			return fmt.Errorf("%q is no decimal, such as -12.50", s)
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole, "+-") + fraction
	coefficient, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || len(whole)+len(fraction)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return fmt.Errorf("%q is no decimal, such as -12.50", s)
	}
	return putScaled(c, l, coefficient, exp-len(fraction), typ)
}

// putScaled appends coefficient times 10^exponent.
func putScaled(c *Columns, l *Leaf, coefficient *big.Int, exponent int, typ schema.Type) error {
	shift := exponent + typ.Scale
	v := new(big.Int)
	switch {
	case coefficient.Sign() == 0 || shift == 0:
		v.Set(coefficient)
	case shift > schema.MaxPrecision:
		return tooLarge(typ)
	case shift > 0:
		v.Mul(coefficient, powerOfTen(shift))
	case -shift > coefficient.BitLen(): // it has fewer digits than bits
		return tooFine(fmt.Sprintf("%de%d", coefficient, exponent), typ)
	default:
		rest := new(big.Int)
		if v.QuoRem(coefficient, powerOfTen(-shift), rest); rest.Sign() != 0 {
			return tooFine(fmt.Sprintf("%de%d", coefficient, exponent), typ)
		}
	}
	return putUnscaled(c, l, v, typ)
}

// putUnscaled appends a number without its point: the value times 10^scale.
func putUnscaled(c *Columns, l *Leaf, v *big.Int, typ schema.Type) error {
	if v.CmpAbs(powerOfTen(typ.Precision)) >= 0 {
		return tooLarge(typ)
	}
	if typ.Precision <= ranges.MaxDigits64 {
		c.put64(l, uint64(v.Int64()))
		return nil
	}
	var twos [16]byte
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, twoTo128)
	}
	return c.putFixed(l, v.FillBytes(twos[:]))
}

func putUnscaledInt(c *Columns, l *Leaf, v int64, typ schema.Type) error {
	if typ.Precision > ranges.MaxDigits64 {
		return putUnscaled(c, l, big.NewInt(v), typ)
	}
	if most := powersOfTen[typ.Precision]; v <= -most || v >= most {
		return tooLarge(typ)
	}
	c.put64(l, uint64(v))
	return nil
}

// fromTwos reads a number in two's complement, big-endian.
func fromTwos(b []byte) *big.Int {
	v := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return v
}

var (
	twoTo128    = new(big.Int).Lsh(big.NewInt(1), 128)
	powersOfTen = func() (powers [ranges.MaxDigits64 + 1]int64) {
		for i, p := 0, int64(1); i <= ranges.MaxDigits64; i, p = i+1, p*10 {
			powers[i] = p
		}
		return powers
	}()
)

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func tooLarge(typ schema.Type) error { return fmt.Errorf("the number has more digits than %s", typ) }

func tooFine(v string, typ schema.Type) error {
	return fmt.Errorf("%.50s has more digits behind the point than %s: round it before", v, typ)
}
