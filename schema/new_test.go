package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

func kind(k schema.Kind) schema.Type { return schema.Type{Kind: k} }

func TestSchemasCanBeMadeOfFields(t *testing.T) {
	s, err := schema.New(
		schema.Field{Name: "id", Type: kind(schema.Int64), Hints: schema.Hints{Encoding: schema.Delta}},
		schema.Field{Name: "at", ID: 2, Type: schema.Type{Kind: schema.Timestamp, Unit: schema.Micros}, Nullable: true},
		schema.Field{Name: "items", Type: kind(schema.List), Children: []schema.Field{{
			Name: "element", Type: kind(schema.Struct), Nullable: true, Children: []schema.Field{
				{Name: "sku", ID: 9, Type: kind(schema.String)},
				{Name: "by", Type: kind(schema.Map), Children: []schema.Field{
					{Name: "key", Type: kind(schema.String)}, {Name: "value", Type: schema.Type{Kind: schema.Decimal, Precision: 9, Scale: 2}},
				}},
			},
		}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(`
1  id           int64                             delta
2  at           timestamp(micros)                 null
3  items        list
4    element    struct                            null
9      sku      string
5      by       map
6        key    string
7        value  decimal(precision 9, scale 2)
`, "\n")
	if got := strings.ReplaceAll(s.String(), "  ", " "); got != strings.ReplaceAll(want, "  ", " ") && squeezed(got) != squeezed(want) {
		t.Errorf("schema is\n%s\nwant\n%s", s, want)
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back schema.Schema
	if err := json.Unmarshal(data, &back); err != nil || back.Fingerprint() != s.Fingerprint() {
		t.Errorf("after JSON it is\n%s\n%v", &back, err)
	}
	if _, err := columns.Compile[any](s); err == nil || !strings.Contains(err.Error(), "AppendRow") {
		t.Errorf("a plan of no type compiles: %v", err)
	}
}

func squeezed(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestFieldsThatMakeNoSchemaAreRefused(t *testing.T) {
	a := schema.Field{Name: "a", Type: kind(schema.Bool)}
	with := func(change func(*schema.Field)) schema.Field {
		f := a
		change(&f)
		return f
	}
	endless := []schema.Field{{Name: "element", Type: kind(schema.List)}}
	endless[0].Children = endless
	for want, fields := range map[string][]schema.Field{
		"at least one column":  nil,
		"upper and lower case": {with(func(f *schema.Field) { f.Name = "A" }), a},
		"another of field id 7": {
			with(func(f *schema.Field) { f.ID = 7 }), with(func(f *schema.Field) { f.Name, f.ID = "b", 7 }),
		},
		"field id":         {with(func(f *schema.Field) { f.ID = -1 })},
		"name is empty":    {with(func(f *schema.Field) { f.Name = "" })},
		"not UTF-8":        {with(func(f *schema.Field) { f.Name = "\xff" })},
		"no such kind":     {with(func(f *schema.Field) { f.Type.Kind = 0 })},
		`"a": there is no`: {with(func(f *schema.Field) { f.Type.Kind = 200 })},
		"the unit is":      {with(func(f *schema.Field) { f.Type.Kind = schema.TimeOfDay })},
		"the scale is":     {with(func(f *schema.Field) { f.Type = schema.Type{Kind: schema.Decimal, Precision: 2, Scale: 3} })},
		"the size is":      {with(func(f *schema.Field) { f.Type.Kind = schema.Fixed })},
		"more fields than": {with(func(f *schema.Field) { f.Type.Size = 4 })},
		`"delta" is for`:   {with(func(f *schema.Field) { f.Hints.Encoding = schema.Delta })},
		"is not known":     {with(func(f *schema.Field) { f.Hints.Codec = "lzo" })},
		"leave them out":   {with(func(f *schema.Field) { f.Children = []schema.Field{a} })},
		`called "element"`: {with(func(f *schema.Field) { f.Type.Kind, f.Children = schema.List, []schema.Field{a} })},
		`called "key"`:     {with(func(f *schema.Field) { f.Type.Kind, f.Children = schema.Map, []schema.Field{a, a, a} })},
		"which is never null": {{Name: "a", Type: kind(schema.Map), Children: []schema.Field{
			{Name: "key", Type: kind(schema.String), Nullable: true}, {Name: "value", Type: kind(schema.String)},
		}}},
		"it has at least one": {with(func(f *schema.Field) { f.Type.Kind = schema.Struct })},
		"hints are for":       {with(func(f *schema.Field) { f.Type.Kind, f.Hints.Bloom = schema.Struct, true })},
		"more than 64 deep":   {{Name: "a", Type: kind(schema.List), Children: endless}},
	} {
		if s, err := schema.New(fields...); err == nil || s != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	wide := make([]schema.Field, 10_001)
	for i := range wide {
		wide[i] = schema.Field{Name: strings.Repeat("x", i%100) + string(rune(i+100)), Type: kind(schema.Bool)}
	}
	if _, err := schema.New(wide...); err == nil || !strings.Contains(err.Error(), "more than 10000 columns") {
		t.Errorf("the error is %v", err)
	}
}

func TestNodesCanBeSixtyFourDeep(t *testing.T) {
	f := schema.Field{Name: "element", Type: kind(schema.Bool), Nullable: true}
	for range 62 {
		f = schema.Field{Name: "element", Type: kind(schema.List), Nullable: true, Children: []schema.Field{f}}
	}
	list := func() schema.Field {
		return schema.Field{Name: "element", Type: kind(schema.List), Nullable: true, Children: []schema.Field{f}}
	}
	s, err := schema.New(list())
	if err != nil {
		t.Fatal(err)
	}
	if def, rep := s.Leaves()[0].MaxLevels(); def != 127 || rep != 63 {
		t.Errorf("the levels are %d and %d", def, rep)
	}
	f = list()
	if _, err := schema.New(list()); err == nil || !strings.Contains(err.Error(), "more than 64 deep") {
		t.Errorf("the error is %v", err)
	}
}

func TestAllThatIsWrongWithFieldsIsToldAtOnce(t *testing.T) {
	_, err := schema.New(schema.Field{ID: -1}, schema.Field{Name: "b", Type: kind(schema.List)})
	for _, want := range []string{"name is empty", "no such kind", "field id", `column "b"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}
