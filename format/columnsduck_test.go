package format_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema"
)

// wide has all kinds of fields, except values that DuckDB does not read.
type wide struct {
	N       int                           `json:"n"`
	Bool    bool                          `json:"bool"`
	I8      int8                          `json:"i8"`
	I16     int16                         `json:"i16"`
	I32     int32                         `json:"i32"`
	I64     int64                         `json:"i64"`
	U8      uint8                         `json:"u8"`
	U16     uint16                        `json:"u16"`
	U32     uint32                        `json:"u32"`
	U64     uint64                        `json:"u64"`
	F32     float32                       `json:"f32"`
	F64     float64                       `json:"f64"`
	Text    string                        `json:"text"`
	Maybe   *string                       `json:"maybe"`
	Count   *int64                        `json:"count"`
	Bytes   []byte                        `json:"bytes"`
	Fixed   [3]byte                       `json:"fixed"`
	Milli   time.Time                     `parquet:"milli,timestamp(millisecond)"`
	Micro   time.Time                     `parquet:"micro"`
	Nano    int64                         `parquet:"nano,timestamp(nanosecond)"`
	Local   time.Time                     `parquet:"local,timestamp(microsecond:local)"`
	Day     time.Time                     `parquet:"day,date"`
	Clock3  time.Duration                 `parquet:"clock3,time(millisecond)"`
	Clock6  time.Duration                 `parquet:"clock6,time(microsecond)"`
	Clock9  time.Duration                 `parquet:"clock9,time(nanosecond)"`
	Took    time.Duration                 `json:"took"`
	Price   int64                         `parquet:"price,decimal(2:18)"`
	Large   string                        `parquet:"large,decimal(6:38)"`
	Part    string                        `parquet:"part,decimal(38:38)"`
	ID      [16]byte                      `parquet:"id,uuid"`
	JSON    json.RawMessage               `json:"json"`
	List    []*int64                      `json:"list"`
	Lists   [][]float32                   `json:"lists"`
	Map     map[string]*string            `json:"map"`
	Numbers map[int64][]map[string]string `json:"numbers"`
	Struct  *wideInner                    `json:"struct"`
	Structs []wideInner                   `json:"structs"`
}

type wideInner struct {
	At    time.Time `json:"at"`
	Price string    `parquet:"price,decimal(3:38)"`
	Note  *string   `json:"note"`
}

const duckStruct = `STRUCT("at" TIMESTAMP, price DECIMAL(38,3), note VARCHAR)`

// wideTypes are the types that DuckDB is to read the columns as.
var wideTypes = [][2]string{
	{"n", "BIGINT"},
	{"bool", "BOOLEAN"},
	{"i8", "TINYINT"},
	{"i16", "SMALLINT"},
	{"i32", "INTEGER"},
	{"i64", "BIGINT"},
	{"u8", "UTINYINT"},
	{"u16", "USMALLINT"},
	{"u32", "UINTEGER"},
	{"u64", "UBIGINT"},
	{"f32", "FLOAT"},
	{"f64", "DOUBLE"},
	{"text", "VARCHAR"},
	{"maybe", "VARCHAR"},
	{"count", "BIGINT"},
	{"bytes", "VARCHAR"},
	{"fixed", "VARCHAR"},
	{"milli", "TIMESTAMP_MS"},
	{"micro", "TIMESTAMPTZ"},
	{"nano", "TIMESTAMP_NS"},
	{"local", "TIMESTAMP"},
	{"day", "DATE"},
	{"clock3", "TIME"},
	{"clock6", "TIME"},
	{"clock9", "TIME_NS"},
	{"took", "BIGINT"},
	{"price", "DECIMAL(18,2)"},
	{"large", "DECIMAL(38,6)"},
	{"part", "DECIMAL(38,38)"},
	{"id", "UUID"},
	{"json", "JSON"},
	{"list", "BIGINT[]"},
	{"lists", "FLOAT[][]"},
	{"map", "MAP(VARCHAR, VARCHAR)"},
	{"numbers", "MAP(BIGINT, MAP(VARCHAR, VARCHAR)[])"},
	{"struct", duckStruct},
	{"structs", duckStruct + "[]"},
}

