package jsoncolumns_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

func TestFileIsReadAsYAMLAndAsJSON(t *testing.T) {
	want := []jsoncolumns.Column{
		{Name: "id", Path: []string{"order", "id"}, Type: schema.Type{Kind: schema.Int64}, Hints: schema.Hints{Encoding: schema.Delta, Sort: schema.Ascending}},
		{Name: "größe", Path: []string{"größe"}, Type: schema.Type{Kind: schema.Decimal, Precision: 18, Scale: 2}, Nullable: true},
		{Name: "price", Path: []string{"order", "unit.price", ""}, Type: schema.Type{Kind: schema.String}, Nullable: true, Hints: schema.Hints{Bloom: true}},
	}
	for _, file := range []string{
		`# a comment
- name: id
  path: order.id
  type: int64
  nullable: false
  encoding: delta
  sort: ascending
- {name: größe, type: "decimal(18,2)"}
- name: price
  path: [order, "unit.price", ""]
  type: string
  bloom: true
`,
		`[{"name": "id", "path": "order.id", "type": "int64", "nullable": false, "encoding": "delta", "sort": "ascending"},
		{"type": "decimal(precision 18, scale 2)", "name": "gr\u00f6\u00dfe"},
		{"name": "price", "path": ["order", "unit.price", ""], "type": "string", "bloom": true, "nullable": true}]`,
	} {
		got, err := jsoncolumns.Parse("f", []byte(file))
		if err != nil || !slices.EqualFunc(got, want, func(a, b jsoncolumns.Column) bool { return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b) }) {
			t.Errorf("%s\nis read as %v, %v", file, got, err)
		}
	}
}

func TestTypesAreTheWordsOfSchemaAndShorterOnes(t *testing.T) {
	for word, want := range map[string]string{
		"bool": "bool", "int8": "int8", "uint64": "uint64", "float32": "float32", "string": "string", "bytes": "bytes", "json": "json", "uuid": "uuid",
		"date": "date", "timestamp": "timestamp(micros)", "timestamp(nanos)": "timestamp(nanos)", "timestamp(seconds)": "timestamp(micros)", "timestamp(micros)": "timestamp(micros)", "timestamp(millis,local)": "timestamp(millis, local)",
		"time": "time(micros)", "time(millis, local)": "time(millis, local)", "duration": "duration(nanos)", "duration(nanos)": "duration(nanos)",
		"decimal(18,2)": "decimal(precision 18, scale 2)", "decimal(38, 38)": "decimal(precision 38, scale 38)", "decimal(9)": "decimal(precision 9, scale 0)",
		"decimal(precision 18, scale 2)": "decimal(precision 18, scale 2)", "fixed(16)": "fixed(16)",
	} {
		list, err := jsoncolumns.Parse("f", fmt.Appendf(nil, "- name: a\n  type: %s\n", word))
		if err != nil || list[0].Type.String() != want {
			t.Errorf("%s is %v, %v; want %s", word, list, err, want)
			continue
		}
		reparsed, err := jsoncolumns.Parse("f", jsoncolumns.Text(list))
		if err != nil || reparsed[0].Type != list[0].Type || reparsed[0].Epoch != list[0].Epoch {
			t.Errorf("%s is written as %s: %v", word, jsoncolumns.Text(list), err)
		}
	}
	for word, want := range map[string]string{
		"int":                       "int64",
		"Double":                    "float64",
		"STRING":                    "string",
		"datetime":                  "timestamp",
		"array":                     "json",
		"decimal":                   "decimal(18,2)",
		"timestamp(s)":              "timestamp(seconds), timestamp(millis), timestamp(micros) or timestamp(nanos), or timestamp(micros, local)",
		"timestamp(seconds, local)": "timestamp(micros, local)",
		"time(seconds)":             "time(millis), time(micros) or time(nanos), or time(micros, local)",
		"timestamp(micros, utc)":    "timestamp(seconds), timestamp(millis), timestamp(micros)",
		"decimal(39,2)":             "38 digits are the most",
		"decimal(2,3)":              "write decimal(18,2)",
		"decimal(1,1,1)":            "write decimal(18,2)",
		"decimal(precision 3, 1)":   "write decimal(18,2)",
		"fixed(0)":                  "fixed(16)",
		"fixed(016)":                "fixed(16)",
		"duration(micros)":          "write duration, which is in nanoseconds",
		"duration(nanos, local)":    "write duration, which is in nanoseconds",
		"string(10)":                "write bool, int64 (or int8 to uint64)",
		"struct<a>":                 "write bool, int64 (or int8 to uint64)",
		"decimal(18":                "in quotes",
	} {
		_, err := jsoncolumns.Parse("f", fmt.Appendf(nil, "- name: a\n  type: %q\n", word))
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("f:2: type %q", word)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", word, err, want)
		}
	}
}

