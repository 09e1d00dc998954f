package format_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// texts has a column of each kind.
type texts struct {
	Bool   bool            `json:"bool"`
	I8     int8            `json:"i8"`
	I64    int64           `json:"i64"`
	U32    uint32          `json:"u32"`
	U64    uint64          `json:"u64"`
	F32    float32         `json:"f32"`
	F64    float64         `json:"f64"`
	Text   *string         `json:"text"`
	Bytes  []byte          `json:"bytes"`
	Fixed  [3]byte         `json:"fixed"`
	Milli  time.Time       `parquet:"milli,timestamp(millisecond)"`
	Micro  time.Time       `parquet:"micro"`
	Nano   time.Time       `parquet:"nano,timestamp(nanosecond)"`
	Local  time.Time       `parquet:"local,timestamp(microsecond:local)"`
	Day    time.Time       `parquet:"day,date"`
	Clock  time.Duration   `parquet:"clock,time(microsecond)"`
	Took   time.Duration   `json:"took"`
	Price  int64           `parquet:"price,decimal(2:9)"`
	Large  string          `parquet:"large,decimal(6:38)"`
	ID     [16]byte        `parquet:"id,uuid"`
	JSON   json.RawMessage `json:"json"`
	List   []*int          `json:"list"`
	Map    map[int]string  `json:"map"`
	Struct *inner          `json:"struct"`
	Floats []float64       `json:"floats"`
}

type inner struct {
	A string `json:"a"`
	B *bool  `json:"b"`
}

