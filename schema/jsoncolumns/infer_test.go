package jsoncolumns_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// inferred returns columns as name:type, and the notes.
func inferred(payloads ...string) (list, notes string) {
	in := jsoncolumns.NewInferrer()
	for _, p := range payloads {
		in.Add([]byte(p))
	}
	found := in.Infer("date", "tenant_id")
	var b strings.Builder
	for i, c := range found.Columns {
		if i > 0 {
			b.WriteByte(' ')
		}
		typ := strings.ReplaceAll(c.Type.String(), " ", "")
		fmt.Fprintf(&b, "%s:%s", c.Name, strings.TrimSuffix(typ, "(micros)"))
	}
	return b.String(), strings.Join(found.Notes, "\n")
}

func TestInferredTypesFitAllEvidence(t *testing.T) {
	for values, want := range map[string]string{
		`true|false`: "bool", `true|null`: "bool", `null|1`: "int64", `null`: "", `true|1`: "json", `true|"true"`: "json",
		`1|-2`: "int64", `9223372036854775807|-9223372036854775808`: "int64", `1|9223372036854775808`: "uint64", `-1|9223372036854775808`: "json",
		`18446744073709551616`: "json", `-1|1e300`: "float64", `1|1.5`: "float64", `1.0`: "float64", `1e3`: "float64", `-0`: "float64",
		`9007199254740993|0.5`: "json", `0.1234567890123456789`: "json", `1e400`: "json", `12345678901234567890|1`: "uint64",
		`""`: "string", `"a"|null`: "string", `"1"`: "string", `"a"|1`: "json",
		`"2026-11-23T12:15:00Z"|"2026-11-23T12:15:00.123456+01:00"`: "timestamp",
		`"2026-11-23T12:15:00Z"|"2026-11-23T12:15:00.123456789Z"`:   "timestamp(nanos)",
		`"0001-01-01T00:00:00Z"|"2026-11-23T12:15:00.123456789Z"`:   "string",
		`"2026-11-23T12:15:00.1234567890123Z"`:                      "string",
		`"2026-11-23T12:15:00Z"|"2026-11-23"`:                       "string",
		`"2026-11-23T12:15:00Z"|""`:                                 "string",
		`"2026-11-23"|"2024-02-29"`:                                 "date",
		`"2026-11-23"|"2025-02-29"`:                                 "string",
		`"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`:                    "uuid",
		`"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"|"f81d4fae"`:         "string",
		`"12:15:00"`: "string",
		`[]`:         "json",
		`[1]|null`:   "json",
		`{}`:         "json",
		`{}|1`:       "json",
		`{"b":1}|1`:  "json",
		`{"b":1}|[]`: "json",
		`"2026-11-23T12:15:00Z"|"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"|1|{}|[]`: "json",
	} {
		var payloads []string
		for v := range strings.SplitSeq(values, "|") {
			payloads = append(payloads, `{"a":`+v+`}`)
		}
		if want != "" {
			want = "a:" + want
		}
		if got, _ := inferred(payloads...); got != want {
			t.Errorf("%s is %q, want %q", values, got, want)
		}
	}
}

func TestInferredNamesAreJoinedPathsThatReadersTellApart(t *testing.T) {
	for _, c := range []struct{ payload, list, notes string }{
		{`{"a":{"b":{"c":1},"d":true},"e":null,"f":[{"g":1}]}`, "a_b_c:int64 a_d:bool f:json", "e: it was always null"},
		{`{"a":{},"b":{"c":{}}}`, "a:json b_c:json", ""},
		{`{"ID":1,"id":2,"Id":{"x":3}}`, "ID:int64 Id_x:int64", `id: as a name it would be "id", as another is but for upper and lower case perhaps`},
		{`{"a_b":1,"a":{"b":2},"a.b":3}`, "a_b:int64", `a.b: as a name it would be "a_b", as another is but for upper and lower case perhaps
["a.b"]: as a name it would be "a_b", as another is but for upper and lower case perhaps`},
		{`{"x.y":1,"ä ö":2}`, "x_y:int64 ä ö:int64", ""},
		{
			`{"subject":1,"_rest":2,"Date":"x","tenant_id":3,"payload_subject":4}`, "payload_subject:int64 payload__rest:int64 payload_Date:string payload_tenant_id:int64",
			`payload_subject: as a name it would be "payload_subject", as another is but for upper and lower case perhaps`,
		},
		{`{"":1," a":2,"b\u0000":3,"c\u2028d":4,"e":{"":5},"` + strings.Repeat("f", 256) + `":6}`, "", `[""]: as a name it is empty, or begins or ends with a space
 a: as a name it is empty, or begins or ends with a space
["b\x00"]: as a name it has characters that cannot be seen
["c\u2028d"]: as a name it has characters that cannot be seen
["e", ""]: as a name it is empty, or begins or ends with a space
` + strings.Repeat("f", 200) + `: as a name it has 256 bytes`},
		{`{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":{"i":1}}}}}}}}}`, "a_b_c_d_e_f_g_h:json", ""},
		{`[{"a":1}]`, "", ""},
		{`{"a":1,"a":"x"}`, "a:json", ""},
		{`{"a":1`, "", ""},
		{`{"a":"\ud800"}`, "", ""},
		{``, "", ""},
	} {
		list, notes := inferred(c.payload)
		if list != c.list || notes != c.notes {
			t.Errorf("%s is\n%q and\n%s\nwant\n%q and\n%s", c.payload, list, notes, c.list, c.notes)
		}
	}
}

