package parquet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

func refusal[P any](t *testing.T) string {
	t.Helper()
	newWriter, err := parquet.Writers[P](parquet.Options{})
	if err == nil || newWriter != nil {
		return "accepted"
	}
	return err.Error()
}

type recursive struct {
	Name     string
	Children []recursive
}

type (
	mutual  struct{ Other *mutual2 }
	mutual2 struct{ Back map[string]mutual }
)

type protoLike struct{ A string }

func (*protoLike) ProtoReflect() {}

type (
	A struct{ X int }
	B struct{ X int }
)

type alias string

func TestTypesThatWouldBeWrittenWronglyAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ got, field, advice string }{
		"optional value": {refusal[struct {
			F int64 `parquet:",optional"`
		}](t), ".F", "use a pointer"},
		"optional time": {refusal[struct {
			F time.Time `parquet:",optional"`
		}](t), ".F", "use a pointer"},
		"optional list": {refusal[struct {
			F []int `parquet:",optional"`
		}](t), ".F", "use a pointer"},
		"optional element": {refusal[struct {
			F []int `parquet-element:",optional"`
		}](t), ".F[]", "use a pointer"},
		"optional map value": {refusal[struct {
			F map[string]int `parquet-value:",optional"`
		}](t), ".F[value]", "use a pointer"},
		"time as date": {refusal[struct {
			F time.Time `parquet:",date"`
		}](t), ".F", "int32 of days"},
		"time pointer date": {refusal[struct {
			F *time.Time `parquet:",date"`
		}](t), ".F", "int32 of days"},
		"nanoseconds": {refusal[struct {
			F time.Time `parquet:",timestamp(nanosecond)"`
		}](t), ".F", "timestamp(microsecond)"},
		"unit of nothing": {refusal[struct {
			F time.Time `parquet:",timestamp"`
		}](t), ".F", "timestamp(microsecond)"},
		"duration as time": {refusal[struct {
			F time.Duration `parquet:",time(microsecond)"`
		}](t), ".F", "microseconds since midnight"},
		"string as uuid": {refusal[struct {
			F string `parquet:",uuid"`
		}](t), ".F", "[16]byte"},
		"int too narrow": {refusal[struct {
			F int `parquet:",int(8)"`
		}](t), ".F", "Go type"},
		"int too wide": {refusal[struct {
			F int8 `parquet:",int(64)"`
		}](t), ".F", "Go type"},
		"int as uint": {refusal[struct {
			F int64 `parquet:",uint(64)"`
		}](t), ".F", "Go type"},
		"split integer": {refusal[struct {
			F int64 `parquet:",split"`
		}](t), ".F", "floats"},
		"decimal string": {refusal[struct {
			F string `parquet:",decimal(2:9)"`
		}](t), ".F", "int64"},
		"interface":          {refusal[struct{ F any }](t), ".F", "JSON"},
		"interface in a map": {refusal[struct{ F map[string]any }](t), ".F[value]", "JSON"},
		"error":              {refusal[struct{ F error }](t), ".F", "JSON"},
		"empty struct":       {refusal[struct{ F struct{} }](t), ".F", "no exported fields"},
		"map as a set":       {refusal[struct{ F map[string]struct{} }](t), ".F[value]", "no exported fields"},
		"netip.Addr":         {refusal[struct{ F netip.Addr }](t), ".F", "use a string"},
		"big.Int":            {refusal[struct{ F *big.Int }](t), ".F", "use a string"},
		"embedded pointer":   {refusal[struct{ *A }](t), ".A", "give the field a name"},
		"embedded time":      {refusal[struct{ time.Time }](t), ".Time", "give the field a name"},
		"embedded string":    {refusal[struct{ alias }](t), ".alias", "give the field a name"},
		"embedded and named": {refusal[struct {
			A `json:"a"`
		}](t), ".A", "no name of its own"},
		"two embedded": {refusal[struct {
			A
			B
		}](t), ".B.X", "already"},
		"embedded and own": {refusal[struct {
			X string
			A
		}](t), ".A.X", "already"},
		"same go name": {refusal[struct {
			X string `json:"y"`
			A
		}](t), ".A.X", "rename"},
		"same column": {refusal[struct {
			F int `json:"a"`
			G int `parquet:"a"`
		}](t), ".G", "already"},
		"same but for case": {refusal[struct {
			F int `json:"ab"`
			G int `parquet:"aB"`
		}](t), ".G", "already"},
		"called dash": {refusal[struct {
			F int `json:"-,"` //nolint:staticcheck // what a struct may have
		}](t), ".F", "called"},
		"recursive":          {refusal[recursive](t), ".Children[]", "contains itself"},
		"mutually recursive": {refusal[mutual](t), ".Other.Back[value]", "contains itself"},
		"array":              {refusal[struct{ F [3]int }](t), ".F", "slice"},
		"empty bytes":        {refusal[struct{ F [0]byte }](t), ".F", "slice"},
		"channel":            {refusal[struct{ F chan int }](t), ".F", `parquet:"-"`},
		"function":           {refusal[struct{ F func() }](t), ".F", `parquet:"-"`},
		"complex":            {refusal[struct{ F complex128 }](t), ".F", `parquet:"-"`},
		"uintptr":            {refusal[struct{ F uintptr }](t), ".F", `parquet:"-"`},
		"pointer to pointer": {refusal[struct{ F **int }](t), ".F", "one pointer"},
		"pointer to slice":   {refusal[struct{ F *[]int }](t), ".F", "without the pointer"},
		"pointer to bytes":   {refusal[struct{ F *[]byte }](t), ".F", "without the pointer"},
		"pointer to map":     {refusal[struct{ F *map[string]int }](t), ".F", "without the pointer"},
		"json map": {refusal[struct {
			F map[string]int `json:"json_map"`
		}](t), ".F", "name the column differently"},
		"json in a list": {refusal[struct{ F []json.RawMessage }](t), ".F[]", "struct"},
		"json strings": {refusal[struct {
			F []string `parquet-element:",json"`
		}](t), ".F[]", "struct"},
		"json number": {refusal[struct{ F *json.Number }](t), ".F", "use a string"},
		"json struct": {refusal[struct {
			F A `parquet:",json"`
		}](t), ".F", "text"},
		"three lists":       {refusal[struct{ F [][][]int }](t), ".F", "struct in between"},
		"lists of pointers": {refusal[struct{ F [][]*int }](t), ".F", "struct in between"},
		"times so deep":     {refusal[struct{ F [][]time.Time }](t), ".F[][]", "struct"},
		"map of maps":       {refusal[struct{ F map[string]map[string]int }](t), ".F", "struct in between"},
		"map of floats":     {refusal[struct{ F map[float64]int }](t), ".F", "strings or integers"},
		"map of bools":      {refusal[struct{ F map[bool]int }](t), ".F", "strings or integers"},
		"map of structs":    {refusal[struct{ F map[A]int }](t), ".F", "strings or integers"},
		"protocol buffer":   {refusal[struct{ F *protoLike }](t), ".F", "protocol buffer"},
		"unknown option": {refusal[struct {
			F int `parquet:",fast"`
		}](t), ".F", "cannot be used"},
		"geometry": {refusal[struct {
			F []byte `parquet:",geometry"`
		}](t), ".F", "cannot be used"},
		"delta float": {refusal[struct {
			F float64 `parquet:",delta"`
		}](t), "F float64", "invalid"},
		"codec of a struct": {refusal[struct {
			F A `parquet:",zstd"`
		}](t), ".F", "on the fields"},
		"codec of a list": {refusal[struct {
			F []int `parquet:",zstd"`
		}](t), ".F", "parquet-element"},
		"no struct":        {refusal[int](t), "int", "neither a struct"},
		"time itself":      {refusal[time.Time](t), "time.Time", "neither a struct"},
		"pointer twice":    {refusal[**A](t), "A", "neither a struct"},
		"interface itself": {refusal[any](t), "interface", "neither a struct"},
		"no fields":        {refusal[struct{}](t), "struct {}", "no exported fields"},
		"deep inside": {refusal[struct {
			F []struct{ G map[string]*struct{ H any } }
		}](t), ".F[].G[value].H", "JSON"},
	} {
		if !strings.Contains(test.got, test.field) || !strings.Contains(test.got, test.advice) {
			t.Errorf("%s: %q does not name %q and advise %q", name, test.got, test.field, test.advice)
		}
	}
}

