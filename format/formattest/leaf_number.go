package formattest

import (
	"errors"
	"math"
	"math/big"
	"strings"
)

type signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

type unsigned interface {
	~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// signedLeaf has integers whose column has the given bits, and which are rejected if they do not fit.
func signedLeaf[T signed](name, words string, bits int, rejected ...T) leaf {
	least, most := int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits)
	lo, hi := T(least), T(most)
	var values []is[T]
	for _, v := range []T{0, 1, -1, lo, hi, lo + 1, hi - 1, 42} {
		values = append(values, is[T]{v, I(v)})
	}
	return leafOf(name, words, values, func(s *source) (T, any) {
		v := T(s.Int64() - s.Int64()>>s.IntN(64))
		for v < lo || v > hi {
			v /= 16
		}
		return v, I(v)
	}, rejected...)
}

func unsignedLeaf[T unsigned](name, words string, bits int, rejected ...T) leaf {
	most := uint64(math.MaxUint64) >> (64 - bits)
	hi := T(most)
	var values []is[T]
	for _, v := range []T{0, 1, hi, hi - 1, hi/2 + 1, hi / 2, 42} {
		values = append(values, is[T]{v, U(v)})
	}
	return leafOf(name, words, values, func(s *source) (T, any) {
		v := T(s.Uint64()>>s.IntN(64)) & hi
		return v, U(v)
	}, rejected...)
}

type (
	named   int32 // has no methods
	aliased = uint16
)

func integerLeaves() []leaf {
	return []leaf{
		signedLeaf[int]("int", "", 64),
		signedLeaf[int8]("int8", "", 8),
		signedLeaf[int16]("int16", "", 16),
		signedLeaf[int32]("int32", "", 32),
		signedLeaf[int64]("int64", "", 64),
		unsignedLeaf[uint]("uint", "", 64),
		unsignedLeaf[uint8]("uint8", "", 8),
		unsignedLeaf[uint16]("uint16", "", 16),
		unsignedLeaf[uint32]("uint32", "", 32),
		unsignedLeaf[uint64]("uint64", "", 64),
		signedLeaf[named]("named", "", 32),
		unsignedLeaf[aliased]("aliased", "", 16),
		signedLeaf[int]("int as int8", "int(8)", 8, 100_000, -129, 128),
		signedLeaf[int64]("int64 as int32", "int(32)", 32, math.MaxInt32+1, math.MinInt64),
		signedLeaf[int8]("int8 as int64", "int(64)", 8),
		unsignedLeaf[uint]("uint as uint16", "uint(16)", 16, 65536, math.MaxUint64),
		unsignedLeaf[uint64]("uint64 as int64", "int(64)", 63, math.MaxInt64+1, math.MaxUint64),
		leafOf("int as uint64", "uint(64)", []is[int]{
			{0, Int("0")}, {math.MaxInt64, Int("9223372036854775807")},
		}, nil, -1, math.MinInt64),
		leafOf("bool", "", []is[bool]{{false, false}, {true, true}}, nil),
		signedLeaf[int64]("delta", "delta", 64),
		signedLeaf[int32]("delta 32", "delta", 32),
		signedLeaf[int64]("dict", "dict", 64),
		unsignedLeaf[uint32]("split", "split", 32),
		signedLeaf[int64]("plain", "plain", 64),
	}
}

func floatLeaves() []leaf {
	var f32 []is[float32]
	for _, v := range []float32{
		0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0.1, -1.5,
		math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 1 << 24,
	} {
		f32 = append(f32, is[float32]{v, F32(v)})
	}
	var f64 []is[float64]
	for _, v := range []float64{
		0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 0.1, -1.5,
		math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53,
	} {
		f64 = append(f64, is[float64]{v, F64(v)})
	}
	random32 := func(s *source) (float32, any) { f := math.Float32frombits(s.Uint32()); return f, F32(f) }
	random64 := func(s *source) (float64, any) { f := math.Float64frombits(s.Uint64()); return f, F64(f) }
	return []leaf{
		leafOf("float32", "", f32, random32),
		leafOf("float64", "", f64, random64),
		leafOf("float32 split", "split", f32, random32),
		leafOf("float64 split", "split", f64, random64),
		leafOf("float64 dict", "dict", f64, random64),
	}
}

// cents is a decimal with the methods of github.com/shopspring/decimal.
type cents struct{ n int64 }

