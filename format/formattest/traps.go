package formattest

import (
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/jetcapture/lake/schema"
)

// Traps returns cases that a well-known library writes wrong without an error, or at which it panics. Each is named by the correct
// behavior.
func Traps() []*Case {
	var all []*Case
	for _, some := range [][]*Case{timeTraps(), nullTraps(), {zeros()}, structTraps(), tagTraps(), textTraps(), nameTraps()} {
		all = append(all, some...)
	}
	return all
}

func micros(n int64) Timestamp { return Timestamp{n, schema.Micros, true} }

func timeTraps() []*Case {
	type dates struct {
		Day  time.Time  `parquet:",date"`
		None *time.Time `parquet:",date"`
	}
	type zero struct {
		At    time.Time
		Later time.Time
	}
	type inner struct {
		At time.Time `parquet:",optional"`
	}
	type lists struct {
		List     []time.Time `parquet-element:",optional"`
		Struct   *inner
		Optional inner `parquet:",optional"`
	}
	type clock struct {
		Fine   time.Duration `parquet:",time(microsecond)"`
		Coarse time.Duration `parquet:",time(millisecond)"`
	}
	at := time.Date(2026, 11, 23, 12, 15, 0, 123_456_789, time.UTC)
	day := time.Date(1969, 12, 31, 23, 30, 0, 0, west)
	const count = 1795436100123456
	hour := time.Hour + 1500*time.Microsecond
	nanos := Timestamp{count*1e3 + 789, schema.Nanos, true}
	return []*Case{
		literal("dates of times are days", []string{"Day", "None"}, []is[dates]{
			{dates{at, &at}, List{Date(20780), Date(20780)}},
			{dates{day, nil}, List{Date(-1), nil}},
			{dates{time.Time{}, &time.Time{}}, List{Date(-719162), Date(-719162)}},
		}),
		literal("the zero time is in the year 1", []string{"At", "Later"}, []is[zero]{
			{zero{time.Time{}, time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)}, List{micros(yearOne * 1e6), micros(10413792000000000)}},
			{zero{time.Unix(0, 0), at}, List{micros(0), micros(count)}},
		}, zero{At: tooFar[0]}, zero{Later: tooFar[1]}),
		literal("optional times in lists and optional structs", []string{"List", "Struct", "Optional"}, []is[lists]{
			{lists{[]time.Time{at, {}, at}, &inner{at}, inner{at}}, List{
				List{micros(count), nil, micros(count)}, Struct{{"At", micros(count)}}, Struct{{"At", micros(count)}},
			}},
			{lists{[]time.Time{}, &inner{}, inner{}}, List{List{}, Struct{{"At", nil}}, nil}},
			{lists{}, List{nil, nil, nil}},
		}),
		literal("durations are scaled to the unit of their clock", []string{"Fine", "Coarse"}, []is[clock]{
			{clock{hour, hour}, List{TimeOfDay{3600001500, schema.Micros, true}, TimeOfDay{3600001, schema.Millis, true}}},
			{clock{999, 999_999}, List{TimeOfDay{0, schema.Micros, true}, TimeOfDay{0, schema.Millis, true}}},
		}, clock{Fine: 24 * time.Hour}, clock{Coarse: -1}),
		literal("times are in the unit of the options", []string{"At", "Later"}, []is[zero]{
			{zero{at, time.Unix(0, -1)}, List{nanos, Timestamp{-1, schema.Nanos, true}}},
		}, zero{At: at, Later: time.Time{}}, zero{At: at, Later: time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)}).
			with(schema.TimestampUnit(schema.Nanos)),
	}
}

