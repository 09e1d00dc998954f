package columns_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

type angry struct{ N int }

func (a angry) MarshalText() ([]byte, error) {
	if a.N == 1 {
		panic("one")
	}
	return []byte("angry"), nil
}

// reject appends good, bad, good, and returns the error of bad and whether the columns are those of good, good.
func reject[T any](t *testing.T, good, bad T, opts ...schema.Option) string {
	t.Helper()
	s := of[T](t, opts...)
	plan, err := columns.Compile[T](s)
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(s)
	var rejection error
	for i, value := range []T{good, bad, good} {
		if _, err := plan.Append(c, value); (err != nil) != (i == 1) {
			t.Fatalf("value %d: the error is %v", i, err)
		} else if err != nil {
			rejection = err
		}
	}
	want, err := rowtest.Appended(t, opts, good, good)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(rowtest.Assemble(c)), fmt.Sprint(rowtest.Assemble(want)); got != want || c.Rows() != 2 {
		t.Errorf("after a rejected value the columns are\n%s\nwant\n%s", got, want)
	}
	return rejection.Error()
}

type item[T any] struct {
	Before []string
	X      T
	After  map[string]*int
}

func one[T any](x T) item[T] {
	return item[T]{[]string{"a", "b"}, x, map[string]*int{"k": nil, "l": ptr(1)}}
}