func TestTheTextOfEveryKindIsWhatTheDocumentationSays(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 60_700_080, time.FixedZone("", 3600))
	full := texts{
		Bool: true, I8: -8, I64: -64, U32: 32, U64: math.MaxUint64, F32: 0.1, F64: 1e100,
		Text: new("a \"b\"\n\x01\u2028\u2029é\\"), Bytes: []byte{0, 255}, Fixed: [3]byte{1, 2, 3},
		Milli: at, Micro: at, Nano: at, Local: at, Day: at, Clock: time.Second + 1000, Took: -time.Second,
		Price: -1, Large: "123456789012345678901234567890.5", ID: [16]byte{0xf8, 0x1d, 0x4f, 0xae, 15: 1},
		JSON: json.RawMessage("{\n\"x\": [1.10]\r\n}"), List: []*int{nil, new(1)},
		Map: map[int]string{2: "b", -1: "a,"}, Struct: &inner{"x", nil},
		Floats: []float64{1, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e21, 1e-7},
	}
	zero := texts{Large: "0", JSON: json.RawMessage("null"), Milli: at, Micro: time.Time{}, Nano: at}
	zero.Bytes, zero.Text = []byte{}, new("")
	null := zero
	null.Bytes, null.Text, null.JSON = nil, nil, nil

	const (
		zeroTimes = "2026-01-02T02:04:05.060Z,0001-01-01T00:00:00.000000Z,2026-01-02T02:04:05.060700080Z," +
			"0001-01-01T00:00:00.000000,0001-01-01,00:00:00.000000"
		zeroJSON = `{"bool":false,"i8":0,"i64":0,"u32":0,"u64":0,"f32":0.0,"f64":0.0,`
		zeroRest = `"fixed":"AAAA","milli":"2026-01-02T02:04:05.060Z","micro":"0001-01-01T00:00:00.000000Z",` +
			`"nano":"2026-01-02T02:04:05.060700080Z","local":"0001-01-01T00:00:00.000000","day":"0001-01-01",` +
			`"clock":"00:00:00.000000","took":0,"price":"0.00","large":"0.000000","id":"00000000-0000-0000-0000-000000000000",` +
			`"json":null,"list":null,"map":null,"struct":null,"floats":null}`
	)
	for _, test := range []struct {
		of   func(...schema.Option) (func() format.Writer[texts], error)
		want []string
	}{
		{format.CSV[texts], []string{
			"bool,i8,i64,u32,u64,f32,f64,text,bytes,fixed,milli,micro,nano,local,day,clock,took,price,large,id,json,list,map," +
				"struct,floats",
			`true,-8,-64,32,18446744073709551615,0.1,1e+100,"a ""b""` + "\n\x01\u2028\u2029é\\\"," + `AP8=,AQID,` +
				`2026-01-02T02:04:05.060Z,2026-01-02T02:04:05.060700Z,2026-01-02T02:04:05.060700080Z,2026-01-02T03:04:05.060700,` +
				`2026-01-02,00:00:01.000001,-1000000000,-0.01,123456789012345678901234567890.500000,` +
				"f81d4fae-0000-0000-0000-000000000001,\"{\n\"\"x\"\": [1.10]\r\n}\"" +
				`,"[null,1]","{""-1"":""a,"",""2"":""b""}","{""a"":""x"",""b"":null}",` +
				`"[1.0,-0.0,""NaN"",""Infinity"",""-Infinity"",1e+21,1e-07]"`,
			`false,0,0,0,0,0.0,0.0,"","",AAAA,` + zeroTimes + `,0,0.00,0.000000,00000000-0000-0000-0000-000000000000,null,,,,`,
			`false,0,0,0,0,0.0,0.0,,,AAAA,` + zeroTimes + `,0,0.00,0.000000,00000000-0000-0000-0000-000000000000,,,,,`,
		}},
		{format.NDJSON[texts], []string{
			`{"bool":true,"i8":-8,"i64":-64,"u32":32,"u64":18446744073709551615,"f32":0.1,"f64":1e+100,` +
				`"text":"a \"b\"\n\u0001\u2028\u2029é\\","bytes":"AP8=","fixed":"AQID",` +
				`"milli":"2026-01-02T02:04:05.060Z","micro":"2026-01-02T02:04:05.060700Z","nano":"2026-01-02T02:04:05.060700080Z",` +
				`"local":"2026-01-02T03:04:05.060700","day":"2026-01-02","clock":"00:00:01.000001","took":-1000000000,` +
				`"price":"-0.01","large":"123456789012345678901234567890.500000","id":"f81d4fae-0000-0000-0000-000000000001",` +
				`"json":{ "x": [1.10]  },"list":[null,1],"map":{"-1":"a,","2":"b"},"struct":{"a":"x","b":null},` +
				`"floats":[1.0,-0.0,"NaN","Infinity","-Infinity",1e+21,1e-07]}`,
			zeroJSON + `"text":"","bytes":"",` + zeroRest,
			zeroJSON + `"text":null,"bytes":null,` + zeroRest,
		}},
	} {
		got, want := string(fileOf(t, test.of, full, zero, null)), strings.Join(test.want, "\n")+"\n"
		if got != want {
			t.Errorf("file is\n%swant\n%s", got, want)
		}
	}
}

func TestDecimalsHaveTheDigitsOfTheirScale(t *testing.T) {
	type row struct {
		Whole int64  `json:"whole" parquet:"whole,decimal(0:9)"`
		Part  int64  `json:"part" parquet:"part,decimal(3:3)"`
		Large string `json:"large" parquet:"large,decimal(0:38)"`
		Tiny  string `json:"tiny" parquet:"tiny,decimal(38:38)"`
	}
	const zeros = "00000000000000000000000000000000000000"
	got := string(fileOf(t, format.CSV[row], row{0, 0, "0", "0"}, row{-12, -7, "-18446744073709551616", "-1e-38"}))
	want := "whole,part,large,tiny\n0,0.000,0,0." + zeros + "\n-12,-0.007,-18446744073709551616,-0." + zeros[1:] + "1\n"
	if got != want {
		t.Errorf("file is\n%swant\n%s", got, want)
	}
}