func TestInferredColumnsHaveALimit(t *testing.T) {
	in := jsoncolumns.NewInferrer()
	for i := range 3 {
		var b strings.Builder
		for j := range 10_000 {
			fmt.Fprintf(&b, `,"k%d":1`, i*10_000+j)
		}
		in.Add([]byte("{" + b.String()[1:] + "}"))
	}
	found := in.Infer()
	if len(found.Columns) != 1_000 || found.Payloads != 3 || strings.Join(found.Notes, "|") !=
		"19000 paths more: 1000 columns are the most|paths that were first met after 20000 others" {
		t.Errorf("%d columns of %d payloads, %q", len(found.Columns), found.Payloads, found.Notes)
	}
	if _, err := jsoncolumns.Parse("f", jsoncolumns.Text(found.Columns, found.Notes...)); err != nil {
		t.Error(err)
	}
}

func TestObjectsWhoseNamesAreDataAreInferredAsJSON(t *testing.T) {
	id := func(i int) string { return fmt.Sprintf("%08x", uint32(i)*2654435761) }
	for _, c := range []struct {
		name        string
		payload     func(i int) string
		n           int
		list, notes string
	}{
		{"ids", func(i int) string {
			return fmt.Sprintf(`{"id":%d,"attrs":{%q:1,%q:{"a":2}},"sum":0.5}`, i, id(2*i), id(2*i+1))
		}, 300, "id:int64 attrs:json sum:float64", ""},
		{"ids beside a name", func(i int) string { return fmt.Sprintf(`{"attrs":{"v":1,%q:1}}`, id(i)) }, 100, "attrs:json", ""},
		{"more ids than are watched", func(i int) string {
			var b strings.Builder
			for j := range 100 {
				fmt.Fprintf(&b, `,%q:{"n":1}`, id(100*i+j))
			}
			return `{"in":{"attrs":{` + b.String()[1:] + `}},"last":1}`
		}, 500, "in_attrs:json last:int64", ""},
		{"few messages of ids", func(i int) string { return fmt.Sprintf(`{"a":{%q:1}}`, id(i)) }, 20, "a:json", ""},
		{
			"payloads of ids", func(i int) string { return fmt.Sprintf(`{"at":1,%q:true}`, id(i)) }, 100, "at:int64",
			"100 members of payloads whose names seem to be data, each in few of them",
		},
		{"kinds of events", func(i int) string {
			return fmt.Sprintf(`{"data":{"a%d":1,"b%[1]d":2}}`, i%8)
		}, 80, "data_a0:int64 data_b0:int64 data_a1:int64 data_b1:int64 data_a2:int64 data_b2:int64 data_a3:int64 data_b3:int64 " +
			"data_a4:int64 data_b4:int64 data_a5:int64 data_b5:int64 data_a6:int64 data_b6:int64 data_a7:int64 data_b7:int64", ""},
	} {
		var payloads []string
		for i := range c.n {
			payloads = append(payloads, c.payload(i))
		}
		if list, notes := inferred(payloads...); list != c.list || notes != c.notes {
			t.Errorf("%s: inferred are\n%.500s and\n%s\nwant\n%s and\n%s", c.name, list, notes, c.list, c.notes)
		}
	}
}