func TestRejectedValuesLeaveNoTrace(t *testing.T) {
	type nested struct{ Items []item[string] }
	type small struct {
		X int `parquet:",int(8)"`
	}
	type unsigned struct {
		X int `parquet:",uint(64)"`
	}
	type clock struct {
		X time.Duration `parquet:",time(nanosecond)"`
	}
	type cents struct {
		X int64 `parquet:",decimal(2:4)"`
	}
	type exact struct {
		X string `parquet:",decimal(2:9)"`
	}
	type rational struct {
		X big.Rat `parquet:",decimal(2:9)"`
	}
	type scaled struct {
		X money `parquet:",decimal(2:9)"`
	}
	type id struct {
		X string `parquet:",uuid"`
	}
	type text struct {
		X any `parquet:",json"`
	}
	utf8 := func(s string) nested { return nested{[]item[string]{one("ok"), one(s)}} }
	now := time.Now()
	for name, test := range map[string]struct{ got, want string }{
		"text":             {reject(t, utf8("ok"), utf8("\xff")), `column Items.element.X: "\xff" is not UTF-8`},
		"text in a map":    {reject(t, map1("a"), map1("\xff")), `column M.value: "\xff"`},
		"key":              {reject(t, map1("a"), mapping{map[string]string{"\xff": ""}}, schema.UTF8(schema.ReplaceInvalid)), `column M.key: "\xff"`},
		"int(8)":           {reject(t, small{-128}, small{128}), "column X: 128 is not from -128 to 127"},
		"uint(64)":         {reject(t, unsigned{1}, unsigned{-1}), "column X: -1 is not from 0"},
		"widened":          {reject(t, pair[uint64]{1, 2}, pair[uint64]{1, 1 << 63}, schema.WidenIntegers()), "column Second: 9223372036854775808 is above"},
		"year 10000":       {reject(t, one(now), one(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), "column X: a time"},
		"year 0":           {reject(t, one(time.Time{}), one(time.Time{}.Add(-1))), "years 1 to 9999"},
		"1677":             {reject(t, one(now), one(time.Time{}), schema.TimestampUnit(schema.Nanos)), "column X: 0001-01-01T00:00:00Z is not in the years 1677"},
		"clock":            {reject(t, clock{0}, clock{24 * time.Hour}), "column X"},
		"clock negative":   {reject(t, clock{0}, clock{-1}), "column X"},
		"decimal":          {reject(t, cents{-9999}, cents{10000}), "more digits"},
		"decimal text":     {reject(t, exact{"1.10"}, exact{"1.101"}), "behind the point"},
		"no decimal":       {reject(t, exact{"-1."}, exact{"1.-1"}), "no decimal"},
		"signs":            {reject(t, exact{"+1"}, exact{"--1"}), "no decimal"},
		"underscores":      {reject(t, exact{".5"}, exact{"1_0"}), "no decimal"},
		"no digits":        {reject(t, exact{"0"}, exact{""}), "no decimal"},
		"huge exponent":    {reject(t, exact{"0e99999"}, exact{"1e999999"}), "more digits"},
		"tiny exponent":    {reject(t, exact{"0e-99999"}, exact{"1e-999999"}), "behind the point"},
		"third":            {reject(t, rational{*big.NewRat(1, 4)}, rational{*big.NewRat(1, 3)}), "behind the point"},
		"scaled":           {reject(t, scaled{money{5, 0}}, scaled{money{5, -3}}), "behind the point"},
		"scaled huge":      {reject(t, scaled{money{0, math.MaxInt32}}, scaled{money{5, math.MaxInt32}}), "more digits"},
		"scaled tiny":      {reject(t, scaled{money{0, math.MinInt32}}, scaled{money{5, math.MinInt32}}), "behind the point"},
		"uuid":             {reject(t, id{"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}, id{"f81d4fae-7dec-11d0-a765-00a0c91e6bfg"}), "no UUID"},
		"json":             {reject(t, one(json.RawMessage(`1`)), one(json.RawMessage(`{`))), `column X: "{" is not JSON`},
		"json not UTF-8":   {reject(t, one(json.RawMessage(`1`)), one(json.RawMessage("\"\xff\""))), "not UTF-8"},
		"json of a chan":   {reject(t, text{1}, text{make(chan int)}), "column X: json: unsupported type"},
		"panic":            {reject(t, one(angry{}), one(angry{1})), "column X: panic in a method of columns_test.angry: one"},
		"same text of two": {reject(t, one(map[color]int{1: 1}), one(map[color]int{1: 1, 2: 2})), "same text"},
		"nil":              {reject(t, &pair[int]{}, nil), "nil pointer"},
	} {
		if !strings.Contains(test.got, test.want) {
			t.Errorf("%s: the error is %q, want %q", name, test.got, test.want)
		}
	}
}

func TestIntegersOfAnySizeAreTheSameInColumnsOfAnyOtherOrRejected(t *testing.T) {
	values := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(-1)}
	for _, bits := range []uint{7, 8, 15, 16, 31, 32, 63, 64} {
		edge := new(big.Int).Lsh(big.NewInt(1), bits)
		values = append(values, edge, new(big.Int).Sub(edge, big.NewInt(1)), new(big.Int).Neg(edge), new(big.Int).Not(edge))
	}
	for _, goType := range []reflect.Type{
		reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](), reflect.TypeFor[int64](),
		reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](),
	} {
		for _, word := range []string{"int(8)", "int(16)", "int(32)", "int(64)", "uint(8)", "uint(16)", "uint(32)", "uint(64)"} {
			rowType := reflect.StructOf([]reflect.StructField{{Name: "A", Type: goType, Tag: reflect.StructTag(`parquet:",` + word + `"`)}})
			s, err := schema.OfType(rowType)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := columns.Compile[any](s)
			if err != nil {
				t.Fatal(err)
			}
			var bits uint
			_, unsigned := strings.CutPrefix(word, "u")
			if _, err := fmt.Sscanf(word[strings.Index(word, "("):], "(%d)", &bits); err != nil {
				t.Fatal(err)
			}
			for _, value := range values {
				row := reflect.New(rowType)
				if field := row.Elem().Field(0); field.CanInt() {
					if !value.IsInt64() || field.OverflowInt(value.Int64()) {
						continue
					}
					field.SetInt(value.Int64())
				} else {
					if !value.IsUint64() || field.OverflowUint(value.Uint64()) {
						continue
					}
					field.SetUint(value.Uint64())
				}
				fits := value.Sign() >= 0 && uint(value.BitLen()) <= bits
				if !unsigned {
					fits = value.Sign() >= 0 && uint(value.BitLen()) < bits || value.Sign() < 0 && uint(new(big.Int).Not(value).BitLen()) < bits
				}
				c := columns.New(s)
				_, err := plan.Append(c, row.Interface())
				if want := fmt.Sprintf("[[%d]]", value); (err == nil) != fits || (fits && fmt.Sprint(rowtest.Assemble(c)) != want) {
					t.Errorf("%s as %s: %d is %v, error %v", goType, word, value, rowtest.Assemble(c), err)
				}
			}
		}
	}
}

type mapping struct{ M map[string]string }

func map1(value string) mapping { return mapping{map[string]string{"k": "ok", "l": value}} }

func TestTextThatIsNotUTF8IsRejectedWhereverItIs(t *testing.T) {
	plan := compiled[Left](t)
	c := columns.New(plan.Schema())
	for size := range 40 {
		text := strings.Repeat("a", size)
		for i := range size {
			if _, err := plan.Append(c, Left{text[:i] + "\x80" + text[i+1:]}); err == nil {
				t.Errorf("byte %d of %d may be wrong", i, size)
			}
			if _, err := plan.Append(c, Left{text[:i] + "\u20AC" + text[i+1:]}); err != nil {
				t.Error(err)
			}
		}
		if _, err := plan.Append(c, Left{text}); err != nil {
			t.Error(err)
		}
	}
}

func TestTextThatIsNotUTF8FollowsThePolicy(t *testing.T) {
	for policy, want := range map[schema.UTF8Policy]string{
		schema.ReplaceInvalid: "[[a\uFFFDb [\uFFFD]]]", schema.TextAsBytes: "[[a\xff\xfeb [\xff]]]",
	} {
		type row struct {
			A string
			B []string
		}
		c, err := rowtest.Appended(t, []schema.Option{schema.UTF8(policy)}, row{"a\xff\xfeb", []string{"\xff"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(rowtest.Assemble(c)); got != want {
			t.Errorf("row is %q, want %q", got, want)
		}
	}
}
