package formattest

import (
	"reflect"
	"strings"

	"github.com/jetcapture/lake/schema"
)

func textTraps() []*Case {
	type text struct {
		S string
		L []string
		M map[string]string
	}
	columns := []string{"S", "L", "M"}
	row := func(s string) text { return text{s, []string{"", s}, map[string]string{"k": s}} }
	want := func(v, empty any) List { return List{v, List{empty, v}, Map{{keyOf(empty), v}}} }
	var replaced, blobs []is[text]
	for s, r := range map[string]string{
		"\xff": "\ufffd", "a\xc3": "a\ufffd", "\xff\xfeb\xff": "\ufffdb\ufffd", "ok": "ok",
		"\xed\xa0\x80": "\ufffd", "\xf0\x9f\x98": "\ufffd",
	} {
		replaced = append(replaced, is[text]{row(s), want(Text(r), Text(""))})
		blobs = append(blobs, is[text]{row(s), want(Bytes(s), Bytes(""))})
	}
	var bad []text
	for _, s := range notTexts {
		bad = append(bad, text{S: s}, text{L: []string{"a", s}},
			text{M: map[string]string{"k": s}}, text{M: map[string]string{s: "v"}})
	}
	return []*Case{
		literal("text that is not UTF-8 is rejected alone", columns, []is[text]{
			{row("ä"), want(Text("ä"), Text(""))}, {row("\ufffd"), want(Text("\ufffd"), Text(""))},
		}, bad...),
		literal("text that is not UTF-8 is replaced where the options say so", columns, replaced,
			text{M: map[string]string{"\xff": ""}}).
			with(schema.UTF8(schema.ReplaceInvalid)),
		literal("text is bytes where the options say so", columns, append(blobs, is[text]{
			text{M: map[string]string{"\xff": "", "\x00": ""}},
			List{Bytes(""), nil, Map{{Bytes("\x00"), Bytes("")}, {Bytes("\xff"), Bytes("")}}},
		})).with(schema.UTF8(schema.TextAsBytes)),
	}
}

func keyOf(empty any) any {
	if _, ok := empty.(Bytes); ok {
		return Bytes("k")
	}
	return Text("k")
}

func nameTraps() []*Case {
	type names struct {
		Dotted  int32            `parquet:"a.b"`
		Spaced  int32            `parquet:"two words"`
		Quoted  int32            `parquet:"it's"`
		Unicode int32            `parquet:"größe 😀"`
		Element []int32          `parquet:"element"`
		List    []int32          `parquet:"list"`
		Map     map[string]int32 `parquet:"key_value"`
		Key     struct {
			Key   int32 `parquet:"key"`
			Value []struct {
				Element int32 `parquet:"element"`
				List    int32 `parquet:"list"`
			} `parquet:"value"`
		} `parquet:"key"`
		Schema int32 `parquet:"schema"`
		Long   int32 `parquet:"long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long_long"`
	}
	t := reflect.TypeFor[names]()
	c := &Case{Name: "names that mean something elsewhere, or need quotes", Type: t}
	row := names{1, 2, 3, 4, []int32{5}, nil, map[string]int32{"x": 6}, names{}.Key, 7, 8}
	row.Key.Key = 9
	row.Key.Value = append(row.Key.Value, struct {
		Element int32 `parquet:"element"`
		List    int32 `parquet:"list"`
	}{10, 11})
	values := List{
		Int("1"), Int("2"), Int("3"), Int("4"),
		List{Int("5")},
		nil,
		Map{{Text("x"), Int("6")}},
		Struct{{"key", Int("9")}, {"value", List{Struct{{"element", Int("10")}, {"list", Int("11")}}}}},
		Int("7"), Int("8"),
	}
	var want Struct
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
		if name == "" {
			name = t.Field(i).Tag.Get("json")
		}
		c.Columns = append(c.Columns, name)
		want = append(want, Field{name, values[i]})
	}
	c.add(reflect.ValueOf(row), want)
	return []*Case{c}
}