func TestTextIsQuotedInCSVWhereAReaderCouldTakeItForSomethingElse(t *testing.T) {
	type row struct {
		A string `json:"a"`
		B string `json:"b"`
	}
	for text, want := range map[string]string{
		"": `""`, " ": `" "`, " a": `" a"`, "a ": `"a "`, "a b": "a b", `"`: `""""`, `a"b"`: `"a""b"""`,
		"a,b": `"a,b"`, "\n": "\"\n\"", "\r": "\"\r\"",
		"a;b": `"a;b"`, "a|b": `"a|b"`, "a\tb": "\"a\tb\"", "'a'": `"'a'"`, "#a": `"#a"`, `\N`: `"\N"`,
		"null": "null", "é": "é", "12": "12",
		"a@b.c/d?e": `"a@b.c/d?e"`, "a@b.c/d": "a@b.c/d",
	} {
		if got := string(fileOf(t, format.CSV[row], row{text, "x"})); got != "a,b\n"+want+",x\n" {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}

// columns returns the file of payloads that a factory's Writer makes.
func fileOf[T any](
	t *testing.T, of func(...schema.Option) (func() format.Writer[T], error), payloads ...T,
) []byte {
	t.Helper()
	factory, err := of()
	if err != nil {
		t.Fatal(err)
	}
	return written(t, factory(), payloads...)
}

func written[P any](t testing.TB, w format.Writer[P], payloads ...P) []byte {
	t.Helper()
	var out bytes.Buffer
	open(t, w, &out)
	for i, payload := range payloads {
		if _, err := w.Write(payload); err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// nested is a type whose JSON must equal that of encoding/json.
type nested struct {
	Lists  [][]*[]string          `json:"lists"`
	Maps   map[string]map[int]*nr `json:"maps"`
	Inner  *nestedInner           `json:"inner"`
	Inners []nestedInner          `json:"inners"`
	Last   *bool                  `json:"last"`
}

type nestedInner struct {
	Map  map[string][]*string `json:"map"`
	Nr   *nr                  `json:"nr"`
	Text string               `json:"text"`
	Nrs  [2]*nr               `json:"nrs"`
}

type nr struct {
	N *int32  `json:"n"`
	M [][]int `json:"m"`
}

// fill sets v to something, with many nils and empty lists.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Slice:
		if n := r.IntN(5); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n-1))
		}
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.Map:
		if n := r.IntN(5); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n - 1 {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(r, key)
				fill(r, value)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.String:
		runes := make([]rune, r.IntN(4))
		for i := range runes {
			runes[i] = []rune{rune(r.IntN(0x80)), 0x2000 + rune(r.IntN(0x80)), '😀', '"', '\\'}[r.IntN(5)]
		}
		v.SetString(string(runes))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	default:
		v.SetInt(int64(r.IntN(9) - 4))
	}
}

func TestNestedValuesAreThoseThatEncodingJSONWrites(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 17))
	payloads := make([]nested, 3_000)
	for i := range payloads {
		fill(r, reflect.ValueOf(&payloads[i]).Elem())
	}
	lines := bytes.Split(bytes.TrimSuffix(fileOf(t, format.NDJSON[nested], payloads...), []byte("\n")), []byte("\n"))
	records, err := csv.NewReader(bytes.NewReader(fileOf(t, format.CSV[nested], payloads...))).ReadAll()
	if err != nil || len(records) != 1+len(payloads) || len(lines) != len(payloads) {
		t.Fatalf("%d lines of JSON and %d of CSV, %v", len(lines), len(records), err)
	}
	for i := range payloads {
		plain, err := json.Marshal(payloads[i])
		if err != nil {
			t.Fatal(err)
		}
		want := members(t, plain)
		if got := members(t, lines[i]); !reflect.DeepEqual(got, want) {
			t.Fatalf("payload %d is\n%s\nwant\n%s", i, lines[i], plain)
		}
		for j, cell := range records[i+1] {
			if cell == "" {
				cell = "null"
			}
			var got any
			if err := json.Unmarshal([]byte(cell), &got); err != nil || !reflect.DeepEqual(got, want[records[0][j]]) {
				t.Fatalf("payload %d, cell %s is\n%s\nof\n%s\n%v", i, records[0][j], cell, plain, err)
			}
		}
	}
}

func members(t *testing.T, line []byte) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal(line, &object); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return object
}

type small struct {
	Name string          `json:"name"`
	More json.RawMessage `json:"more"`
	At   *time.Time      `json:"at"`
}

