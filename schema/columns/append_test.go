package columns_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema/internal/rowtest"
)

type money struct {
	units int64
	exp   int32
}

func (m money) Coefficient() *big.Int { return big.NewInt(m.units) }
func (m money) Exponent() int32       { return m.exp }

func TestValuesAreThoseOfGo(t *testing.T) {
	at := time.Date(2026, 11, 23, 23, 30, 1, 123456789, time.FixedZone("west", -5*60*60))
	type fixed [3]byte
	type headers map[string][]string
	for name, test := range map[string]struct{ got, want string }{
		"integers": {
			rowtest.Rows(t, struct {
				A int8
				B uint8
				C int16
				D uint32
				E int64
				F uint64
				G int
			}{-128, 255, -32768, math.MaxUint32, math.MinInt64, math.MaxUint64, -1}),
			"[[-128 255 -32768 4294967295 -9223372036854775808 18446744073709551615 -1]]",
		},
		"floats": {
			rowtest.Rows(t, pair[float32]{1.5, float32(math.Inf(1))}, pair[float32]{float32(math.Copysign(0, -1)), float32(math.NaN())}),
			"[[1.5 +Inf] [-0 NaN]]",
		},
		"doubles": {rowtest.Rows(t, pair[float64]{math.MaxFloat64, -0.1}), "[[1.7976931348623157e+308 -0.1]]"},
		"bools":   {rowtest.Rows(t, pair[*bool]{nil, ptr(true)}, pair[*bool]{ptr(false), nil}), "[[<nil> true] [false <nil>]]"},
		"bytes":   {rowtest.Rows(t, pair[[]byte]{nil, []byte{}}, pair[[]byte]{[]byte("a\xff"), []byte("b")}), "[[<nil> ] [a\xff b]]"},
		"arrays":  {rowtest.Rows(t, pair[fixed]{fixed{1, 2, 3}, fixed{}}), "[[010203 000000]]"},
		"times": {rowtest.Rows(t, struct {
			Micros, Zero time.Time
			Nanos        time.Time `parquet:",timestamp(nanosecond)"`
			Millis       time.Time `parquet:",timestamp(millisecond:local)"`
			Date         time.Time `parquet:",date"`
			Old          time.Time `parquet:",date"`
			Clock        time.Time `parquet:",time(microsecond:local)"`
			UTC          time.Time `parquet:",time(millisecond)"`
			None         time.Time `parquet:",optional"`
		}{Micros: at, Nanos: at, Millis: at, Date: at, Clock: at, UTC: at}), fmt.Sprintf("[[%d -62135596800000000 %d %d %d %d %d %d <nil>]]",
			at.UnixMicro(), at.UnixNano(), time.Date(2026, 11, 23, 23, 30, 1, 123e6, time.UTC).UnixMilli(),
			time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Unix()/86400, -719162, ((23*60+30)*60+1)*1000000+123456, (4*60+30)*60000+1123)},
		"day before 1970": {rowtest.Rows(t, struct {
			A time.Time `parquet:",date"`
		}{time.Unix(-12*60*60, 0).UTC()}), "[[-1]]"},
		"before 1970": {
			rowtest.Rows(t, pair[time.Time]{time.Unix(-1, 999_999_999), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)}),
			"[[-1 253402300799999999]]",
		},
		"durations": {rowtest.Rows(t, struct {
			Took time.Duration
			Time time.Duration `parquet:",time(millisecond)"`
		}{-5, 24*time.Hour - 1}), "[[-5 86399999]]"},
		"decimals": {
			rowtest.Rows(t, struct {
				Int    int64       `parquet:",decimal(2:18)"`
				Wide   int32       `parquet:",decimal(2:30)"`
				Big    big.Int     `parquet:",decimal(2:38)"`
				Rat    *big.Rat    `parquet:",decimal(3:9)"`
				Text   string      `parquet:",decimal(2:9)"`
				Number json.Number `parquet:",decimal(2:9)"`
				Money  money       `parquet:",decimal(4:12)"`
				Bytes  []byte      `parquet:",decimal(0:20)"`
				Exp    string      `parquet:",decimal(0:38)"`
				None   *money      `parquet:",decimal(4:12)"`
			}{-1250, -7, *big.NewInt(-5), big.NewRat(-1, 8), "-12.5", "1.25e1", money{1250, -2}, []byte{0xff, 0x00}, "+2E+3", nil}),
			"[[-1250 -7 -5 -125 -1250 1250 125000 -256 2000 <nil>]]",
		},
		"texts": {rowtest.Rows(t, struct {
			A netip.Addr
			B *netip.Addr
			C color
			D big.Int
			E json.Number
			F netip.Addr
		}{netip.MustParseAddr("::1"), nil, 7, *big.NewInt(99), "1e5", netip.Addr{}}), "[[::1 <nil> red 99 1e5 ]]"},
		"json": {rowtest.Rows(t, struct {
			A json.RawMessage
			B json.RawMessage
			C any            `parquet:",json"`
			D any            `parquet:",json"`
			E map[string]int `parquet:",json"`
			F string         `parquet:",json"`
		}{json.RawMessage(`{"a":1}`), nil, []string{"<"}, nil, map[string]int{"b": 1}, `[]`}), `[[{"a":1} <nil> ["<"] <nil> {"b":1} []]]`},
		"uuids": {
			rowtest.Rows(t, struct {
				A UUID
				B [16]byte `parquet:",uuid"`
				C string   `parquet:",uuid"`
				D string   `parquet:",uuid,optional"`
			}{UUID{15: 1}, [16]byte{0: 0xff}, "f81d4fae-7dec-11d0-A765-00a0c91e6bf6", ""}),
			"[[00000000000000000000000000000001 ff000000000000000000000000000000 f81d4fae7dec11d0a76500a0c91e6bf6 <nil>]]",
		},
		"sql": {rowtest.Rows(t, pair[sql.NullInt32]{sql.NullInt32{}, sql.NullInt32{Int32: 5, Valid: true}}), "[[<nil> 5]]"},
		"sql pointers": {
			rowtest.Rows(t, pair[sql.Null[*string]]{sql.Null[*string]{Valid: true}, sql.Null[*string]{V: ptr("x"), Valid: true}}),
			"[[<nil> x]]",
		},
		"pointers": {rowtest.Rows(t, pair[***int]{ptr(ptr(ptr(3))), ptr((**int)(nil))}), "[[3 <nil>]]"},
		"lists": {
			rowtest.Rows(t, pair[[][]int]{nil, [][]int{}}, pair[[][]int]{[][]int{nil, {}, {1, 2}}, [][]int{{3}}}),
			"[[<nil> []] [[<nil> [] [1 2]] [[3]]]]",
		},
		"lists of nulls":  {rowtest.Rows(t, pair[[]*int]{[]*int{nil, ptr(1), nil}, []*int{}}), "[[[<nil> 1 <nil>] []]]"},
		"arrays as lists": {rowtest.Rows(t, pair[[2]string]{[2]string{"a", "b"}, [2]string{}}), "[[[a b] [ ]]]"},
		"maps": {
			rowtest.Rows(t, pair[headers]{nil, headers{}}, pair[headers]{headers{"b": {"1", "2"}, "a": nil}, headers{"": {}}}),
			"[[<nil> []] [[a <nil> b [1 2]] [ []]]]",
		},
		"maps of addresses": {rowtest.Rows(t, pair[map[netip.Addr]map[int8]bool]{map[netip.Addr]map[int8]bool{
			netip.MustParseAddr("2.0.0.0"):  {1: true, -1: false},
			netip.MustParseAddr("10.0.0.0"): nil,
		}, nil}), "[[[10.0.0.0 <nil> 2.0.0.0 [-1 false 1 true]] <nil>]]"},
		"structs in lists": {rowtest.Rows(t, pair[[]pair[*string]]{[]pair[*string]{{ptr("a"), nil}, {}}, nil}), "[[[[a <nil>] [<nil> <nil>]] <nil>]]"},
		"embedded": {rowtest.Rows(t, struct {
			Base
			*Deep
		}{Base{Tenant: "x"}, nil}, struct {
			Base
			*Deep
		}{Base{}, &Deep{7}}), "[[x  <nil>] [  7]]"},
		"omitted": {rowtest.Rows(t, struct {
			A int      `json:",omitempty"`
			B string   `json:",omitempty"`
			C []string `json:",omitempty"`
			D *int     `json:",omitempty"`
			E []string `parquet:",optional"`
			F Left     `parquet:",optional"`
			G Left     `json:",omitempty"`
			H float64  `json:",omitzero"`
		}{C: []string{}, D: new(int), E: []string{}, H: math.Copysign(0, -1)}), "[[<nil> <nil> <nil> 0 [] <nil> [] -0]]"},
		"zeros before other values": {rowtest.Rows(t, struct {
			A int32  `parquet:",optional"`
			B int32  `parquet:",optional"`
			C bool   `parquet:",optional"`
			D bool   `parquet:",optional"`
			E string `parquet:",optional"`
			F []byte `parquet:",optional"`
		}{B: 1, D: true, E: strings.Repeat("x", 20)[:0], F: make([]byte, 0, 9)}), "[[<nil> 1 <nil> true <nil> ]]"},
		"protocol buffers": {
			rowtest.Rows(t, &Event{Id: "", At: &Timestamp{Seconds: 1, Nanos: 2000}, Note: &StringValue{Value: "n"}, Status: 1}, &Event{Tags: []string{"t"}}),
			"[[ 1000002 n PAID [] <nil> <nil>] [ <nil> <nil> NEW [t] <nil> <nil>]]",
		},
	} {
		if test.got != test.want {
			t.Errorf("%s: rows are\n%s\nwant\n%s", name, test.got, test.want)
		}
	}
}