func TestAllThatIsWrongWithAFileIsSaidAtOnceByLines(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"", "f:1: there are no columns: list some, or archive messages as they are"},
		{"# nothing\n", "f:1: there are no columns: list some, or archive messages as they are"},
		{"[]", "f:1: there are no columns: list some, or archive messages as they are"},
		{"columns:\n- name: a", "f:1: it is an object: write a list of columns, each like `- {name: id, type: int64}`"},
		{"- name: a\n  type: [", "f:2: it is neither YAML nor JSON: did not find expected node content"},
		{"- a\n- [b]\n-\n", "f:1: a column is \"a\": write it like `- {name: id, type: int64}`\n" +
			"f:2: a column is a list: write it like `- {name: id, type: int64}`\nf:3: a column is empty: write it like `- {name: id, type: int64}`"},
		{"- &x {name: a, type: json}\n- *x\n", "f:2: a column is an alias, which is not supported: write it like `- {name: id, type: int64}`"},
		{"- {name: a, type: json}\n---\n- {name: b, type: json}", "f:2: there is more behind the list: keep one list in a file"},
		{"- nme: a\n  typ: json\n  name: b\n", "f:1: there is no \"nme\" in a column: write name, path, type, nullable, exact, encoding, bloom or sort\n" +
			"f:1: a column has no type: add one, as in `- {name: id, type: int64}`\n" +
			"f:2: there is no \"typ\" in a column: write name, path, type, nullable, exact, encoding, bloom or sort"},
		{"- type: json\n", "f:1: a column has no name: add one, as in `- {name: id, type: int64}`"},
		{"- name: a\n  name: b\n  type: json\n", `f:2: "name" is there twice: leave one out`},
		{"- name: 5\n  type: json\n- name: true\n  type: json\n- name: ~\n  type: 2026-11-23\n", `f:1: name is 5: write it in quotes, as in name: "5"
f:3: name is true: write it in quotes, as in name: "true"
f:5: name is empty: write one, or leave it out
f:6: type is 2026-11-23: write it in quotes, as in type: "2026-11-23"`},
		{"- name: {a: b}\n  type: json\n  nullable: no\n  bloom: 1\n  encoding: rle\n  sort: [up]\n", `f:1: name is an object: write a word
f:3: nullable is "no": write true or false
f:4: bloom is 1: write true or false
f:5: encoding is "rle": write plain, dict, delta or split
f:6: sort is a list: write ascending or descending`},
		{"- {name: a, type: bool, bloom: true, encoding: delta}\n", "f:1: column \"a\": \"delta\" is for integers, times and strings: leave it out\n" +
			"f:1: \"bloom\" is of no use for two values: leave it out"},
		{"- {name: a, type: int64, exact: true}\n- {name: b, type: date, exact: 1}\n", "f:1: exact is for timestamp and time, and not for int64, of which nothing is ever cut: leave it out\n" +
			"f:2: exact is 1: write true or false"},
		{"- {name: a.b, type: json}\n", "f:1: name \"a.b\" has a dot: say with path what it is, the nested `path: a.b` or the one member `path: [\"a.b\"]`"},
		{
			"- {name: Subject, type: json}\n- {name: _REST, type: json}\n- {name: Date, type: date}\n- {name: subject.x, path: a, type: json}",
			"f:1: name \"Subject\" is that of a column which files have anyway: name it \"payload_Subject\", with `path: Subject`\n" +
				"f:2: name \"_REST\" is that of a column which files have anyway: name it \"payload__REST\", with `path: _REST`\n" +
				"f:3: name \"Date\" is that of the folders date=…, which readers take for a column: name it \"payload_Date\", with `path: Date`",
		},
		{
			"- {name: a, type: json}\n- {name: A, path: b, type: json}\n- {name: c, path: a, type: json}\n",
			"f:2: name \"A\" is that of the column in line 1, but for upper and lower case perhaps: give it another\n" +
				"f:3: path a is that of the column in line 1: leave one of them out",
		},
		{
			"- {name: a, path: o.p.q, type: json}\n- {name: b, path: [o, p], type: json}\n- {name: c, path: [\"o.p\"], type: json}\n",
			"f:1: path o.p.q leads into o.p, which is the column in line 2: leave one of them out",
		},
		{
			"- {name: a, path: o..p, type: json}\n- {name: b, path: [], type: json}\n- {name: c, path: [o, 1], type: json}\n- {name: d, path: \"\", type: json}\n- {name: e, path: {}, type: json}\n",
			`f:1: path "o..p" has an empty name: write a list if a name has dots or is empty, as in path: [a, "b.c"]
f:2: path is an empty list: write the names of members, as in path: [a, "b.c"]
f:3: a name in path is 1: write it in quotes, as in path: [a, "b.c"]
f:4: path is empty: write one, or leave it out
f:5: path is an object: write a word`,
		},
		{
			"- {name: \" a\", type: json}\n- {name: \"a\\tb\", type: json}\n- {name: \"" + strings.Repeat("x", 256) + "\", type: json}\n",
			"f:1: name \" a\" is empty, or begins or ends with a space: write another\nf:2: name \"a\\tb\" has characters that cannot be seen: write another\n" +
				"f:3: name \"" + strings.Repeat("x", 100) + "\" has 256 bytes: 255 are the most",
		},
	} {
		list, err := jsoncolumns.Parse("f", []byte(c.file), "date", "hour")
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\nis read as %v, and\n%v\nwant\n%s", c.file, list, err, c.want)
		}
	}
}