// Coefficient returns the number without its point.
func (c cents) Coefficient() *big.Int { return big.NewInt(c.n) }

// Exponent returns -2, for two digits after the point.
func (c cents) Exponent() int32 { return -2 }

// ratio is a decimal that has a method MarshalText.
type ratio struct{ text string }

// MarshalText returns the number.
func (r ratio) MarshalText() ([]byte, error) {
	if r.text == "panic" {
		return nil, errors.New("no such number")
	}
	return []byte(r.text), nil
}

func bigInt(digits string) big.Int {
	n, _ := new(big.Int).SetString(digits, 10)
	return *n
}

func bigRat(text string) big.Rat {
	r, _ := new(big.Rat).SetString(text)
	return *r
}

func decimalLeaves() []leaf {
	nines := func(n int) string { return strings.Repeat("9", n) }
	return []leaf{
		leafOf("int32 decimal 9", "decimal(2:9)", []is[int32]{
			{0, Decimal("0.00")},
			{1, Decimal("0.01")},
			{-1, Decimal("-0.01")},
			{-1250, Decimal("-12.50")},
			{999_999_999, Decimal("9999999.99")},
			{-999_999_999, Decimal("-9999999.99")},
		}, nil, 1_000_000_000, math.MinInt32),
		leafOf("int64 decimal 18", "decimal(4:18)", []is[int64]{
			{0, Decimal("0.0000")}, {-1250, Decimal("-0.1250")}, {1e18 - 1, Dec(nines(18), 4)}, {1 - 1e18, Dec("-"+nines(18), 4)},
		}, func(s *source) (int64, any) {
			v := (s.Int64N(2e18-1) - (1e18 - 1)) / (1 << s.IntN(60))
			return v, Dec(string(I(v)), 4)
		}, 1e18, math.MinInt64),
		leafOf("uint64 decimal 20", "decimal(0:20)", []is[uint64]{
			{0, Decimal("0")}, {math.MaxUint64, Decimal("18446744073709551615")},
		}, nil),
		leafOf("int64 decimal 5", "decimal(5:5)", []is[int64]{
			{0, Decimal("0.00000")}, {99999, Decimal("0.99999")}, {-1, Decimal("-0.00001")},
		}, nil, 100_000),
		leafOf("big decimal 38", "decimal(0:38)", []is[big.Int]{
			{bigInt("0"), Decimal("0")},
			{bigInt(nines(38)), Decimal(nines(38))},
			{bigInt("-" + nines(38)), Decimal("-" + nines(38))},
			{bigInt("-1"), Decimal("-1")},
			{bigInt("18446744073709551616"), Decimal("18446744073709551616")},
		}, nil, bigInt("1"+strings.Repeat("0", 38))),
		leafOf("rat decimal 19", "decimal(3:19)", []is[big.Rat]{
			{bigRat("0"), Decimal("0.000")}, {bigRat("-1/8"), Decimal("-0.125")}, {bigRat("9999999999999999.999"), Dec(nines(19), 3)},
		}, nil, bigRat("1/3"), bigRat("1e17")),
		leafOf("string decimal", "decimal(10:38)", []is[string]{
			{"0", Decimal("0.0000000000")},
			{"-12.50", Decimal("-12.5000000000")},
			{"+1e3", Decimal("1000.0000000000")},
			{"-1e-10", Decimal("-0.0000000001")},
			{nines(28) + "." + nines(10), Dec(nines(38), 10)},
		}, nil, "", "x", "1e-11", "1e28", "NaN"),
		leafOf("bytes decimal", "decimal(1:30)", []is[[]byte]{
			{nil, nil},
			{[]byte{0}, Decimal("0.0")},
			{[]byte{0xff}, Decimal("-0.1")},
			{[]byte{0x80, 0}, Decimal("-3276.8")},
			{[]byte{0, 0xff}, Decimal("25.5")},
		}, nil, []byte{}),
		leafOf("coefficient decimal", "decimal(3:18)", []is[cents]{
			{cents{}, Decimal("0.000")}, {cents{-1250}, Decimal("-12.500")},
		}, nil, cents{math.MaxInt64}),
		leafOf("text decimal", "decimal(1:9)", []is[ratio]{
			{ratio{"-0.5"}, Decimal("-0.5")}, {ratio{"7"}, Decimal("7.0")},
		}, nil, ratio{""}, ratio{"0.55"}, ratio{"panic"}),
	}
}