// wideRelation returns a relation that reads file, as the documentation says.
func wideRelation(file string, nested bool) string {
	var types, columns []string
	for _, c := range wideTypes {
		name, typ := c[0], c[1]
		switch {
		case name == "bytes" || name == "fixed":
			columns = append(columns, "from_base64("+name+") AS "+name)
		case typ == "TIME_NS":
			columns = append(columns, name+"::VARCHAR AS "+name)
		case !nested && strings.ContainsAny(typ, "[)") && !strings.HasPrefix(typ, "DECIMAL"):
			columns = append(columns, name+"::JSON::"+typ+" AS "+name)
			typ = "VARCHAR"
		default:
			columns = append(columns, name)
		}
		types = append(types, name+": "+formattest.Quote(typ))
	}
	read := "read_csv(" + formattest.Quote(file) + ", header = true, allow_quoted_nulls = false, columns = {"
	if nested {
		read = "read_json(" + formattest.Quote(file) + ", format = 'newline_delimited', columns = {"
	}
	return "(SELECT " + strings.Join(columns, ", ") + " FROM " + read + strings.Join(types, ", ") + "}))"
}

// duck returns the columns as Duck does.
func (w *wide) duck() []any {
	inner := func(i *wideInner) any {
		if i == nil {
			return nil
		}
		return map[string]any{"at": i.At.UTC(), "price": decimal(i.Price, 3), "note": orNil(i.Note)}
	}
	nulls := func(isNil bool, v any) any {
		if isNil {
			return nil
		}
		return v
	}
	list, lists, structs := []any{}, []any{}, []any{}
	for _, p := range w.List {
		list = append(list, orNil(p))
	}
	for _, l := range w.Lists {
		floats := []any{}
		for _, f := range l {
			floats = append(floats, f)
		}
		lists = append(lists, nulls(l == nil, floats))
	}
	for i := range w.Structs {
		structs = append(structs, inner(&w.Structs[i]))
	}
	var text any // of JSON, whose spaces and numbers DuckDB writes in its own way
	if w.JSON != nil {
		_ = json.Unmarshal(w.JSON, &text)
	}
	return []any{
		int64(w.N), w.Bool, int64(w.I8), int64(w.I16), int64(w.I32), w.I64, int64(w.U8), int64(w.U16), int64(w.U32), w.U64,
		w.F32, w.F64, w.Text, orNil(w.Maybe), orNil(w.Count), nulls(w.Bytes == nil, append([]byte{}, w.Bytes...)), w.Fixed[:],
		w.Milli.UTC().Truncate(time.Millisecond), w.Micro.UTC().Truncate(time.Microsecond), time.Unix(0, w.Nano).UTC(),
		time.Date(w.Local.Year(), w.Local.Month(), w.Local.Day(), w.Local.Hour(), w.Local.Minute(), w.Local.Second(),
			w.Local.Nanosecond()/1000*1000, time.UTC),
		time.Date(w.Day.Year(), w.Day.Month(), w.Day.Day(), 0, 0, 0, 0, time.UTC),
		w.Clock3.Truncate(time.Millisecond), w.Clock6.Truncate(time.Microsecond), clock(w.Clock9), int64(w.Took),
		big.NewRat(w.Price, 100).FloatString(2), decimal(w.Large, 6), decimal(w.Part, 38), uuid(w.ID), text,
		nulls(w.List == nil, list), nulls(w.Lists == nil, lists), nulls(w.Map == nil, entries(w.Map, orNil[string])),
		nulls(w.Numbers == nil, entries(w.Numbers, func(maps []map[string]string) any {
			list := []any{}
			for _, m := range maps {
				list = append(list, nulls(m == nil, entries(m, func(s string) any { return s })))
			}
			return nulls(maps == nil, list)
		})),
		inner(w.Struct), nulls(w.Structs == nil, structs),
	}
}

// clock is a time of day as DuckDB prints it, without the last zeros.
func clock(d time.Duration) string { return time.Unix(0, int64(d)).UTC().Format("15:04:05.999999999") }

func orNil[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// entries returns a map as Duck does, its keys sorted.
func entries[K cmp.Ordered, V any](m map[K]V, value func(V) any) []formattest.Entry {
	list := []formattest.Entry{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, formattest.Entry{Key: k, Value: value(m[k])})
	}
	return list
}

func decimal(s string, scale int) string {
	r, _ := new(big.Rat).SetString(s)
	return r.FloatString(scale)
}