func TestNamesAreWrittenSoThatAnyYAMLTakesThemForText(t *testing.T) {
	for name, want := range map[string]string{
		"id": "id", "größe": "größe", "a b": "a b", "no": `"no"`, "On": `"On"`, "y": `"y"`, "true": `"true"`, "5": `"5"`, "1e3": `"1e3"`, "null": `"null"`,
		"~": `"~"`, "a: b": `"a: b"`, "a #b": `"a #b"`, "#a": `"#a"`, "- a": `"- a"`, "*a": `"*a"`, "&a": `"&a"`, "!a": `"!a"`, "{a": `"{a"`, `"`: `"\""`,
		"2026-11-23": `"2026-11-23"`, "0x1f": `"0x1f"`, "a\\": `a\`,
	} {
		c := jsoncolumns.Column{Name: name, Path: []string{name}, Type: schema.Type{Kind: schema.JSON}, Nullable: true}
		text := string(jsoncolumns.Text([]jsoncolumns.Column{c}, "two\nlines"))
		if text != "# two?lines\n- name: "+want+"\n  type: json\n" {
			t.Errorf("%s is written as\n%s", name, text)
		}
		if list, err := jsoncolumns.Parse("f", []byte(text)); err != nil || list[0].Name != name {
			t.Errorf("%s\nis read as %v, %v", text, list, err)
		}
	}
}

func TestTooMuchIsRefusedShortly(t *testing.T) {
	var b strings.Builder
	for i := range 10_001 {
		fmt.Fprintf(&b, "- {name: c%d, type: json}\n", i)
	}
	if _, err := jsoncolumns.Parse("f", []byte(b.String())); err == nil || len(err.Error()) > 500 {
		t.Errorf("10,001 columns: %.500v", err)
	}
	if _, err := jsoncolumns.Parse("f", []byte(strings.Repeat("- {name: a}\n", 1_000))); err == nil || strings.Count(err.Error(), "\n") != 50 ||
		!strings.HasSuffix(err.Error(), "problems more") {
		t.Errorf("1,000 columns without types: %v", err)
	}
	if _, err := jsoncolumns.Parse("f", bytes.Repeat([]byte("- {"), 400_000)); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("1.2 MB: %.500v", err)
	}
	deep := "- {name: a, type: json, path: [" + strings.Repeat("a,", 10_000) + "]}"
	if _, err := jsoncolumns.Parse("f", []byte(deep)); err == nil || !strings.Contains(err.Error(), "path has 10000 names") {
		t.Errorf("a path of 10,000 names: %v", err)
	}
}

func FuzzFilesAreReadOrRefused(f *testing.F) {
	f.Add([]byte(nested))
	f.Add([]byte(allTypes))
	f.Add([]byte("- {name: a, type: \"decimal(18,2)\", path: [\"\\u0085\", \"\\e\"], nullable: false, sort: descending, encoding: dict, bloom: true}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := jsoncolumns.Parse("f", text)
		if err != nil {
			return
		}
		if _, err := jsoncolumns.New[payload](list, jsoncolumns.Options{}); err != nil {
			t.Fatalf("%s is read, and then refused: %v", text, err)
		}
		reparsed, err := jsoncolumns.Parse("f", jsoncolumns.Text(list, "a\ncomment: "))
		if err != nil || fmt.Sprintf("%#v", reparsed) != fmt.Sprintf("%#v", list) {
			t.Fatalf("%s\nis written as\n%s\nand read as %v, %v", text, jsoncolumns.Text(list), reparsed, err)
		}
	})
}
