package jsoncolumns_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

const nested = `
- name: id
  type: int64
- name: x
  path: a.x
  type: int64
- name: y
  path: a.b.y
  type: string
- name: dotted
  path: [a, "b.c", ""]
  type: bool
- name: any
  path: a.any
  type: json
`

func TestRestHasAllThatNoColumnTakes(t *testing.T) {
	plan, _ := planOf(t, nested)
	for _, c := range []struct {
		payload, rest string
		row           map[string]string
	}{
		{`{}`, ``, nil},
		{` { } `, ``, nil},
		{`{"id":1}`, ``, map[string]string{"id": "1"}},
		{`{"id":1,"z":[1, 2]}`, `{"z":[1, 2]}`, map[string]string{"id": "1"}},
		{`{"id":null}`, `{"id":null}`, nil},
		{`{"z":1.10,"id":"x","y":1e400}`, `{"z":1.10,"id":"x","y":1e400}`, nil},
		{`{"a":{"x":1,"b":{"y":"s"}}}`, ``, map[string]string{"x": "1", "y": `"s"`}},
		{`{"a":{"x":1,"b":{"y":2}}}`, `{"a":{"b":{"y":2}}}`, map[string]string{"x": "1"}},
		{
			`{"a":{"q":1,"x":1,"b":{"p":2,"y":"s","r":3},"s":4},"id":2,"t":5}`, `{"a":{"q":1,"b":{"p":2,"r":3},"s":4},"t":5}`,
			map[string]string{"x": "1", "y": `"s"`, "id": "2"},
		},
		{`{"a":{"b":{"p":2}},"t":5}`, `{"a":{"b":{"p":2}},"t":5}`, nil},
		{`{"a":{}}`, `{"a":{}}`, nil},
		{`{"a":{"b":{ }}}`, `{"a":{"b":{ }}}`, nil},
		{`{"a":7}`, `{"a":7}`, nil},
		{`{"a":[{"x":1}]}`, `{"a":[{"x":1}]}`, nil},
		{`{"a":null}`, `{"a":null}`, nil},
		{`{"a":{"b.c":{"":true}}}`, ``, map[string]string{"dotted": "true"}},
		{`{"\u0061":{"\u0078":1,"b\u002ec":{"":false}}}`, ``, map[string]string{"x": "1", "dotted": "false"}},
		{`{"\u0061":{"\u007a":1}}`, `{"\u0061":{"\u007a":1}}`, nil},
		{`{"a":{"any":null}}`, ``, map[string]string{"any": "null"}},
		{`{"ID":1,"Id":2}`, `{"ID":1,"Id":2}`, nil},

		// A name that is twice there has no value that is the right one.
		{`{"id":1,"id":2}`, `{"id":1,"id":2}`, nil},
		{`{"id":1,"z":0,"\u0069d":2,"id":3}`, `{"id":1,"z":0,"\u0069d":2,"id":3}`, nil},
		{`{"z":1,"z":2,"id":3}`, `{"z":1,"z":2}`, map[string]string{"id": "3"}},
		{`{"a":{"x":1,"any":2},"id":3,"a":{"x":4}}`, `{"a":{"x":1,"any":2},"a":{"x":4}}`, map[string]string{"id": "3"}},
		{`{"a":{"x":1,"x":1,"any":2}}`, `{"a":{"x":1,"x":1}}`, map[string]string{"any": "2"}},
		{`{"a":{"any":{"x":1,"x":2}}}`, ``, map[string]string{"any": `{"x":1,"x":2}`}},

		// What is no object has no members.
		{`[1, {"id":2}]`, `[1, {"id":2}]`, nil},
		{` null `, `null`, nil},
		{`"text"`, `"text"`, nil},
		{"\t-12.50e+7\n", `-12.50e+7`, nil},
		{`true`, `true`, nil},
	} {
		row, err := rowOf(t, plan, []byte(c.payload))
		if err != nil {
			t.Errorf("%s: %v", c.payload, err)
			continue
		}
		if row["_rest"] != c.rest {
			t.Errorf("the rest of %s is %s, want %s", c.payload, row["_rest"], c.rest)
		}
		delete(row, "_rest")
		for _, name := range jsoncolumns.Metadata() {
			delete(row, name)
		}
		if len(row)+len(c.row) > 0 && !maps.Equal(row, c.row) {
			t.Errorf("the columns of %s are %v, want %v", c.payload, row, c.row)
		}
	}
}

