package schema_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
)

type tree struct {
	Value    int
	Children []*tree
}

type jsonTree struct {
	Value    int
	Children []*jsonTree `parquet:",json"`
	Parent   *jsonTree   `parquet:",json"`
}

type loop *loop

type sliceLoop []sliceLoop

type mapLoop map[string]mapLoop

type Left struct{ Name string }

type Right struct{ Name string }

type Ring struct{ *Ring }

type empty struct{ hidden int }

func TestWhatNoColumnHoldsIsRefusedWithPathAndWayOut(t *testing.T) {
	_ = empty{}.hidden
	for name, test := range map[string]struct {
		err  error
		want []string
	}{
		"no struct":       {refusal[int](), []string{"a row is a struct", "not int"}},
		"a time":          {refusal[time.Time](), []string{"a row is a struct"}},
		"pointer pointer": {refusal[**kinds](), []string{"a row is a struct"}},
		"chan":            {refusal[struct{ A struct{ C chan int } }](), []string{"struct.A.C: no column", "chan int", `parquet:"-"`}},
		"func in a list":  {refusal[struct{ F []func() }](), []string{"struct.F[]: no column"}},
		"complex":         {refusal[struct{ C complex64 }](), []string{"struct.C"}},
		"uintptr":         {refusal[struct{ C uintptr }](), []string{"struct.C"}},
		"any":             {refusal[struct{ A any }](), []string{"struct.A", `parquet:",json"`, "AnyAsJSON"}},
		"empty struct":    {refusal[struct{ E empty }](), []string{"struct.E", "no exported fields"}},
		"empty array":     {refusal[struct{ E [0]int }](), []string{"struct.E", "no data"}},
		"empty bytes":     {refusal[struct{ E [0]byte }](), []string{"struct.E", "1 to"}},
		"recursion":       {refusal[tree](), []string{"tree.Children[]: type schema_test.tree contains itself", "parquet"}},
		"pointer loop":    {refusal[struct{ L loop }](), []string{"struct.L"}},
		"slice loop":      {refusal[struct{ L sliceLoop }](), []string{"struct.L[]", "contains itself"}},
		"map loop":        {refusal[struct{ L mapLoop }](), []string{"struct.L[value]", "contains itself"}},
		"embedded loop":   {refusal[Ring](), []string{"Ring.Ring", "contains itself"}},
		"ambiguous": {refusal[struct {
			Left
			Right
		}](), []string{`struct.Right.Name: there is a column "Name" already, at struct.Left.Name`, "name one"}},
		"same name": {refusal[struct {
			A int `json:"x"`
			B int `parquet:"x"`
		}](), []string{`struct.B: there is a column "x" already, at struct.A`}},
		"same but for case": {refusal[struct {
			A int `json:"x"`
			B int `json:"X"`
		}](), []string{"struct.B", "upper and lower case", "struct.A"}},
		"same id": {refusal[struct {
			A int `parquet:",id(3)"`
			B int `parquet:",id(3)"`
		}](), []string{"struct.B: field id 3 is that of struct.A"}},
		"name not UTF-8": {refusal[Left](schema.Rename("Name", "\xff")), []string{"Left.Name", "not UTF-8"}},
		"malformed tag":  {malformed(`parquet:a,json:"b"`), []string{"struct.A", "malformed"}},
		"unclosed tag":   {malformed(`parquet:"a`), []string{"struct.A", "malformed"}},
		"unknown option": {refusal[struct {
			A int `parquet:",fast"`
		}](), []string{"struct.A", `"fast" is not known`}},
		"unknown own": {refusal[struct {
			A int `lake:"fast"`
		}](), []string{"struct.A", `"fast" is not known`}},
		"two forms": {refusal[struct {
			A int `parquet:",date,int(8)"`
		}](), []string{`"date" and "int(8)" exclude`}},
		"two codecs": {refusal[struct {
			A int `parquet:",snappy,zstd"`
		}](), []string{`"snappy" and "zstd" exclude`}},
		"wrong decimal": {refusal[struct {
			A int `parquet:",decimal(9:2)"`
		}](), []string{"decimal(scale:precision)"}},
		"decimal bare": {refusal[struct {
			A int `parquet:",decimal"`
		}](), []string{"decimal(scale:precision)"}},
		"decimal float": {refusal[struct {
			A float64 `parquet:",decimal(2:9)"`
		}](), []string{"does not go with float64"}},
		"wrong bits": {refusal[struct {
			A int `parquet:",int(24)"`
		}](), []string{"8, 16, 32 or 64"}},
		"wrong unit": {refusal[struct {
			A time.Time `parquet:",timestamp(second)"`
		}](), []string{"millisecond, microsecond"}},
		"open bracket": {refusal[struct {
			A int `parquet:",int(8"`
		}](), []string{"parenthesis"}},
		"date of string": {refusal[struct {
			A string `parquet:",date"`
		}](), []string{`"date" does not go with string`}},
		"uuid of bytes": {refusal[struct {
			A [15]byte `parquet:",uuid"`
		}](), []string{"does not go with [15]uint8"}},
		"delta float": {refusal[struct {
			A float64 `parquet:",delta"`
		}](), []string{"struct.A", `"delta" is for`}},
		"list of an int": {refusal[struct {
			A int `parquet:",list"`
		}](), []string{`"list" is for`}},
		"variant": {refusal[struct {
			A any `parquet:",variant"`
		}](), []string{`write "json"`}},
		"json of a chan": {refusal[struct {
			A chan int `parquet:",json"`
		}](), []string{"no JSON of chan int"}},
		"sorted in lists": {refusal[struct {
			A []struct {
				B int `lake:"ascending"`
			}
		}](), []string{"struct.A[].B", "sorted"}},
		"sorted lists": {refusal[struct {
			A []int `lake:"ascending"`
		}](), []string{"sorted"}},
		"dict of a map": {refusal[struct {
			A map[string]int `parquet:",dict"`
		}](), []string{"single values"}},
		"pointer keys": {refusal[struct{ A map[*string]int }](), []string{"struct.A[key]", "slice of structs"}},
		"float keys":   {refusal[struct{ A map[float64]int }](), []string{"struct.A[key]"}},
		"struct keys":  {refusal[struct{ A map[Left]int }](), []string{"struct.A[key]"}},
		"options of an embedded struct": {refusal[struct {
			Left `parquet:",snappy"`
		}](), []string{"struct.Left", "of no column"}},
		"required value": {refusal[struct {
			A *int `lake:"required"`
		}](), []string{"struct.A", "slices and maps"}},
		"required values of a slice": {refusal[struct {
			A []string `lake-value:"required"`
		}](), []string{"struct.A: tag lake-value", "slices and maps"}},
		"required strings": {refusal[struct {
			A []string `lake-element:"required"`
		}](), []string{"struct.A: tag lake-element", "slices and maps"}},
		"sorted values": {refusal[struct {
			A map[string]int `lake-value:"ascending"`
		}](), []string{"struct.A[value]", "sorted"}},
		"exclude nothing":  {refusal[Left](schema.Exclude("Nam")), []string{`Exclude: there is no column "Nam"`}},
		"exclude all":      {refusal[Left](schema.Exclude("Name")), []string{"no exported fields"}},
		"rename nothing":   {refusal[Left](schema.Rename("Nam", "x")), []string{`Rename: there is no column "Nam"`}},
		"rename to a name": {refusal[pair[int]](schema.Rename("First", "second")), []string{"upper and lower case"}},
		"order nothing":    {refusal[Left](schema.Order("x")), []string{`Order: there is no column "x"`}},
		"order twice":      {refusal[Left](schema.Order("Name", "Name")), []string{"twice"}},
		"wrong options":    {refusal[Left](schema.TimestampUnit(9), schema.UTF8(9), schema.Nulls(9)), []string{"TimestampUnit", "UTF8", "Nulls"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, want := range test.want {
				if test.err == nil || !strings.Contains(test.err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, test.err)
				}
			}
		})
	}
}