func nullTraps() []*Case {
	type optional struct {
		N int64   `parquet:",optional"`
		S string  `parquet:",optional"`
		F float64 `parquet:",optional"`
		B bool    `parquet:",optional"`
		J uint8   `json:"J,omitempty"`
	}
	runs := &Case{
		Name: "optional nulls in random runs", Type: reflect.TypeFor[optional](), Columns: []string{"N", "S", "F", "B", "J"},
	}
	s := newSource(27)
	for len(runs.Rows) < 3000 {
		row, want := optional{}, Struct{{"N", nil}, {"S", nil}, {"F", nil}, {"B", nil}, {"J", nil}}
		if s.IntN(2) == 0 {
			row = optional{1 + s.Int64N(5), "x" + strings.Repeat("y", s.IntN(3)), s.Float64() + 1, true, 7}
			want = Struct{{"N", I(row.N)}, {"S", Text(row.S)}, {"F", F64(row.F)}, {"B", true}, {"J", Int("7")}}
		}
		for range 1 + s.IntN(1<<s.IntN(8)) {
			runs.add(reflect.ValueOf(row), want)
		}
	}
	type containers struct {
		L []int32
		M map[string]int32
		B []byte
		R []int32          `lake:"required"`
		Q map[string]int32 `lake:"required"`
		O []int32          `json:",omitempty"`
	}
	columns := []string{"L", "M", "B", "R", "Q", "O"}
	nilMap := map[string]int32(nil)
	return []*Case{
		runs,
		literal("a nil slice or map is null, and an empty one is empty", columns, []is[containers]{
			{containers{}, List{nil, NoMap{}, nil, List{}, Map{}, nil}},
			{containers{[]int32{}, map[string]int32{}, []byte{}, []int32{}, map[string]int32{}, []int32{}}, List{
				List{}, Map{}, Bytes(""), List{}, Map{}, nil,
			}},
			{containers{[]int32{0}, map[string]int32{"": 0}, []byte{0}, []int32{0}, map[string]int32{"": 0}, []int32{0}}, List{
				List{Int("0")}, Map{{Text(""), Int("0")}}, Bytes("\x00"), List{Int("0")}, Map{{Text(""), Int("0")}}, List{Int("0")},
			}},
		}),
		literal("nil is empty where the options say so", []string{"L", "M", "P"}, []is[struct {
			L []int32
			M map[string]int32
			P *[]int32
		}]{
			{value: struct {
				L []int32
				M map[string]int32
				P *[]int32
			}{nil, nilMap, nil}, want: List{List{}, Map{}, nil}},
		}).with(schema.Nulls(schema.NilIsEmpty)),
	}
}

// Base is embedded.
type Base struct {
	ID   string // hidden
	Note string
}

// Pointed is embedded by pointer.
type Pointed struct{ Deep *int32 }

// zeros has zeros of both signs, and no other values.
func zeros() *Case {
	type row struct {
		F32 float32
		F64 float64
		L   []float64
	}
	negative := math.Copysign(0, -1)
	return literal("zeros have both signs", []string{"F32", "F64", "L"}, []is[row]{
		{row{0, 0, []float64{0}}, List{F32(0), F64(0), List{F64(0)}}},
		{row{float32(negative), negative, []float64{negative}}, List{F32(float32(negative)), F64(negative), List{F64(negative)}}},
		{row{0, 0, []float64{negative, 0}}, List{F32(0), F64(0), List{F64(negative), F64(0)}}},
	})
}

