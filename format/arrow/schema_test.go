package arrow_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	arrowgo "github.com/apache/arrow/go/v17/arrow"

	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/schema"
)

// kinds has a column of every kind.
type kinds struct {
	Bool      bool
	Int8      int8
	Int16     int16
	Int32     int32
	Int64     int64
	Uint8     uint8
	Uint16    uint16
	Uint32    uint32
	Uint64    uint64
	Float32   float32
	Float64   float64
	String    string
	Bytes     []byte `lake:"required"`
	Fixed     [3]byte
	Millis    time.Time `parquet:",timestamp(millisecond)"`
	Micros    time.Time
	Nanos     time.Time     `parquet:",timestamp(nanosecond)"`
	Local     time.Time     `parquet:",timestamp(microsecond:local)"`
	Date      time.Time     `parquet:",date"`
	Time32    time.Duration `parquet:",time(millisecond)"`
	Time64    time.Duration `parquet:",time(microsecond)"`
	TimeNanos time.Duration `parquet:",time(nanosecond)"`
	Duration  time.Duration
	Decimal   int64  `parquet:",decimal(2:18)"`
	Large     string `parquet:",decimal(3:38)"`
	UUID      UUID
	JSON      json.RawMessage `parquet:",json"`
	List      []*int8         `lake:"required"`
	Map       map[string]*int16
	Struct    struct{ A *string }
}

func TestEveryKindHasItsArrowType(t *testing.T) {
	s, err := schema.Of[kinds]()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range arrow.Schema(s).Fields() {
		lines = append(lines, fmt.Sprintf("%s %s %t", f.Name, f.Type, f.Nullable))
	}
	want := `Bool bool false
Int8 int8 false
Int16 int16 false
Int32 int32 false
Int64 int64 false
Uint8 uint8 false
Uint16 uint16 false
Uint32 uint32 false
Uint64 uint64 false
Float32 float32 false
Float64 float64 false
String utf8 false
Bytes binary false
Fixed fixed_size_binary[3] false
Millis timestamp[ms, tz=UTC] false
Micros timestamp[us, tz=UTC] false
Nanos timestamp[ns, tz=UTC] false
Local timestamp[us] false
Date date32 false
Time32 time32[ms] false
Time64 time64[us] false
TimeNanos time64[ns] false
Duration duration[ns] false
Decimal decimal(18, 2) false
Large decimal(38, 3) false
UUID fixed_size_binary[16] false
JSON utf8 true
List list<item: int8, nullable> false
Map map<utf8, int16, items_nullable> true
Struct struct<A: utf8> false`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("the types are\n%s\nwant\n%s", got, want)
	}
}

func TestEveryValueIsWhatItIsInGo(t *testing.T) {
	at := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))
	word, eight, sixteen := "x", int8(-8), int16(-16)
	rows := read(t, encoded(t, factory[kinds](t, arrow.Options{})(), kinds{
		Bool: true, Int8: math.MinInt8, Int16: math.MinInt16, Int32: math.MinInt32, Int64: math.MinInt64,
		Uint8: math.MaxUint8, Uint16: math.MaxUint16, Uint32: math.MaxUint32, Uint64: math.MaxUint64,
		Float32: float32(math.Inf(-1)), Float64: math.Copysign(0, -1), String: "ä\x00", Bytes: []byte{0, 255}, Fixed: [3]byte{1, 2, 3},
		Millis: at, Micros: at, Nanos: at, Local: at, Date: at, Time32: time.Millisecond, Time64: time.Millisecond, TimeNanos: 17,
		Duration: -time.Second, Decimal: -123456789012345678, Large: "-12345678901234567890123456789012345.678", UUID: UUID{15: 1},
		JSON: json.RawMessage(`{"a": 1}`), List: []*int8{nil, &eight}, Map: map[string]*int16{"b": nil, "a": &sixteen},
		Struct: struct{ A *string }{&word},
	}, kinds{Nanos: time.Unix(0, 0), Large: "0.001"})).text()
	for i, want := range []string{
		`["true" "-128" "-32768" "-2147483648" "-9223372036854775808" "255" "65535" "4294967295" "18446744073709551615" "-Inf" "-0" ` +
			`"ä\x00" "\x00\xff" "010203" "-3600001" "-3600000001" "-3600000000001" "-1" "-1" "1" "1000" "17" "-1000000000" ` +
			`"-123456789012345678" "-12345678901234567890123456789012345678" "00000000000000000000000000000001" "{\"a\": 1}" ` +
			`[<nil> "-8"] ["a" "-16" "b" <nil>] ["x"]]`,
		`["false" "0" "0" "0" "0" "0" "0" "0" "0" "0" "0" "" "" "000000" "-62135596800000" "-62135596800000000" "0" "-62135596800000000" "-719162" "0" "0" "0" "0" ` +
			`"0" "1" "00000000000000000000000000000000" <nil> [] <nil> [<nil>]]`,
	} {
		if len(rows) != 2 || plain(rows[i]) != plain(want) {
			t.Fatalf("row %d of %q is not\n%s", i, rows, plain(want))
		}
	}
}