func TestMessagesThatNoReaderWouldTakeAreRejectedWithTheReason(t *testing.T) {
	plan, _ := planOf(t, nested)
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	if _, err := rowOf(t, plan, []byte(deep(9_999))); err != nil {
		t.Errorf("a payload that is 10,000 deep: %v", err)
	}
	for payload, want := range map[string]string{
		"":                      "payload: it is empty, which is no JSON",
		" ":                     "payload: it is no JSON, at byte 1",
		"\xff":                  "payload: it is not UTF-8",
		"{\"id\":\"\xc3\x28\"}": "payload: it is not UTF-8",
		"\ufeff{}":              "payload: it is no JSON, at byte 0",
		`{"id":1`:               "payload: it is no JSON, at byte 7",
		`{"id":1}}`:             "payload: it is no JSON, at byte 8",
		`{"id":1,}`:             "payload: it is no JSON, at byte 8",
		`{"id":01}`:             "payload: it is no JSON, at byte 7",
		`{"id":NaN}`:            "payload: it is no JSON, at byte 6",
		`{'id':1}`:              "payload: it is no JSON, at byte 1",
		"{\"id\":\"\n\"}":       "payload: it is no JSON, at byte 7",
		`{"z":"\ud800"}`:        `payload: it has a \u escape of half a surrogate pair, which is no text, at byte 6`,
		`{"z":"\udc00\ud800"}`:  `payload: it has a \u escape of half a surrogate pair, which is no text, at byte 6`,
		`{"\ud800\u0041":1}`:    `payload: it has a \u escape of half a surrogate pair, which is no text, at byte 2`,
		deep(10_000):            "payload: it is nested more than 10000 deep, at byte 10004",
	} {
		if _, err := rowOf(t, plan, []byte(payload)); err == nil || err.Error() != want {
			t.Errorf("%.50q: %v, want %s", payload, err, want)
		}
	}
}

func TestColumnThatIsNotNullableRejectsWhatHasNoValueOfIt(t *testing.T) {
	plan, _ := planOf(t, "- {name: amount, path: order.amount, type: int64, nullable: false}\n- {name: note, type: string}")
	if plan.Schema().Find("amount").Nullable() || !plan.Schema().Find("note").Nullable() {
		t.Error("the schema does not say which columns may be null")
	}
	none := "column amount: the payload has no value, or several, at order.amount, and nullable is false"
	misfit := "column amount: the value at order.amount does not fit into int64, and nullable is false"
	for payload, want := range map[string]string{
		`{}`: none, `{"order":{}}`: none, `{"order":1}`: none, `[]`: none, `null`: none, `{"amount":1}`: none,
		`{"order":{"amount":null}}`: none, `{"order":{"amount":1,"amount":1}}`: none, `{"order":{"amount":1},"order":1}`: none,
		`{"order":{"amount":"x"}}`: misfit, `{"order":{"amount":1.5}}`: misfit,
	} {
		if _, err := rowOf(t, plan, []byte(payload)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", payload, err, want)
		}
	}
	if row, err := rowOf(t, plan, []byte(`{"note":1,"order":{"amount":5}}`)); err != nil || row["amount"] != "5" || row["_rest"] != `{"note":1}` {
		t.Errorf("%v, %v", row, err)
	}
}

func TestMetadataComesBeforeThePayload(t *testing.T) {
	plan, _ := planOf(t, "- {name: id, type: int64}")
	var names []string
	for _, n := range plan.Schema().Columns() {
		names = append(names, n.Name())
	}
	if got, want := strings.Join(names, " "), "subject headers stream stream_seq timestamp timestamp_ns id _rest"; got != want {
		t.Errorf("the columns are %s, want %s", got, want)
	}
	row, err := rowOf(t, plan, []byte(`{}`))
	want := map[string]string{
		"subject": `"orders.eu"`, "stream": `"ORDERS"`, "stream_seq": "7", "headers": `{"0":["x"],"A":[],"B":["2","\"\\\u0001é"],"D":["y"],"c":[""]}`,
		"timestamp": `"2023-11-14T22:13:20.123456Z"`, "timestamp_ns": "1700000000123456789",
	}
	if err != nil || !maps.Equal(row, want) {
		t.Errorf("%v, %v\nwant %v", row, err, want)
	}
}

// A whole message is a payload too.
type whole format.RawMessage

func (m whole) Raw() format.RawMessage { return format.RawMessage(m) }