func structTraps() []*Case {
	type embedding struct {
		Base
		*Pointed
		ID int64
	}
	type timed struct {
		time.Time
		N int32
	}
	type arrays struct {
		A [3]int16
		B [2][]string
		C [2][2]bool
		D [1]struct{ X ***int8 }
	}
	type values struct {
		Any     any
		Error   []any
		Address netip.Addr
		Raw     json.RawMessage
	}
	n := int32(7)
	small := int8(-8)
	p1 := &small
	p2 := &p1
	return []*Case{
		literal("an outer field hides an embedded one", []string{"Note", "Deep", "ID"}, []is[embedding]{
			{embedding{Base{"hidden", "n"}, nil, 1}, List{Text("n"), nil, Int("1")}},
			{embedding{Base{}, &Pointed{}, 2}, List{Text(""), nil, Int("2")}},
			{embedding{Base{}, &Pointed{&n}, 3}, List{Text(""), Int("7"), Int("3")}},
		}),
		literal("an embedded time is a column", []string{"Time", "N"}, []is[timed]{
			{timed{time.Unix(1, 0), 1}, List{micros(1e6), Int("1")}},
		}),
		literal("arrays are lists, and pointers of any depth are nullable", []string{"A", "B", "C", "D"}, []is[arrays]{
			{arrays{[3]int16{1, -2, 3}, [2][]string{nil, {"a", ""}}, [2][2]bool{{true}, {}}, [1]struct{ X ***int8 }{{&p2}}}, List{
				List{Int("1"), Int("-2"), Int("3")},
				List{nil, List{Text("a"), Text("")}},
				List{List{true, false}, List{false, false}},
				List{Struct{{"X", Int("-8")}}},
			}},
			{arrays{}, List{
				List{Int("0"), Int("0"), Int("0")},
				List{nil, nil},
				List{List{false, false}, List{false, false}},
				List{Struct{{"X", nil}}},
			}},
		}),
		literal("interfaces are JSON where the options say so", []string{"Any", "Error", "Address", "Raw"}, []is[values]{
			{values{map[string]any{"a": 1.5}, []any{nil, "x", 2}, netip.MustParseAddr("::1"), json.RawMessage("[1]")}, List{
				JSON(`{"a":1.5}`), List{nil, JSON(`"x"`), JSON(`2`)}, Text("::1"), JSON(`[1]`),
			}},
			{values{}, List{nil, nil, Text(""), nil}},
		}, values{Any: math.NaN()}, values{Any: make(chan int)}).with(schema.AnyAsJSON()),
	}
}

func tagTraps() []*Case {
	type tagged struct {
		Labels map[string]string `json:"labels"`
		Naming map[string]string `parquet:"json_map"`
		Parsed map[string]string `parquet:",json"`
		ID     string            `parquet:"id,uuid"`
		Small  int               `parquet:",int(8)"`
		Cents  int64             `parquet:",decimal(2:9)"`
		Text   string            `parquet:",decimal(2:9)"`
		Hidden chan int          `parquet:"-"`
		Quoted int64             `json:"quoted,string"`
	}
	const id = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	want := UUID{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0, 0xa7, 0x65, 0, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6}
	one := map[string]string{"a": "b"}
	good := tagged{one, one, one, id, -128, -1, "-0.01", nil, 1 << 60}
	bad := func(change func(*tagged)) tagged {
		t := good
		change(&t)
		return t
	}
	type widened struct {
		A int8
		B uint16
		C uint64
		D int16 `parquet:",int(16)"`
	}
	return []*Case{
		literal("the tags of maps, UUIDs, small integers and decimals mean what they say",
			[]string{"labels", "json_map", "Parsed", "id", "Small", "Cents", "Text", "quoted"}, []is[tagged]{
				{good, List{
					Map{{Text("a"), Text("b")}},
					Map{{Text("a"), Text("b")}},
					JSON(`{"a":"b"}`), want, Int("-128"), Decimal("-0.01"), Decimal("-0.01"),
					Int("1152921504606846976"),
				}},
				{tagged{ID: id, Text: "0"}, List{NoMap{}, NoMap{}, nil, want, Int("0"), Decimal("0.00"), Decimal("0.00"), Int("0")}},
			},
			bad(func(t *tagged) { t.Small = 100_000 }), bad(func(t *tagged) { t.Small = 128 }), bad(func(t *tagged) { t.ID = "no" }),
			bad(func(t *tagged) { t.Cents = 1e9 }), bad(func(t *tagged) { t.Text = "0.001" }),
		),
		literal("widened integers lose nothing", []string{"A", "B", "C", "D"}, []is[widened]{
			{widened{-128, 65535, math.MaxInt64, -32768}, List{Int("-128"), Int("65535"), Int("9223372036854775807"), Int("-32768")}},
		}, widened{C: math.MaxInt64 + 1}).with(schema.WidenIntegers()),
	}
}
