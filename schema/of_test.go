package schema_test

import (
	"database/sql"
	"encoding/json"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

type kinds struct {
	Base
	*Deep
	time.Month
	ID        uint64 `json:"id,string" lake:"ascending,bloom"`
	Bool      bool
	Small     int8    `parquet:",dict"`
	Wide      int     `parquet:"wide,int(32),delta"`
	Share     float64 `parquet:",split"`
	Name      string  `json:"name,omitempty"`
	Data      []byte
	Hash      [20]byte
	At        time.Time
	Day       time.Time     `parquet:",date"`
	Clock     time.Duration `parquet:",time(microsecond:local)"`
	Millis    int64         `parquet:",timestamp"`
	Took      time.Duration
	UUID      UUID
	TextUUID  string  `parquet:",uuid,optional"`
	Price     int64   `parquet:",decimal(2:18),zstd"`
	Total     big.Rat `parquet:",decimal(10:38)"`
	Huge      big.Int
	Raw       json.RawMessage
	Number    json.Number
	Any       any        `parquet:",json"`
	Colors    []color    `parquet:",list,snappy" parquet-element:",dict"`
	Address   netip.Addr `parquet:",enum"`
	Seen      *stamp
	Deleted   sql.NullTime
	Rank      sql.Null[int16]
	Deepest   ***int32
	Matrix    [][]float32
	Triple    [3]uint16
	Headers   map[string][]string `parquet-key:",dict" parquet-value:",gzip" lake:"required"`
	Pair      pair[string]        `parquet:",brotli"`
	Out       chan int            `parquet:"-"`
	Hidden    func()              `json:"-"`
	private   int
	unsettled any
}

const kindsTable = ` 1  tenant       string
 2  Level        int32                            null
 3  Month        int64
 4  id           uint64                            ascending bloom
 5  Bool         bool
 6  Small        int8                              dict
 7  wide         int32                             delta
 8  Share        float64                           split
 9  name         string                           null
10  Data         bytes                            null
11  Hash         fixed(20)
12  At           timestamp(micros)
13  Day          date
14  Clock        time(micros, local)
15  Millis       timestamp(millis)
16  Took         duration(nanos)
17  UUID         uuid
18  TextUUID     uuid                             null
19  Price        decimal(precision 18, scale 2)    zstd
20  Total        decimal(precision 38, scale 10)
21  Huge         string
22  Raw          json                             null
23  Number       string
24  Any          json                             null
25  Colors       list                             null
26    element    string                            dict snappy
27  Address      string                            dict
28  Seen         timestamp(micros)                null
29  Deleted      timestamp(micros)                null
30  Rank         int16                            null
31  Deepest      int32                            null
32  Matrix       list                             null
33    element    list                             null
34      element  float32
35  Triple       list
36    element    uint16
37  Headers      map
38    key        string                            dict
39    value      list                             null
40      element  string                            gzip
41  Pair         struct
42    First      string                            brotli
43    Second     string                            brotli
`

func TestEveryKindOfFieldHasItsColumn(t *testing.T) {
	_, _ = kinds{}.private, kinds{}.unsettled
	s := of[kinds](t)
	if got := s.String(); got != kindsTable {
		t.Errorf("schema is\n%s\nwant\n%s", got, kindsTable)
	}
	if got := of[*kinds](t).Fingerprint(); got != s.Fingerprint() {
		t.Error("a pointer to a struct has another schema")
	}
	if got, want := s.Find("Headers", "value", "element").GoPath(), "kinds.Headers[value][]"; got != want {
		t.Errorf("Go path is %s, want %s", got, want)
	}
}

func TestFingerprintsNeverChange(t *testing.T) {
	type row struct {
		ID    int64             `parquet:"id,id(7)"`
		Items []pair[*string]   `json:"items"`
		Tags  map[string]string `json:"tags"`
		Cost  int64             `parquet:",decimal(2:9)"`
	}
	const want = "c4b7aad253925ec24d71258b4f380dd3" // the files of users have it
	if got := of[row](t).Fingerprint(); got != want {
		t.Errorf("fingerprint is %s, want %s", got, want)
	}
}

func TestFingerprintIsOfWhatReadersSee(t *testing.T) {
	type row struct {
		A int64
		B *string
	}
	type hinted struct {
		Other int64   `parquet:"A,delta,zstd" lake:"ascending"`
		B     *string `parquet:",dict"`
	}
	type swapped struct {
		B *string
		A int64
	}
	type required struct {
		A int64
		B string
	}
	base := of[row](t).Fingerprint()
	if of[hinted](t).Fingerprint() != base {
		t.Error("hints or names in Go change the fingerprint")
	}
	if of[swapped](t).Fingerprint() == base {
		t.Error("the order of columns does not change the fingerprint")
	}
	if of[required](t).Fingerprint() == base {
		t.Error("nullability does not change the fingerprint")
	}
	if of[row](t, schema.Order("B")).Fingerprint() == base {
		t.Error("the option Order does not change the fingerprint")
	}
}

func TestOptionsHoldForAllFields(t *testing.T) {
	type row struct {
		A    int8
		B    uint64
		C    int16 `parquet:",int(16)"`
		At   time.Time
		Text string
		List []string
		Any  any
		Bad  chan int
	}
	s := of[row](t, schema.WidenIntegers(), schema.TimestampUnit(schema.Nanos), schema.UTF8(schema.TextAsBytes),
		schema.Nulls(schema.NilIsEmpty), schema.AnyAsJSON(), schema.Exclude("Bad"), schema.Rename("Text", "body"),
		schema.Order("At", "body"))
	const want = `4  At         timestamp(nanos)
5  body       bytes
1  A          int64
2  B          int64
3  C          int16
6  List       list
7    element  bytes
8  Any        json              null
`
	if got := s.String(); got != want {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
}

func TestProtocolBuffersAreColumnsByTheirMeaning(t *testing.T) {
	const want = `1  id         string
2  at         timestamp(micros)  null
3  note       string             null
4  status     string
5  tags       list
6    element  string
7  retries    int32              null
8  proof      bytes              null
`
	if got := of[*Event](t).String(); got != want {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
}

func TestRequiredSlicesAndMapsAreNeverNull(t *testing.T) {
	type row struct {
		Headers map[string][]string `lake:"required" lake-value:"required"`
		Data    []byte              `lake:"required"`
		Lists   [][]byte            `lake-element:"required,bloom"`
	}
	const want = `1  Headers    map
2    key      string
3    value    list
4      element  string
5  Data       bytes
6  Lists      list             null
7    element  bytes             bloom
`
	if got := of[row](t).String(); squeezed(got) != squeezed(want) {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
	got := rowtest.Rows(t, row{}, row{map[string][]string{"a": nil, "b": {}}, []byte{}, [][]byte{nil}})
	if want := "[[[]  <nil>] [[a [] b []]  []]]"; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
}

func TestFieldIDsStayWithTheirTags(t *testing.T) {
	s := of[struct {
		A int `parquet:",id(2)"`
		B []int
		C int `parquet:",id(9)"`
		D int
	}](t)
	var ids []string
	for _, n := range s.Leaves() {
		ids = append(ids, n.PathString()+" "+string(rune('0'+n.ID())))
	}
	if got, want := strings.Join(ids, ", "), "A 2, B.element 3, C 9, D 4"; got != want {
		t.Errorf("ids are %s, want %s", got, want)
	}
}

type Tagged struct {
	Other string `json:"Name"`
}

func TestEmbeddedNamesAreChosenAsGoDoes(t *testing.T) {
	for name, test := range map[string]struct {
		s    *schema.Schema
		want string
	}{
		"tagged first": {of[struct {
			Tagged
			Left
		}](t), "struct.Tagged.Other"},
		"tagged last": {of[struct {
			Left
			Tagged
		}](t), "struct.Tagged.Other"},
		"less deep": {of[struct {
			Tagged
			Name string
		}](t), "struct.Name"},
		"not embedded, as it is named": {of[struct {
			Left `json:"Name"`
		}](t), "struct.Left"},
	} {
		if columns := test.s.Columns(); len(columns) != 1 || columns[0].GoPath() != test.want {
			t.Errorf("%s: the column is %s, want %s:\n%s", name, columns[0].GoPath(), test.want, test.s)
		}
	}
}

func TestOptionsOfJSONCountWhereThereAreNoneOfParquet(t *testing.T) {
	s := of[struct {
		A int `json:"a,omitempty"`
		B int `json:"b,omitempty" parquet:",delta"`
		C int `json:"c" parquet:",optional"`
		D int `json:"d,omitzero"`
	}](t)
	for name, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true} {
		if n := s.Find(name); n == nil || n.Nullable() != want {
			t.Errorf("column %s of\n%s\nis nullable: %t, want %t", name, s, !want, want)
		}
	}
}

func TestMethodsOfAnEmbeddedTypeDoNotHideOtherFields(t *testing.T) {
	s := of[struct {
		X struct {
			time.Time
			Source string
		}
		Y stamp
	}](t)
	const want = `1  X         struct
2    Time    timestamp(micros)
3    Source  string
4  Y         timestamp(micros)
`
	if got := s.String(); got != want {
		t.Errorf("schema is\n%s\nwant\n%s", got, want)
	}
}
