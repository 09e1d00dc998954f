package parquet_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

type scalars struct {
	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	String  string
	Bytes   []byte
	Fixed   [5]byte
	Time    time.Time
	Raw     json.RawMessage
	Dur     time.Duration
	Kind    kindOfText
}

type kindOfText string

type pointers struct {
	Bool    *bool
	Int     *int
	Int8    *int8
	Int16   *int16
	Int32   *int32
	Int64   *int64
	Uint    *uint
	Uint8   *uint8
	Uint16  *uint16
	Uint32  *uint32
	Uint64  *uint64
	Float32 *float32
	Float64 *float64
	String  *string
	Fixed   *[5]byte
	Time    *time.Time
	Kind    *kindOfText
}

type inner struct {
	A string
	B *int64
	T time.Time
	P *time.Time
	L []string
}

type structs struct {
	Plain   inner
	Pointer *inner
	Deep    *struct {
		X *inner
		Y []inner
	}
}

type lists struct {
	Ints     []int64
	Int16s   []int16
	Uint32s  []uint32
	Strings  []string
	Kinds    []kindOfText
	Blobs    [][]byte
	Times    []time.Time
	Durs     []time.Duration
	Bools    []bool
	Small    []int8
	Float32s []float32
	Floats   []float64
	Fixed    [][3]byte
	Structs  []inner
	Raws     []struct{ R json.RawMessage }
	UUIDs    []struct {
		U [16]byte `parquet:",uuid"`
	}
	Nested   [][]string
	NestedB  [][]bool
	NestedI  [][]int8
	NestedF  [][][2]byte
	NestedS  [][]inner
	Pointers []*string
	PBools   []*bool
	PSmall   []*int8
	PFixed   []*[2]byte
	PKinds   []*kindOfText
	PTimes   []*time.Time
	PStructs []*inner
}

type dicts struct {
	Strings  map[string]string
	Ints     map[int32]float64
	Int8s    map[int8]bool
	Uint16s  map[uint16]uint8
	Uint64s  map[uint64]int
	Kinds    map[kindOfText]kindOfText
	Bytes    map[string][]byte
	Fixed    map[string][4]byte
	Times    map[string]time.Time
	Structs  map[string]inner
	Lists    map[string][]string
	LStructs map[string][]inner
	LPointer map[string][]*inner
	Pointers map[string]*int64
	PBools   map[string]*bool
	PFixed   map[string]*[4]byte
	PStructs map[string]*inner
	InList   []map[string]int64
	InListS  []map[string]inner
	InListP  []map[string]*inner
	Deep     []struct{ M map[string][]int32 }
}

type base struct {
	E1 string
	E2 *int64
	E3 time.Time
	E4 []string `json:"e_four"`
}

type Middle struct {
	F1 map[string]string
	base
}

type embedding struct {
	A int
	Middle
	B []struct {
		base
		Z int
	}
	Hidden  string `json:"-"`
	Dropped func() `parquet:"-"`
	_       any
}

type tagged struct {
	ID      int64             `parquet:"id,delta,id(7)" json:"ignored"`
	Name    string            `json:"name,omitempty"`
	Dict    string            `parquet:"dict,dict"`
	DictP   *string           `parquet:",dict"`
	Split   float64           `parquet:",split"`
	SplitP  *float32          `parquet:",split"`
	DeltaS  string            `parquet:",delta"`
	DeltaB  []byte            `parquet:",delta"`
	Blob    string            `parquet:",bytes"`
	Text    []byte            `parquet:",string"`
	JSON    string            `parquet:",json"`
	JSONB   []byte            `parquet:",json"`
	Enum    string            `parquet:",enum"`
	Milli   time.Time         `parquet:",timestamp(millisecond)"`
	Local   time.Time         `parquet:",timestamp(microsecond:local)"`
	DeltaT  time.Time         `parquet:",delta"`
	UUID    [16]byte          `parquet:",uuid"`
	Dec     int64             `parquet:",decimal(2:18)"`
	DecP    *int32            `parquet:",decimal(3:9)"`
	Date    int32             `parquet:",date"`
	DateP   *int32            `parquet:",date"`
	TimeOf  int64             `parquet:",time(microsecond)"`
	TimeOf2 int32             `parquet:",time(millisecond)"`
	Stamp   int64             `parquet:",timestamp(nanosecond)"`
	StampP  *int64            `parquet:",timestamp(microsecond)"`
	Brotli  string            `parquet:",brotli"`
	LZ4     string            `parquet:",lz4"`
	Gzip    []string          `parquet:"" parquet-element:",gzip,dict"`
	Keys    map[string]string `parquet:"keys,id(9)" parquet-key:",dict" parquet-value:",dict,snappy"`
	DictI   int64             `parquet:",dict"`
	DictF   float64           `parquet:",dict"`
	DictB   bool              `parquet:",dict"`
	DictT   time.Time         `parquet:",dict"`
	DictU   [16]byte          `parquet:",uuid,dict"`
}