func TestARefusalSaysAllThatIsWrong(t *testing.T) {
	got := refusal[struct {
		F any
		G chan int
		H int `parquet:",optional"`
	}](t)
	for _, field := range []string{".F:", ".G:", ".H:"} {
		if !strings.Contains(got, field) {
			t.Errorf("%q does not name %s", got, field)
		}
	}
}

func TestOptionsThatAreWrongAreRefusedAtOnce(t *testing.T) {
	options := parquet.Options{Codec: "lzo", RowGroupRows: -1, RowGroupBytes: -1, PageBytes: 1}
	_, err1 := parquet.RawWriters[*formattest.Message](options)
	_, err2 := parquet.Writers[A](options)
	for _, err := range []error{err1, err2} {
		for _, field := range []string{`Codec "lzo"`, "RowGroupRows -1", "RowGroupBytes -1", "PageBytes 1"} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("error %v does not name %s", err, field)
			}
		}
	}
}

func TestColumnsAreNamedByTagsAndFields(t *testing.T) {
	duck := formattest.DuckDB(t)
	type row struct {
		Plain   string
		JSON    string `json:"by_json,omitempty"`
		Parquet string `parquet:"by_parquet" json:"not_this"`
		Both    string `parquet:",dict" json:"json_with_options"`
		Hidden  string `json:"-"`
		Out     string `parquet:"-" json:"out"`
		Inner   struct {
			Deep []struct {
				X int `json:"x"`
			} `json:"deep"`
		} `json:"inner"`
	}
	file := encoded(t, writersOf[row](t, parquet.Options{})(), []row{{}})
	rows := duck.Query("SELECT * FROM read_parquet(" + formattest.Quote(save(t, file)) + ")")
	want := "Plain by_json by_parquet json_with_options inner"
	if got := strings.Join(rows.Columns, " "); got != want {
		t.Errorf("columns are %q, want %q", got, want)
	}
	if got := rows.Types[4]; got != "STRUCT(deep LIST(STRUCT(x BIGINT)))" {
		t.Errorf("inner is a %s", got)
	}
}