// plain leaves nil as fmt prints it within %q.
func plain(s string) string { return strings.ReplaceAll(s, `%!q(<nil>)`, `<nil>`) }

func TestFieldsHaveTheirIDAndNoExtensionType(t *testing.T) {
	s, err := schema.Of[kinds]()
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, encoded(t, factory[kinds](t, arrow.Options{})())).schema
	if got.String() != arrow.Schema(s).String() {
		t.Errorf("the file's schema is\n%s\nwant\n%s", got, arrow.Schema(s))
	}
	if id := metadataOf(got.Field(11))["PARQUET:field_id"]; id != fmt.Sprint(s.Find("String").ID()) {
		t.Errorf("the field id of String is %q", id)
	}
	list := got.Field(27).Type.(*arrowgo.ListType).ElemField()
	if id := metadataOf(list)["PARQUET:field_id"]; list.Name != "item" || id != fmt.Sprint(s.Find("List", "element").ID()) {
		t.Errorf("the field id of %q in List is %q", list.Name, id)
	}
	entries := arrow.Schema(s).Field(28).Type.(*arrowgo.MapType)
	for name, f := range map[string]arrowgo.Field{"key": entries.KeyField(), "value": entries.ItemField()} {
		if id := metadataOf(f)["PARQUET:field_id"]; f.Name != name || id != fmt.Sprint(s.Find("Map", name).ID()) {
			t.Errorf("the field id of %q in Map is %q", f.Name, id)
		}
	}
	if entries.KeysSorted || entries.KeyField().Nullable || !entries.ItemField().Nullable {
		t.Errorf("the map is %s", entries)
	}
	for name, i := range map[string]int{"uuid": 25, "json": 26} {
		if metadata := metadataOf(got.Field(i)); metadata["jetcapture.type"] != name || len(metadata) != 2 {
			t.Errorf("the metadata of a %s is %q: readers fail on extension types", name, metadata)
		}
	}
	if got := got.Metadata().ToMap()["jetcapture.schema"]; got != s.Fingerprint() {
		t.Errorf("the schema's fingerprint is %q", got)
	}
}

func metadataOf(f arrowgo.Field) map[string]string { return f.Metadata.ToMap() }

func TestTheSchemaIsTheSameWhateverTheDataHeld(t *testing.T) {
	newWriter := factory[kinds](t, arrow.Options{})
	empty := read(t, encoded(t, newWriter())).schema
	one := read(t, encoded(t, newWriter(), kinds{Nanos: time.Unix(0, 0), Large: "1"})).schema
	if !empty.Equal(one) || empty.String() != one.String() {
		t.Errorf("of a file without rows it is\n%s\nwith a row\n%s", empty, one)
	}
}