func TestWritersOfColumnsConform(t *testing.T) {
	plan := rowsOf(t)
	csvWriters, err1 := format.PlanCSV(plan)
	jsonWriters, err2 := format.PlanNDJSON(plan)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	payloads := [][]small{
		{{Name: "a"}},
		{},
		{{Name: "b", More: json.RawMessage(`{"x":[]}`)}, {Name: ""}, {At: new(time.Unix(0, 0))}},
		{{Name: strings.Repeat("large ", 20_000)}},
		{{Name: "\n\"", More: json.RawMessage(`1`)}},
		{{Name: strings.Repeat("x", 2<<20)}, {Name: "c"}},
	}
	rejected := [][]small{
		nil, // the function panics
		{{Name: "good"}, {Name: "\xff"}},
		{{Name: strings.Repeat("x", 100_000), More: json.RawMessage(`{"half`)}},
		{{Name: "good"}, {Name: "late", At: new(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC))}},
	}
	t.Run("CSV", func(t *testing.T) {
		formattest.Suite[[]small]{New: csvWriters, Payloads: payloads, Rejected: rejected, Read: csvRows("name,more,at")}.Run(t)
	})
	t.Run("NDJSON", func(t *testing.T) {
		formattest.Suite[[]small]{New: jsonWriters, Payloads: payloads, Rejected: rejected, Read: jsonRows}.Run(t)
	})
}

// rowsOf returns a plan of several rows for a payload, which panics over nil.
func rowsOf(t *testing.T) columns.Appender[[]small] {
	t.Helper()
	s, err := schema.Of[small]()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := columns.Compile[small](s)
	if err != nil {
		t.Fatal(err)
	}
	return columns.Rows(plan, func(payload []small) []small {
		if payload == nil {
			panic("nil")
		}
		return payload
	})
}

func csvRows(header string) func(*testing.T, []byte) []string {
	return func(t *testing.T, file []byte) (rows []string) {
		records, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
		if err != nil || len(records) == 0 || strings.Join(records[0], ",") != header {
			t.Fatalf("records are %.200q, %v", records, err)
		}
		for _, record := range records[1:] {
			rows = append(rows, strings.Join(record, "|"))
		}
		return rows
	}
}

func jsonRows(t *testing.T, file []byte) (rows []string) {
	for line := range strings.Lines(string(file)) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("%.200q is no JSON", line)
		}
		rows = append(rows, strings.TrimSuffix(line, "\n"))
	}
	return rows
}

func TestAPayloadMayBeSeveralRowsOrNone(t *testing.T) {
	writers, err := format.PlanNDJSON(rowsOf(t))
	if err != nil {
		t.Fatal(err)
	}
	w := writers()
	open(t, w, new(bytes.Buffer))
	for _, n := range []int{3, 0, 1, 1000} {
		if got, err := w.Write(make([]small, n)); got != n || err != nil {
			t.Errorf("%d rows are %d, %v", n, got, err)
		}
	}
	n, err := w.Write([]small{{}, {Name: "\xff"}})
	if n != 0 || err == nil || !strings.Contains(err.Error(), "column name") || errors.Is(err, format.ErrBroken) {
		t.Errorf("a payload with a bad row is %d, %v", n, err)
	}
}

