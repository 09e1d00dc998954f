package arrow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	arrowgo "github.com/apache/arrow/go/v17/arrow"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// FuzzArraysHaveWhatTheLevelsSay writes rows of random types in batches of random sizes, with what is read and written in
// between, and compares what Arrow's own reader finds with what the levels of Columns say.
func FuzzArraysHaveWhatTheLevelsSay(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		r := random{rand.New(rand.NewPCG(seed, 17))}
		rowType := r.structType(4)
		s, err := schema.OfType(rowType)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := columns.Compile[any](s)
		if err != nil {
			t.Fatal(err)
		}
		o := arrow.Options{
			Codec:      []arrow.Codec{arrow.None, arrow.Zstd, arrow.LZ4}[r.IntN(3)],
			BatchRows:  []int{0, 1, 3, 8, 17}[r.IntN(5)],
			BatchBytes: []int64{0, 1, 1000}[r.IntN(3)],
			Stream:     r.IntN(2) == 0,
		}
		newWriter, err := arrow.PlanWriters(plan, o)
		if err != nil {
			t.Fatal(err)
		}
		w, want := newWriter(), columns.New(s)
		var out bytes.Buffer
		if err := w.InitNew(&out); err != nil {
			t.Fatal(err)
		}
		for range r.IntN(60) {
			row := reflect.New(rowType)
			r.fill(row.Elem())
			if _, err := w.Write(row.Interface()); err != nil {
				t.Fatal(err)
			}
			if _, err := plan.Append(want, row.Interface()); err != nil {
				t.Fatal(err)
			}
			if r.IntN(20) == 0 {
				if err := w.(format.Spiller).Spill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		got := read(t, out.Bytes())
		if got.schema.String() != arrow.Schema(s).String() {
			t.Fatalf("the file's schema is\n%s\nwant\n%s", got.schema, arrow.Schema(s))
		}
		for _, record := range got.records {
			if record.NumRows() == 0 || o.BatchRows > 0 && record.NumRows() > int64(o.BatchRows) {
				t.Fatalf("a batch has %d rows", record.NumRows())
			}
			for i, column := range record.Columns() {
				checkNulls(t, record.Schema().Field(i), column)
			}
		}
		compare(t, s, got.rows(), rowsOf(want))
	})
}

func compare(t *testing.T, s *schema.Schema, got, want []any) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s\n%d rows, want %d", s, len(got), len(want))
	}
	for i := range want {
		if got, want := fmt.Sprintf("%q", got[i]), fmt.Sprintf("%q", want[i]); got != want {
			t.Fatalf("%s\nrow %d is\n%s\nwant\n%s", s, i, got, want)
		}
	}
}

// checkNulls fails the test if an array has nulls that its field does not allow, or another number than it says.
func checkNulls(t *testing.T, f arrowgo.Field, a arrowgo.Array) {
	t.Helper()
	nulls := 0
	for i := range a.Len() {
		if a.IsNull(i) {
			nulls++
		}
	}
	if nulls != a.NullN() || nulls > 0 && !f.Nullable {
		t.Fatalf("%s: %d nulls, and %d are said to be", f.Name, nulls, a.NullN())
	}
}

// random makes struct types and values of them.
type random struct{ *rand.Rand }

type UUID [16]byte