func TestMessageWhoseMetadataNoColumnHoldsIsRejected(t *testing.T) {
	list, err := jsoncolumns.Parse("f", []byte("- {name: id, type: int64}"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := jsoncolumns.New[whole](list, jsoncolumns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(plan.Schema())
	good := whole{Subject: "s", Stream: "S", StreamSeq: math.MaxInt64, Timestamp: time.Unix(0, 0), Data: []byte(`{}`)}
	if _, err := plan.Append(c, good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*whole){
		"column subject: ":      func(m *whole) { m.Subject = "\xff" },
		"column headers: ":      func(m *whole) { m.Headers = map[string][]string{"a": {"\xff"}} },
		"column stream_seq: ":   func(m *whole) { m.StreamSeq++ },
		"column timestamp_ns: ": func(m *whole) { m.Timestamp = time.Time{} },
	} {
		bad := good
		change(&bad)
		if _, err := plan.Append(c, bad); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s…", err, want)
		}
	}
	if c.Rows() != 1 {
		t.Errorf("there are %d rows", c.Rows())
	}
}

func TestSchemaIsTheSameForTheSameFile(t *testing.T) {
	one, _ := planOf(t, nested)
	other, _ := planOf(t, "# the same\n"+nested)
	if one.Schema().Fingerprint() != other.Schema().Fingerprint() {
		t.Error("the fingerprints of two plans of one file differ")
	}
	longer, _ := planOf(t, nested+"- {name: more, type: int64}\n")
	for _, change := range schema.Compare(one.Schema(), longer.Schema()) {
		if change.Verdict != schema.Compatible || change.Path != "more" {
			t.Errorf("a column at the end of the file changes %v", change)
		}
	}
}

func TestOrderOfRowsIsThatOfTheStreamOrOfColumns(t *testing.T) {
	for file, want := range map[string]string{
		"- {name: a, type: int64}": "stream_seq ascending",
		"- {name: a, type: int64, sort: descending}\n- {name: b, type: date, sort: ascending}": "a descending, b ascending",
	} {
		plan, _ := planOf(t, file)
		var got []string
		for _, n := range plan.Schema().SortedBy() {
			got = append(got, n.Name()+" "+n.Hints().Sort.String())
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s is sorted by %q, want %s", file, got, want)
		}
	}
}

func TestMembersAreFoundAmongMany(t *testing.T) {
	var file, text strings.Builder
	want := map[string]string{}
	for i := range 100 {
		fmt.Fprintf(&file, "- {name: c%d, path: o.m%d, type: int64}\n", i, i*7%100)
		fmt.Fprintf(&text, `"m%d":%d,"x%d":0,`, 99-i, 99-i, i)
		want[fmt.Sprint("c", i)] = fmt.Sprint(i * 7 % 100)
	}
	plan, _ := planOf(t, file.String())
	row, err := rowOf(t, plan, []byte(`{"o":{`+text.String()+`"y":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range want {
		if row[name] != value {
			t.Errorf("%s is %s, want %s", name, row[name], value)
		}
	}
	if n := strings.Count(row["_rest"], ":"); n != 102 {
		t.Errorf("the rest has %d members, want o and 101 in it: %s", n, row["_rest"])
	}
}

func TestFirstValueThatDoesNotFitIsToldOnceForEachColumn(t *testing.T) {
	list, err := jsoncolumns.Parse("f", []byte("- {name: a, type: int8}\n- {name: b, type: int8}"))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	plan, err := jsoncolumns.New[payload](list, jsoncolumns.Options{OnMisfit: func(m jsoncolumns.Misfit) {
		if m.StreamSeq != 7 {
			t.Errorf("the message is %d", m.StreamSeq)
		}
		told = append(told, m.Column.Name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{`{"a":null,"b":1}`, `{"a":300,"b":1}`, `{"a":301,"b":null}`, `{"a":1,"b":"x"}`, `{"a":1,"a":2}`} {
		if _, err := rowOf(t, plan, []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(told, " "); got != "a b" {
		t.Errorf("told of %q, want of a and b once each", got)
	}
	var counted strings.Builder
	for _, c := range plan.Counts().Misfits() {
		fmt.Fprintf(&counted, "%s %d of %d, first %s; ", c.Column, c.Misfits, c.Values, c.First.Example)
	}
	if got, want := counted.String(), `a 2 of 3, first 300; b 1 of 3, first "x"; `; got != want {
		t.Errorf("counted are %s, want %s", got, want)
	}
}

func TestMisfitSaysHowTheValueBeginsAndWhatToWriteInstead(t *testing.T) {
	for _, c := range []struct{ typ, value, kind, example, hint string }{
		{"timestamp", "1700000000", "number", "1700000000", "write timestamp(seconds) if it counts the seconds since 1970"},
		{"timestamp", "1700000000123", "number", "1700000000123", "write timestamp(millis) if it counts the millis since 1970"},
		{"timestamp", "1700000000123456", "number", "1700000000123456", "write timestamp(micros) if it counts the micros since 1970"},
		{"timestamp(seconds)", "1700000000123456789", "number", "1700000000123456789", "write timestamp(nanos) if it counts the nanos since 1970, or int64"},
		{"timestamp", `"yesterday"`, "text", `"yesterday"`, "write string"},
		{"timestamp\n  exact: true", `"2026-11-23T12:15:00.1234567Z"`, "text", `"2026-11-23T12:15:00.1234567Z"`, "it is finer than the unit: write nanos, or leave exact out to have it cut"},
		{"decimal(18,2)", "0.125", "number", "0.125", "write decimal(19,3)"},
		{"decimal(38,2)", "1e40", "number", "1e40", "write float64 if digits may be lost, or json, which keeps any number"},
		{"int64", "1.5", "number", "1.5", "write float64, or decimal(18,2) with as many digits behind the point as there are"},
		{"int8", "300", "number", "300", "write int64, uint64 or decimal(38,0)"},
		{"float64", "0.1234567890123456789", "number", "0.1234567890123456789", "it has more digits than the type: write float64 or decimal(38,10), or json, which keeps any number"},
		{"bool", `"` + strings.Repeat("é", 30) + `"`, "text", `"` + strings.Repeat("é", 19) + "…", "write string"},
		{"string", `{"a": 1}`, "object", `{"a": 1}`, "write json, which takes anything"},
		{"string", "[]", "list", "[]", "write json, which takes anything"},
		{"int64", "true", "bool", "true", "write json, which takes anything"},
	} {
		list, err := jsoncolumns.Parse("f", fmt.Appendf(nil, "- name: a\n  type: %s\n", c.typ))
		if err != nil {
			t.Fatal(err)
		}
		var got jsoncolumns.Misfit
		plan, err := jsoncolumns.New[payload](list, jsoncolumns.Options{OnMisfit: func(m jsoncolumns.Misfit) { got = m }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rowOf(t, plan, []byte(`{"a":`+c.value+`}`)); err != nil || got.Kind != c.kind || got.Example != c.example || got.Hint != c.hint {
			t.Errorf("%s in %s: %v, %+v", c.value, c.typ, err, got)
		}
	}
}

func TestPlanIsForSeveralGoroutines(t *testing.T) {
	plan, _ := planOf(t, nested)
	var running sync.WaitGroup
	for g := range 4 {
		running.Go(func() {
			c := columns.New(plan.Schema())
			for i := range 500 {
				text := payload(fmt.Sprintf(`{"id":%d,"a":{"any":"%d","z":%d}}`, i, g, g))
				if _, err := plan.Append(c, text); err != nil {
					t.Error(err)
				}
			}
			for i := range c.Len() {
				leaf := c.Leaf(i)
				_, data := leaf.Bytes()
				switch leaf.Node().Name() {
				case "any":
					if string(data) != strings.Repeat(fmt.Sprintf(`"%d"`, g), 500) {
						t.Errorf("goroutine %d has texts of others", g)
					}
				case "_rest":
					if string(data) != strings.Repeat(fmt.Sprintf(`{"a":{"z":%d}}`, g), 500) {
						t.Errorf("goroutine %d has the rest of others", g)
					}
				}
			}
		})
	}
	running.Wait()
}

func TestColumnsOfAnotherSchemaAreRefused(t *testing.T) {
	one, _ := planOf(t, "- {name: a, type: int8}")
	other, _ := planOf(t, "- {name: a, type: int16}")
	if _, err := one.Append(columns.New(other.Schema()), payload(`{}`)); err == nil {
		t.Error("a plan appends to the columns of another")
	}
	if _, err := jsoncolumns.New[payload](nil, jsoncolumns.Options{}); err == nil || errors.Is(err, columns.ErrFull) {
		t.Errorf("a plan without columns: %v", err)
	}
}
