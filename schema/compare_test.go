package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
)

type col[T any] struct {
	Stays bool
	X     T
}

func verdict[Old, New any](t *testing.T) string {
	t.Helper()
	changes := schema.Compare(of[Old](t), of[New](t))
	lines := make([]string, len(changes))
	for i, c := range changes {
		lines[i] = c.String()
	}
	return strings.Join(lines, "\n")
}

func TestVerdictsAreThoseOfReadersOfOldAndNew(t *testing.T) {
	type nothing struct{ Stays bool }
	type one struct{ A int32 }
	type two struct {
		A int32
		B *string
	}
	type twoRequired struct {
		A int32
		B string
	}
	type renamed struct {
		Stays bool
		Y     int64
	}
	type cased struct {
		Stays bool
		X     int64 `json:"x"`
	}
	type front struct {
		New   *int
		Stays bool
	}
	type millis struct {
		Stays bool
		X     time.Time `parquet:",timestamp(millisecond)"`
	}
	type nanos struct {
		Stays bool
		X     time.Time `parquet:",timestamp(nanosecond)"`
	}
	type local struct {
		Stays bool
		X     time.Time `parquet:",timestamp(microsecond:local)"`
	}
	type text struct {
		Stays bool
		X     []byte `parquet:",string"`
	}
	type dec92 struct {
		Stays bool
		X     int64 `parquet:",decimal(2:9)"`
	}
	type dec124 struct {
		Stays bool
		X     int64 `parquet:",decimal(4:12)"`
	}
	type dec103 struct {
		Stays bool
		X     int64 `parquet:",decimal(4:10)"`
	}
	for name, test := range map[string]struct{ got, want string }{
		"same":                       {verdict[kinds, *kinds](t), ""},
		"added nullable":             {verdict[nothing, col[*int]](t), "X: compatible: added"},
		"added required":             {verdict[nothing, col[int]](t), "X: breaking: added, and never null"},
		"removed":                    {verdict[col[*int], nothing](t), "X: breaking: removed"},
		"renamed":                    {verdict[col[int64], renamed](t), `X: breaking: renamed to "Y"`},
		"other case":                 {verdict[col[int64], cased](t), `X: breaking: renamed to "x"`},
		"inserted":                   {verdict[nothing, front](t), "Stays: compatible: field id 2, was 1"},
		"wider":                      {verdict[col[int32], col[int64]](t), "X: widening: int64, was int32"},
		"narrower":                   {verdict[col[int64], col[int32]](t), "X: breaking: int32, was int64"},
		"wider unsigned":             {verdict[col[uint8], col[uint64]](t), "widening"},
		"unsigned to signed":         {verdict[col[uint32], col[int64]](t), "widening"},
		"unsigned to signed, narrow": {verdict[col[uint32], col[int32]](t), "breaking"},
		"signed to unsigned":         {verdict[col[int8], col[uint64]](t), "breaking"},
		"to string":                  {verdict[col[int64], col[string]](t), "X: breaking: string, was int64"},
		"float":                      {verdict[col[float32], col[float64]](t), "widening"},
		"float narrower":             {verdict[col[float64], col[float32]](t), "breaking"},
		"int32 to double":            {verdict[col[int32], col[float64]](t), "widening"},
		"int64 to double":            {verdict[col[int64], col[float64]](t), "breaking"},
		"nullable":                   {verdict[col[int], col[*int]](t), "X: compatible: nullable, was not"},
		"required":                   {verdict[col[*int], col[int]](t), "X: breaking: never null"},
		"wider and required":         {verdict[col[*int8], col[int]](t), "X: widening: int64, was int8\nX: breaking: never null"},
		"json to string":             {verdict[col[json.RawMessage], col[*string]](t), "widening"},
		"string to json":             {verdict[col[*string], col[json.RawMessage]](t), "breaking"},
		"bytes to string":            {verdict[col[[]byte], text](t), "breaking"},
		"fixed to bytes":             {verdict[col[[4]byte], col[[]byte]](t), "widening"},
		"finer time":                 {verdict[millis, col[time.Time]](t), "widening"},
		"coarser time":               {verdict[col[time.Time], millis](t), "breaking"},
		"nanoseconds":                {verdict[col[time.Time], nanos](t), "breaking"},
		"from nanoseconds":           {verdict[nanos, col[time.Time]](t), "breaking"},
		"local time":                 {verdict[col[time.Time], local](t), "breaking"},
		"more digits":                {verdict[dec92, dec124](t), "widening"},
		"fewer before the point":     {verdict[dec92, dec103](t), "breaking"},
		"in a list":                  {verdict[col[[]one], col[[]two]](t), "X.element.B: compatible: added"},
		"required in a list":         {verdict[col[[]one], col[[]twoRequired]](t), "X.element.B: breaking: added"},
		"in a map":                   {verdict[col[map[string]int8], col[map[string]int]](t), "X.value: widening"},
		"list to value":              {verdict[col[[]int], col[*int]](t), "X: breaking: int64, was list"},
		"list to map":                {verdict[col[[]int], col[map[int]int]](t), "X: breaking: map, was list"},
	} {
		if !strings.Contains(test.got, test.want) || (test.want == "" && test.got != "") {
			t.Errorf("%s: changes are\n%s\nwant %q", name, test.got, test.want)
		}
		if strings.Contains(test.got, "breaking") != strings.Contains(test.want, "breaking") {
			t.Errorf("%s: changes are\n%s\nwant %q", name, test.got, test.want)
		}
	}
}

func TestNothingChangesBetweenASchemaAndItself(t *testing.T) {
	for seed := range uint64(300) {
		s := randomSchema(t, seed)
		if changes := schema.Compare(s, s); len(changes) > 0 {
			t.Fatal(changes)
		}
	}
}

func TestOnlyBreakingChangesAreBreaking(t *testing.T) {
	if schema.IsBreaking([]schema.Change{{Verdict: schema.Compatible}, {Verdict: schema.Widening}}) {
		t.Error("widening is breaking")
	}
	if !schema.IsBreaking([]schema.Change{{Verdict: schema.Breaking}, {Verdict: schema.Widening}}) {
		t.Error("breaking is not")
	}
	if got := fmt.Sprint(schema.Verdict(0), schema.Breaking); got != "invalid(0) breaking" {
		t.Errorf("verdicts are %s", got)
	}
}