var leaves = []struct {
	typ  reflect.Type
	word string
}{
	{reflect.TypeFor[bool](), ""},
	{reflect.TypeFor[int8](), ""},
	{reflect.TypeFor[int16](), ""},
	{reflect.TypeFor[int32](), ""},
	{reflect.TypeFor[int](), ""},
	{reflect.TypeFor[uint8](), "uint(8)"},
	{reflect.TypeFor[uint16](), ""},
	{reflect.TypeFor[uint32](), ""},
	{reflect.TypeFor[uint64](), ""},
	{reflect.TypeFor[float32](), ""},
	{reflect.TypeFor[float64](), ""},
	{reflect.TypeFor[string](), ""},
	{reflect.TypeFor[[]byte](), ""},
	{reflect.TypeFor[[5]byte](), ""},
	{reflect.TypeFor[[16]byte](), ""},
	{reflect.TypeFor[[1]byte](), ""},
	{reflect.TypeFor[UUID](), ""},
	{reflect.TypeFor[json.RawMessage](), ""},
	{reflect.TypeFor[time.Time](), ""},
	{reflect.TypeFor[time.Time](), "timestamp(millisecond:local)"},
	{reflect.TypeFor[time.Time](), "date"},
	{reflect.TypeFor[time.Duration](), ""},
	{reflect.TypeFor[time.Duration](), "time(millisecond)"},
	{reflect.TypeFor[time.Duration](), "time(microsecond)"},
	{reflect.TypeFor[time.Duration](), "time(nanosecond)"},
	{reflect.TypeFor[int16](), "decimal(2:18)"},
	{reflect.TypeFor[int64](), "decimal(3:38)"},
}

func (r random) structType(depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+r.IntN(4))
	for i := range fields {
		typ, words := r.anyType(depth)
		required := ""
		switch r.IntN(6) {
		case 0, 1:
			words += ",optional"
		case 2:
			if k := typ.Kind(); k == reflect.Map || k == reflect.Slice && words == "" && typ.Elem().Kind() != reflect.Uint8 {
				required = ` lake:"required"`
			}
		}
		tag := fmt.Sprintf("parquet:%q", ","+words) + required
		fields[i] = reflect.StructField{Name: "F" + strconv.Itoa(i), Type: typ, Tag: reflect.StructTag(tag)}
	}
	return reflect.StructOf(fields)
}

func (r random) anyType(depth int) (t reflect.Type, words string) {
	if depth <= 0 || r.IntN(3) == 0 {
		leaf := leaves[r.IntN(len(leaves))]
		return leaf.typ, leaf.word
	}
	inner := func() reflect.Type {
		if t, words := r.anyType(depth - 1); words == "" && t != reflect.TypeFor[uint8]() {
			return t
		}
		return r.structType(depth - 1)
	}
	switch r.IntN(6) {
	case 0, 1:
		return reflect.PointerTo(inner()), ""
	case 2, 3:
		return reflect.SliceOf(inner()), ""
	case 4:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int16](), reflect.TypeFor[UUID](), reflect.TypeFor[bool]()}
		return reflect.MapOf(keys[r.IntN(len(keys))], inner()), ""
	}
	return r.structType(depth - 1), ""
}

// fill sets v to a value, often to an edge.
func (r random) fill(v reflect.Value) {
	if r.IntN(6) == 0 {
		return // zero
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(r.Int64N(253402300799+62135596800)-62135596800, r.Int64N(1e9)).UTC()
		return
	case *time.Duration:
		*p = time.Duration(r.Int64N(int64(24 * time.Hour)))
		return
	case *json.RawMessage:
		*p = json.RawMessage([]string{"null", "{}", `{"a":[1,"ä"]}`, " 1 "}[r.IntN(4)])
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int, reflect.Int64:
		v.SetInt(r.Int64() >> r.IntN(64) * int64(1-2*r.IntN(2)))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{math.Copysign(0, -1), math.NaN(), math.Inf(-1), r.NormFloat64()}[r.IntN(4)])
	case reflect.String:
		v.SetString([]string{"a", "ä\x00€", strings.Repeat("long ", r.IntN(50))}[r.IntN(3)])
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.fill(v.Elem())
	case reflect.Slice:
		n := r.IntN(5)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			r.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			r.fill(key)
			r.fill(value)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			r.fill(v.Field(i))
		}
	}
}

func TestEqualBlocksAreEqualFiles(t *testing.T) {
	newWriter := factory[*order](t, arrow.Options{BatchRows: 7})
	if !bytes.Equal(encoded(t, newWriter(), orders(40)...), encoded(t, newWriter(), orders(40)...)) {
		t.Error("the same payloads make different files")
	}
	other := factory[*order](t, arrow.Options{BatchRows: 7})
	if !slices.Equal(encoded(t, newWriter(), orders(40)...), encoded(t, other(), orders(40)...)) {
		t.Error("writers of two factories make different files")
	}
}