func malformed(tag reflect.StructTag) error { // which vet would find in a type
	_, err := schema.OfType(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[int](), Tag: tag}}))
	return err
}

func refusal[T any](opts ...schema.Option) error {
	s, err := schema.Of[T](opts...)
	if err == nil != (s != nil) {
		panic("neither a schema nor an error, or both")
	}
	return err
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	err := refusal[struct {
		A chan int
		B any
		C int `parquet:",fast,slow"`
		D []tree
	}]()
	for _, want := range []string{"struct.A", "struct.B", `"fast"`, `"slow"`, "struct.D[].Children[]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}

func TestJSONCutsRecursionOff(t *testing.T) {
	if got := of[jsonTree](t).Find("Parent").Kind(); got != schema.JSON {
		t.Errorf("Parent is %s", got)
	}
}

func TestSchemasSurviveJSON(t *testing.T) {
	s := of[kinds](t)
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back schema.Schema
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.String() != s.String() || back.Fingerprint() != s.Fingerprint() {
		t.Errorf("schema is\n%s\nafter JSON\n%s", s, &back)
	}
}

func TestJSONThatIsNoSchemaIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"columns":[]}`: "at least one column",
		`{"columns":[{"name":"a","id":1,"type":"text"}]}`:                                                              `type "text"`,
		`{"columns":[{"name":"a","id":1,"type":"fixed(0)"}]}`:                                                          "size",
		`{"columns":[{"name":"a","id":1,"type":"decimal(precision 3, scale 4)"}]}`:                                     "scale",
		`{"columns":[{"name":"a","id":1,"type":"timestamp(weeks)"}]}`:                                                  "unit",
		`{"columns":[{"name":"a","id":0,"type":"bool"}]}`:                                                              "field id",
		`{"columns":[{"name":"","id":1,"type":"bool"}]}`:                                                               "name is empty",
		`{"columns":[{"name":"a","id":1,"type":"bool"},{"name":"A","id":2,"type":"bool"}]}`:                            "upper and lower case",
		`{"columns":[{"name":"a","id":1,"type":"bool"},{"name":"b","id":1,"type":"bool"}]}`:                            "field id 1",
		`{"columns":[{"name":"a","id":1,"type":"list"}]}`:                                                              "a list cannot have",
		`{"columns":[{"name":"a","id":1,"type":"bool","encoding":"delta"}]}`:                                           "delta",
		`{"columns":[{"name":"a","id":1,"type":"bool","codec":"zip"}]}`:                                                "codec",
		`{"columns":[{"name":"a","id":1,"type":"bool","colour":"red"}]}`:                                               "colour",
		`{"fingerprint":"x","columns":[{"name":"a","id":1,"type":"bool"}]}`:                                            "fingerprint",
		`{"columns":[{"name":"a","id":1,"type":"struct","bloom":true,"columns":[{"name":"b","id":2,"type":"bool"}]}]}`: "hints",
	} {
		var s schema.Schema
		if err := json.Unmarshal([]byte(text), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error lacks %q: %v", text, want, err)
		}
	}
}

func TestTypesThatAreTooWideOrTooDeepAreRefused(t *testing.T) {
	wide, deep := reflect.TypeFor[int](), reflect.TypeFor[int]()
	for range 14 { // 2^14 columns
		wide = reflect.StructOf([]reflect.StructField{{Name: "A", Type: wide}, {Name: "B", Type: wide}})
	}
	for range 70 {
		deep = reflect.SliceOf(deep)
	}
	deep = reflect.StructOf([]reflect.StructField{{Name: "A", Type: deep}})
	twice := func(t reflect.Type, levels int) reflect.Type {
		for range levels {
			t = reflect.StructOf([]reflect.StructField{{Name: "A", Type: t, Anonymous: true}, {Name: "B", Type: t, Anonymous: true}})
		}
		return t
	}
	many := make([]reflect.StructField, 10_001)
	for i := range many {
		many[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: reflect.TypeFor[bool]()}
	}
	manyIn := func(n int) reflect.Type {
		return reflect.StructOf([]reflect.StructField{{Name: "In", Type: reflect.StructOf(many[:n]), Anonymous: true}})
	}
	for name, test := range map[string]struct {
		rowType reflect.Type
		want    string
	}{
		"columns":                  {wide, "more than 10000 columns"},
		"depth":                    {deep, "more than 64 deep"},
		"embedded without fields":  {twice(reflect.TypeFor[struct{}](), 14), "more than 10000 embedded structs"}, // 2^15
		"embedded with one":        {twice(reflect.TypeFor[Left](), 14), "more than 10000 embedded structs"},
		"embedded with rivals":     {twice(reflect.TypeFor[Left](), 12), `a column "Name" already`}, // 2^12
		"embedded with too many":   {manyIn(10_001), "more than 10000 columns"},
		"embedded, as many as can": {manyIn(10_000), ""},
	} {
		_, err := schema.OfType(test.rowType)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: the error lacks %q: %v", name, test.want, err)
		case err != nil && len(err.Error()) > 50_000:
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}