var (
	timeType = reflect.TypeFor[time.Time]()
)

// random fills v with values of all kinds, the rare ones often. text limits strings to what makes sense at a column.
func random(r *rand.Rand, v reflect.Value, text string) {
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(pick(r, time.Time{}, time.Unix(0, 0).UTC(), time.Date(9999, 1, 1, 0, 0, 0, 999999000, time.UTC),
			time.Date(2026, 11, 23, 1, 2, 3, 123456789, time.FixedZone("", 3600)), time.UnixMicro(r.Int64N(1e16)))))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		bits := v.Type().Bits()
		switch {
		case strings.Contains(text, "decimal(2"):
			v.SetInt(r.Int64N(1e18))
		case strings.Contains(text, "decimal(3"):
			v.SetInt(r.Int64N(1e9))
		case strings.Contains(text, "date"):
			v.SetInt(r.Int64N(100000))
		case strings.Contains(text, "time("):
			v.SetInt(r.Int64N(86400000))
		default:
			v.SetInt(pick(r, 0, -1, 1, math.MaxInt64>>(64-bits), math.MinInt64>>(64-bits), r.Int64()>>(64-bits)))
		}
		if strings.Contains(text, "timestamp(nano") {
			v.SetInt(r.Int64N(1e15) * 1000)
		}
		if strings.Contains(text, "timestamp(micro") {
			v.SetInt(r.Int64N(1e16))
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(pick(r, 0, 1, math.MaxUint64, r.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(pick(r, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat32, float64(float32(0.1)), float64(float32(r.NormFloat64()))))
	case reflect.String:
		v.SetString(pick(r, "", "a", "é日本😀", strings.Repeat("long", r.IntN(100)), fmt.Sprint(r.Int64())))
		if strings.Contains(text, "json") {
			v.SetString(pick(r, "{}", `{"a":1}`, "[1, 2]", "null"))
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.Set(reflect.ValueOf(pick(r, nil, []byte{}, []byte("abc"), []byte{0, 'x'})).Convert(v.Type()))
			if strings.Contains(text, "json") || v.Type() == reflect.TypeFor[json.RawMessage]() {
				v.Set(reflect.ValueOf([]byte(pick(r, "{}", `{"a": 1}`, "[1,2]"))).Convert(v.Type()))
			}
			return
		}
		if n := r.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				random(r, v.Index(i), "")
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(r.Uint64N(256))
		}
	case reflect.Map:
		if n := r.IntN(5) - 1; n >= 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				random(r, key, "")
				random(r, value, "")
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Pointer:
		if r.IntN(2) == 0 {
			p := reflect.New(v.Type().Elem())
			random(r, p.Elem(), text)
			v.Set(p)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); !f.Anonymous && !f.IsExported() || strings.Contains(string(f.Tag), `"-"`) {
				continue
			}
			random(r, v.Field(i), string(v.Type().Field(i).Tag))
		}
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// expected is v as Duck returns it.
func expected(v reflect.Value, tag string) any {
	if v.Type() == timeType {
		t, _ := reflect.TypeAssert[time.Time](v)
		if strings.Contains(tag, "millisecond") {
			return time.UnixMilli(t.UnixMilli()).UTC()
		}
		return time.UnixMicro(t.UnixMicro()).UTC()
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n := v.Int()
		switch {
		case strings.Contains(tag, "decimal(2"):
			return fmt.Sprintf("%d.%02d", n/100, n%100)
		case strings.Contains(tag, "decimal(3"):
			return fmt.Sprintf("%d.%03d", n/1000, n%1000)
		case strings.Contains(tag, "date"):
			return time.Unix(n*86400, 0).UTC()
		case strings.Contains(tag, "timestamp(nano"):
			return time.UnixMicro(n / 1000).UTC()
		case strings.Contains(tag, "timestamp(micro"):
			return time.UnixMicro(n).UTC()
		case strings.Contains(tag, "time(micro"):
			return time.Duration(n) * time.Microsecond
		case strings.Contains(tag, "time(milli"):
			return time.Duration(n) * time.Millisecond
		}
		return n
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return int64(v.Uint())
	case reflect.Uint, reflect.Uint64:
		return v.Uint()
	case reflect.Float32:
		return float32(v.Float())
	case reflect.Float64:
		return v.Float()
	case reflect.String:
		if strings.Contains(tag, "bytes") {
			return []byte(v.String())
		}
		return v.String()
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if strings.Contains(tag, "string") || strings.Contains(tag, "json") || v.Type() == reflect.TypeFor[json.RawMessage]() {
				return string(v.Bytes())
			}
			return append([]byte{}, v.Bytes()...)
		}
		list := make([]any, v.Len())
		for i := range list {
			list[i] = expected(v.Index(i), "")
		}
		return list
	case reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		if strings.Contains(tag, "uuid") {
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		}
		return b
	case reflect.Map:
		entries := []formattest.Entry{}
		for it := v.MapRange(); it.Next(); {
			entries = append(entries, formattest.Entry{Key: expected(it.Key(), ""), Value: expected(it.Value(), "")})
		}
		return sorted(entries)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return expected(v.Elem(), tag)
	case reflect.Struct:
		fields := map[string]any{}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			switch {
			case !f.Anonymous && !f.IsExported(), strings.Contains(string(f.Tag), `"-"`):
				continue
			case f.Anonymous:
				maps.Copy(fields, expected(v.Field(i), "").(map[string]any))
				continue
			}
			fields[columnOf(f)] = expected(v.Field(i), string(f.Tag))
		}
		return fields
	}
	panic(v.Kind())
}