func uuid(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// wideRows are at the edges of what the columns hold.
func wideRows() []wide {
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 0))
	before := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", -3600))
	nines := strings.Repeat("9", 38)
	rows := []wide{
		{
			I8: math.MinInt8, I16: math.MinInt16, I32: math.MinInt32, I64: math.MinInt64, F32: -math.MaxFloat32, F64: -math.MaxFloat64,
			Nano: -9223286400e9, Took: math.MinInt64, Price: 1 - 1e18,
			Large: "-" + nines[:32] + "." + nines[:6], Part: "-0." + nines,
		},
		{
			Bool: true, I8: math.MaxInt8, I16: math.MaxInt16, I32: math.MaxInt32, I64: math.MaxInt64,
			U8: math.MaxUint8, U16: math.MaxUint16, U32: math.MaxUint32, U64: math.MaxUint64, F32: math.MaxFloat32, F64: math.MaxFloat64,
			Text: "é😀\u2028\u2029\u0085\ufeff", Maybe: new(""), Count: new(int64(0)), Bytes: []byte{}, Fixed: [3]byte{255, 255, 255},
			Milli: last, Micro: last, Nano: math.MaxInt64 - 1, Local: last, Day: last,
			Clock3: 24*time.Hour - 1, Clock6: 24*time.Hour - 1, Clock9: 24*time.Hour - 1,
			Took: math.MaxInt64, Price: 1e18 - 1, Large: nines[:32] + "." + nines[:6], Part: "0." + nines,
			ID: [16]byte{0: 0xff, 5: 0x0a, 15: 0xff}, JSON: json.RawMessage(`"text"`),
			List: []*int64{}, Lists: [][]float32{}, Map: map[string]*string{},
			Numbers: map[int64][]map[string]string{}, Structs: []wideInner{},
		},
		{
			F32: float32(math.NaN()), F64: math.NaN(), Text: "null", Maybe: new("NULL"), Count: new(int64(-1)),
			Bytes: []byte("\x00\xff\n"),
			Milli: before, Micro: before, Nano: -1, Local: before, Day: before,
			Clock3: time.Millisecond, Clock6: time.Microsecond, Clock9: 1, Took: -1,
			Price: -1, Large: "-0.000001", Part: "-0." + strings.Repeat("0", 37) + "1",
			JSON: json.RawMessage("{\"a\": [1, null, \"x\\n\\\"\"],\r\n\t\"b\": {}}"),
			List: []*int64{nil, new(int64(math.MinInt64)), nil}, Lists: [][]float32{nil, {}, {0.1, float32(math.Inf(1))}},
			Map:     map[string]*string{"": nil, "a\"b,\n": new(""), "é\x01": new("x")},
			Numbers: map[int64][]map[string]string{math.MinInt64: nil, 0: {}, 7: {nil, {}, {"a": "b", "c": ""}}},
			Struct:  &wideInner{At: before.Truncate(time.Microsecond), Price: "-0.001"},
			Structs: []wideInner{{At: last.Truncate(time.Microsecond), Price: "0", Note: new("")}, {Price: "1.5", Note: new("x")}},
		},
		{F32: float32(math.Inf(1)), F64: math.Inf(1), Text: `""`, Large: "1844674407370955161.500000"},
		{F32: float32(math.Inf(-1)), F64: math.Inf(-1), Text: ",", Large: "-18446744073709.551616"},
		{F32: math.SmallestNonzeroFloat32, F64: math.SmallestNonzeroFloat64, Text: "\r\n", Large: "10000000000000.000000"},
		{F32: float32(math.Copysign(0, -1)), F64: math.Copysign(0, -1), Text: " space ", Large: "9999999999999.999999"},
		{F32: 16777216, F64: 1 << 60, Text: "a\x00b\x01\x1f\x7f", Large: "0.1"},
		{F32: 1e-7, F64: 1e21, Text: "#comment", Large: "-7"},
		{F32: 0.1, F64: 0.1, Text: "'; |\t", Large: "7"},
		{F32: 1.1754944e-38, F64: 5e-7, Text: "\\N", Large: "7"},
	}
	for i := range rows {
		rows[i].N = i
		rows[i].Large = cmp.Or(rows[i].Large, "0")
		rows[i].Part = cmp.Or(rows[i].Part, "0")
	}
	return rows
}