type text struct {
	S string
	P *string
	L []string
	M map[string]string
	B []byte
	X string `parquet:",bytes"`
	J json.RawMessage
	I []struct{ Z string }
	T time.Time
}

func TestPayloadsThatColumnsCannotHoldAreRejectedWithTheirPath(t *testing.T) {
	const bad = "a\xff"
	badPointer := bad
	duck := formattest.DuckDB(t)
	w := writersOf[*text](t, parquet.Options{})()
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for path, payload := range map[string]*text{
		"field S:":       {S: bad},
		"field P:":       {P: &badPointer},
		"field L[1]:":    {L: []string{"", bad}},
		`field M["k"]:`:  {M: map[string]string{"k": bad}},
		"field J:":       {J: json.RawMessage(bad)},
		"field I[0].Z:":  {I: []struct{ Z string }{{bad}}},
		"field T:":       {T: time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)},
		"payload is nil": nil,
	} {
		if n, err := w.Write(payload); n != 0 || err == nil || !strings.Contains(err.Error(), path) || errors.Is(err, format.ErrBroken) {
			t.Errorf("%s %d rows, %v", path, n, err)
		}
	}
	if _, err := w.Write(&text{B: []byte(bad), X: bad, S: "good"}); err != nil {
		t.Errorf("bytes are rejected: %v", err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	row := duck.QueryRow("SELECT S, X, B FROM read_parquet(" + formattest.Quote(save(t, out.Bytes())) + ")")
	if row[0] != "good" || string(row[1].([]byte)) != bad || string(row[2].([]byte)) != bad {
		t.Errorf("row is %q", row)
	}
}