func columnOf(f reflect.StructField) string {
	p, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
	j, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return cmp.Or(p, j, f.Name)
}

// sorted puts the entries of all maps within v in order, as Go maps have none.
func sorted(v any) any {
	switch v := v.(type) {
	case []formattest.Entry:
		for i := range v {
			v[i].Value = sorted(v[i].Value)
		}
		slices.SortFunc(v, func(a, b formattest.Entry) int { return cmp.Compare(fmt.Sprint(a.Key), fmt.Sprint(b.Key)) })
	case []any:
		for i := range v {
			v[i] = sorted(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = sorted(v[name])
		}
	}
	return v
}

func writersOf[P any](t testing.TB, options parquet.Options) func() format.Writer[P] {
	t.Helper()
	newWriter, err := parquet.Writers[P](options)
	if err != nil {
		t.Fatal(err)
	}
	return newWriter
}

// encoded is the file of payloads.
func encoded[P any](t testing.TB, w format.Writer[P], payloads []P) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads {
		if n, err := w.Write(p); n != 1 || err != nil {
			t.Fatalf("payload %d: %d rows, %v", i, n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func save(t testing.TB, file []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func checkStructs[T any](t *testing.T, duck *formattest.Duck) {
	t.Run(reflect.TypeFor[T]().Name(), func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 11))
		rows := make([]T, 1000)
		for i := range rows {
			random(r, reflect.ValueOf(&rows[i]).Elem(), "")
		}
		pointers := make([]*T, len(rows))
		for i := range rows {
			pointers[i] = &rows[i]
		}
		options := parquet.Options{RowGroupRows: 400, PageBytes: 4 << 10}
		for kind, file := range map[string][]byte{
			"values":   encoded(t, writersOf[T](t, options)(), rows),
			"pointers": encoded(t, writersOf[*T](t, options)(), pointers),
		} {
			wrong := map[string]int{}
			i := 0
			result := "SELECT * FROM read_parquet(" + formattest.Quote(save(t, file)) + ")"
			columns := duck.Query(result + " LIMIT 0").Columns
			duck.Each(result, func(row []any) {
				if i >= len(rows) {
					t.Fatal("too many rows")
				}
				want := expected(reflect.ValueOf(rows[i]), "").(map[string]any)
				for c, got := range row {
					if got, want := sorted(got), want[columns[c]]; !reflect.DeepEqual(got, want) {
						if wrong[columns[c]]++; wrong[columns[c]] == 1 {
							t.Errorf("%s: row %d, column %s is %#v, want %#v", kind, i, columns[c], got, want)
						}
					}
				}
				i++
			})
			if want := len(expected(reflect.ValueOf(rows[0]), "").(map[string]any)); i != len(rows) || len(columns) != want {
				t.Errorf("%s: %d rows of %d columns, wrong: %v", kind, i, len(columns), wrong)
			}
			if len(wrong) > 0 {
				t.Logf("%s: wrong values: %v", kind, wrong)
			}
		}
	})
}

func TestStructsComeBackFromDuckDBAsTheyWere(t *testing.T) {
	duck := formattest.DuckDB(t)
	checkStructs[scalars](t, duck)
	checkStructs[pointers](t, duck)
	checkStructs[structs](t, duck)
	checkStructs[lists](t, duck)
	checkStructs[dicts](t, duck)
	checkStructs[embedding](t, duck)
	checkStructs[tagged](t, duck)
}