func TestWhatHasNoColumnsIsRefusedAtOnce(t *testing.T) {
	object := schema.Field{Name: "key", Type: schema.Type{Kind: schema.Struct}, Children: []schema.Field{
		{Name: "a", Type: schema.Type{Kind: schema.Bool}},
	}}
	s, err := schema.New(schema.Field{Name: "m", Type: schema.Type{Kind: schema.Map}, Children: []schema.Field{
		object, {Name: "value", Type: schema.Type{Kind: schema.Bool}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	_, err1 := format.CSV[int]()
	_, err2 := format.NDJSON[struct{ C chan int }]()
	_, err3 := format.PlanCSV[int](nil)
	_, err4 := format.PlanNDJSON(columns.Rows[int, int](nil, nil))
	_, err5 := format.PlanNDJSON(customPlan{s})
	_, err6 := format.PlanCSV(customPlan{s})
	_, err7 := format.CSV[small](schema.Exclude("nothing"))
	for i, test := range []struct {
		err  error
		want string
	}{
		{err1, "CSV: schema: a row is a struct"},
		{err2, "NDJSON: schema of struct"},
		{err3, "CSV: the plan is nil: take one"},
		{err4, "NDJSON: the plan is nil: take one"},
		{err5, "NDJSON: column m: its keys are of struct, and names in JSON are text: take a list of structs"},
		{err6, "CSV: column m: its keys are of struct"},
		{err7, `there is no column "nothing"`},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("error %d is %v, want %s", i+1, test.err, test.want)
		}
	}
}

// byHand appends rows of a schema without a Go type.
type customPlan struct{ schema *schema.Schema }

func (b customPlan) Schema() *schema.Schema { return b.schema }

func (b customPlan) Append(c *columns.Columns, payload map[string]string) (int, error) {
	return c.AppendRow(func(r *columns.Row) error {
		for i, n := range b.schema.Columns() {
			set := func() error { return r.Null(i) }
			if v, ok := payload[n.Name()]; ok {
				set = func() error { return r.Text(i, v) }
			}
			if err := set(); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestColumnsNeedNoGoType(t *testing.T) {
	text := schema.Type{Kind: schema.String}
	s, err := schema.New(
		schema.Field{Name: "a b", Type: text, Nullable: true},
		schema.Field{Name: `"x,`, Type: text, Nullable: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	writers, err := format.PlanCSV(customPlan{s})
	if err != nil {
		t.Fatal(err)
	}
	rows := []map[string]string{{"a b": "1"}, {`"x,`: ""}, {}}
	if got, want := string(written(t, writers(), rows...)), "a b,\"\"\"x,\"\n1,\n,\"\"\n,\n"; got != want {
		t.Errorf("file is %q, want %q", got, want)
	}
	writers, err = format.PlanNDJSON(customPlan{s})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"a b":"1","\"x,":null}` + "\n" + `{"a b":null,"\"x,":""}` + "\n" + `{"a b":null,"\"x,":null}` + "\n"
	if got := string(written(t, writers(), rows...)); got != want {
		t.Errorf("file is %q, want %q", got, want)
	}
}

func TestRawMessagesHaveTheSameCSVAsColumns(t *testing.T) {
	messages := []message{
		{Timestamp: time.Unix(0, 0)},
		{
			Subject: "a,b", Reply: "r", Headers: map[string][]string{"B": {"1", ""}, "A": {}, "c\u2028<": nil}, Data: []byte{0, 255},
			Stream: "S", Consumer: "C", StreamSeq: math.MaxInt64, ConsumerSeq: 2,
			Timestamp: time.Unix(-1, 1), NumDelivered: 3, NumPending: 4,
		},
	}
	writers, err := format.PlanCSV(format.RawPlan[message]())
	if err != nil {
		t.Fatal(err)
	}
	read := csvRows(strings.Join(format.RawColumns(), ","))
	got, want := read(t, written(t, writers(), messages...)), read(t, written(t, format.NewRawCSV[message](), messages...))
	if !slices.Equal(got, want) {
		t.Errorf("rows are\n%q\nwant\n%q", got, want)
	}
}

// A message is its own raw message.
type message format.RawMessage

func (m message) Raw() format.RawMessage { return format.RawMessage(m) }

func BenchmarkColumns(b *testing.B) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	row := &texts{
		Text: new("some text"), Bytes: []byte("bytes"), Milli: at, Micro: at, Nano: at, Local: at, Day: at, Large: "0",
		JSON: json.RawMessage(`{"a":1}`), List: []*int{new(1), new(2)}, Map: map[int]string{1: "a"}, Struct: &inner{A: "a"},
	}
	for name, of := range map[string]func(...schema.Option) (func() format.Writer[*texts], error){
		"CSV": format.CSV[*texts], "NDJSON": format.NDJSON[*texts],
	} {
		b.Run(name, func(b *testing.B) {
			writers, err := of()
			if err != nil {
				b.Fatal(err)
			}
			w := writers()
			open(b, w, new(bytes.Buffer))
			b.SetBytes(int64(len(written(b, writers(), row))))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Write(row); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