func TestColumnsOfEveryTypeComeBackFromDuckDB(t *testing.T) {
	duck := formattest.DuckDB(t)
	rows := wideRows()
	for name, test := range map[string]struct {
		of     func(...schema.Option) (func() format.Writer[wide], error)
		nested bool
	}{
		"wide.csv": {format.CSV[wide], false}, "wide.ndjson": {format.NDJSON[wide], true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, fileOf(t, test.of, rows...), 0o600); err != nil {
				t.Fatal(err)
			}
			read := duck.Query("SELECT * FROM " + wideRelation(path, test.nested) + " ORDER BY n")
			if len(read.Values) != len(rows) || len(read.Columns) != reflect.TypeFor[wide]().NumField() {
				t.Fatalf("%d rows of %d columns are read instead of %d", len(read.Values), len(read.Columns), len(rows))
			}
			for i := range rows {
				for j, want := range rows[i].duck() {
					got := read.Values[i][j]
					if read.Columns[j] == "json" && got != nil {
						var v any
						if err := json.Unmarshal([]byte(got.(string)), &v); err != nil {
							t.Errorf("row %d: %v", i, err)
						}
						got = v
					}
					if !same(got, want) {
						t.Errorf("row %d, %s is %T %v, want %T %v", i, read.Columns[j], got, got, want, want)
					}
				}
			}
		})
	}
}

// same is DeepEqual, except that NaN equals NaN and -0 differs from 0.
func same(a, b any) bool {
	switch a := a.(type) {
	case float32:
		b, ok := b.(float32)
		return ok && (math.Float32bits(a) == math.Float32bits(b) || a != a && b != b)
	case float64:
		b, ok := b.(float64)
		return ok && (math.Float64bits(a) == math.Float64bits(b) || a != a && b != b)
	}
	return reflect.DeepEqual(a, b)
}

func TestDuckDBFindsTypesThatDoNotChangeWithTheData(t *testing.T) {
	type row struct {
		Whole float64   `json:"whole"`
		At    time.Time `json:"at"`
		Day   time.Time `parquet:"day,date"`
		Took  time.Duration
		Text  string `json:"text"`
	}
	duck := formattest.DuckDB(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rows := []row{{1, at, at, 1, "a"}, {2, at, at, 2, "b"}}
	for file, test := range map[string]struct {
		of   func(...schema.Option) (func() format.Writer[row], error)
		want []string
	}{
		"a.csv":    {format.CSV[row], []string{"DOUBLE", "TIMESTAMP_TZ", "DATE", "BIGINT", "VARCHAR"}},
		"a.ndjson": {format.NDJSON[row], []string{"DOUBLE", "TIMESTAMP", "DATE", "BIGINT", "VARCHAR"}},
	} {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, fileOf(t, test.of, rows...), 0o600); err != nil {
			t.Fatal(err)
		}
		read := duck.Query("SELECT * FROM " + formattest.Quote(path))
		if !slices.Equal(read.Types, test.want) {
			t.Errorf("types of %s are %q, want %q", file, read.Types, test.want)
		}
		if len(read.Values) != 2 || read.Values[1][0] != 2.0 || !at.Equal(read.Values[1][1].(time.Time)) {
			t.Errorf("%s is read as %v", file, read.Values)
		}
	}
}

func TestDuckDBTellsNullFromNothing(t *testing.T) {
	type row struct {
		Text  *string         `json:"text"`
		Bytes []byte          `json:"bytes"`
		List  []string        `json:"list"`
		JSON  json.RawMessage `json:"json"`
		N     int             `json:"n"`
	}
	duck := formattest.DuckDB(t)
	path := filepath.Join(t.TempDir(), "a.csv")
	file := fileOf(t, format.CSV[row], row{}, row{new(""), []byte{}, []string{}, json.RawMessage("null"), 1})
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	read := duck.Query("SELECT text, bytes, list, json FROM read_csv(" + formattest.Quote(path) +
		", header = true, all_varchar = true, allow_quoted_nulls = false) ORDER BY n")
	want := [][]any{{nil, nil, nil, nil}, {"", "", "[]", "null"}}
	if !reflect.DeepEqual(read.Values, want) {
		t.Errorf("rows are %v, want %v", read.Values, want)
	}
}

func TestANullAloneIsStillARow(t *testing.T) {
	type row struct {
		Text *string `json:"text"`
	}
	duck := formattest.DuckDB(t)
	path := filepath.Join(t.TempDir(), "a.csv")
	file := fileOf(t, format.CSV[row], row{}, row{new("a")}, row{new("")}, row{})
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if n := duck.QueryInt("SELECT count(*) FROM read_csv(" + formattest.Quote(path) + ", header = true)"); n != 4 {
		t.Errorf("DuckDB reads %d rows in %q", n, file)
	}
	if rows := csvRows("text")(t, file); len(rows) != 4 {
		t.Errorf("encoding/csv reads %q", rows)
	}
}
