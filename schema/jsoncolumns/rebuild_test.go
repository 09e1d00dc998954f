package jsoncolumns_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// allTypes has a column of every type, at the top and inside of objects.
var allTypes = func() string {
	types := []string{
		"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string", "bytes",
		"fixed(2)", "json", "uuid", "timestamp", "timestamp(millis)", "timestamp(nanos)", "timestamp(micros, local)", "date", "time",
		"duration", "decimal(18,2)", "decimal(38,10)", "timestamp(seconds)",
	}
	var b strings.Builder
	for i, typ := range types {
		fmt.Fprintf(&b, "- {name: top%d, path: %c, type: %q}\n- {name: in%[1]d, path: [o, %[2]c], type: %[3]q}\n", i, 'a'+i%14, typ)
		if i == 13 {
			break
		}
	}
	for i, typ := range types[14:] {
		fmt.Fprintf(&b, "- {name: deep%d, path: [o, p, %c], type: %q}\n", i, 'a'+i, typ)
	}
	return b.String()
}()

// An object is one of JSON, with all of its members in their order.
type object []member

type member struct {
	name  string
	value any // object, []any, json.Number, string, bool, nil
}

// parse reads what is JSON by encoding/json, member by member.
func parse(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("%s: there is more behind it", text)
	}
	return v
}

func parseValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, member{name.(string), value})
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

// put adds a value at a path, in objects that are there or are made.
func put(o object, path []string, value any) object {
	if len(path) == 1 {
		return append(o, member{path[0], value})
	}
	for i := range o {
		if inner, ok := o[i].value.(object); ok && o[i].name == path[0] {
			o[i].value = put(inner, path[1:], value)
			return o
		}
	}
	return append(o, member{path[0], put(nil, path[1:], value)})
}

// same reports whether two values are the same but for the order of members of different names.
func same(a, b any) bool {
	switch a := a.(type) {
	case object:
		b, ok := b.(object)
		return ok && slices.EqualFunc(sorted(a), sorted(b), func(a, b member) bool { return a.name == b.name && same(a.value, b.value) })
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(string(a), string(b))
	case string:
		b, ok := b.(string)
		return ok && sameText(a, b)
	}
	return a == b
}

func sorted(o object) object {
	o = slices.Clone(o)
	slices.SortStableFunc(o, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return o
}

// sameNumber compares numbers by value, those of large exponents by their text, as the columns never have them.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if !moderate.MatchString(a) || !moderate.MatchString(b) {
		return zero.MatchString(a) && zero.MatchString(b) && a[0] == '-' == (b[0] == '-')
	}
	x, ok := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	return ok && ok2 && x.Cmp(y) == 0 && (x.Sign() != 0 || strings.HasPrefix(a, "-") == strings.HasPrefix(b, "-"))
}

var (
	moderate = regexp.MustCompile(`^[^eE]*([eE][+-]?0*[0-9]{1,4})?$`)
	zero     = regexp.MustCompile(`^-?0(\.0*)?([eE].*)?$`)
	escape   = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)
)

// sameText compares instants and UUIDs by value.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	if len(a) == 36 && len(b) == 36 && strings.EqualFold(a, b) {
		return true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "15:04:05"} {
		x, err := time.Parse(layout, a)
		y, err2 := time.Parse(layout, b)
		if err == nil && err2 == nil && x.Equal(y) {
			return true
		}
	}
	return false
}

// checkRebuilt fails unless the columns of a payload and its rest make it again, or it is rejected and no JSON.
func checkRebuilt(t testing.TB, plan *jsoncolumns.Plan[payload], list []jsoncolumns.Column, text []byte) (row map[string]string) {
	t.Helper()
	row, err := rowOf(t, plan, text)
	if valid := utf8.Valid(text) && json.Valid(text) && !halfSurrogate(text); (err == nil) != valid {
		t.Fatalf("%q: %v; is it JSON of Unicode text: %t", text, err, valid)
	}
	if err != nil {
		return nil
	}
	rest, hasRest := row["_rest"]
	if hasRest && !json.Valid([]byte(rest)) {
		t.Fatalf("%s: the rest is no JSON: %s", text, rest)
	}
	var whole any = object{}
	if hasRest {
		whole = parse(t, rest)
	}
	original := parse(t, string(text))
	for _, c := range list {
		if value, ok := row[c.Name]; ok {
			o, isObject := whole.(object)
			if !isObject {
				t.Fatalf("%s: column %s has %s, and the rest is %s", text, c.Name, value, rest)
			}
			was := at(original, c.Path)
			if !says(&c, parse(t, value), was) {
				t.Fatalf("%s: column %s has %s, and the payload %v", text, c.Name, value, was)
			}
			whole = put(o, c.Path, was)
		}
	}
	if !same(original, whole) {
		t.Fatalf("%s\nbecomes columns %v", text, row)
	}
	return row
}

// at returns the value at a path, none of whose names comes twice.
func at(value any, path []string) any {
	for _, name := range path {
		o, _ := value.(object)
		i := slices.IndexFunc(o, func(m member) bool { return m.name == name })
		if i < 0 {
			return nil
		}
		value = o[i].value
	}
	return value
}

// says reports whether a column has a value of the payload: the same, a number for its text, or a time of which what is
// finer than the column is cut off.
func says(c *jsoncolumns.Column, has, was any) bool {
	if same(has, was) {
		return true
	}
	number, isNumber := has.(json.Number)
	text, isText := was.(string)
	if isNumber && isText {
		return sameNumber(string(number), text)
	}
	clock, isTime := has.(string)
	if !isTime || c.Exact {
		return false
	}
	unit := map[schema.Unit]time.Duration{schema.Millis: time.Millisecond, schema.Micros: time.Microsecond, schema.Nanos: time.Nanosecond}[c.Type.Unit]
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "15:04:05"} {
		got, err := time.Parse(layout, clock)
		if err != nil {
			continue
		}
		want, err := time.Parse(layout, text)
		if number, ok := was.(json.Number); ok {
			n, _ := new(big.Rat).SetString(string(number))
			n.Mul(n, big.NewRat(map[jsoncolumns.Epoch]int64{jsoncolumns.EpochSeconds: 1e9, jsoncolumns.EpochMillis: 1e6, jsoncolumns.EpochMicros: 1e3, jsoncolumns.EpochNanos: 1}[c.Epoch], 1))
			nanos := new(big.Int).Div(n.Num(), n.Denom())
			seconds, behind := new(big.Int).DivMod(nanos, big.NewInt(1e9), new(big.Int))
			want, err = time.Unix(seconds.Int64(), behind.Int64()), nil
		}
		if finer := want.Sub(got); err == nil && finer >= 0 && finer < unit {
			return true
		}
	}
	return false
}

// halfSurrogate reports whether valid JSON has an escape that is no text, which encoding/json replaces by U+FFFD.
func halfSurrogate(text []byte) bool {
	high := -1 // where a high half ended
	for _, at := range escape.FindAllIndex(text, -1) {
		var r rune
		if n, _ := fmt.Sscanf(strings.ToLower(string(text[at[0]:at[1]])), `\u%04x`, &r); n != 1 || at[1]-at[0] != 6 {
			r = 0
		}
		switch {
		case high >= 0 && (at[0] != high || r < 0xDC00 || r > 0xDFFF):
			return true
		case high >= 0:
			high = -1
		case r >= 0xD800 && r < 0xDC00:
			high = at[1]
		case r >= 0xDC00 && r <= 0xDFFF:
			return true
		}
	}
	return high >= 0
}

// A maker makes random JSON of what columns like and dislike.
type maker struct{ *rand.Rand }

func (m maker) of(values ...string) string { return values[m.IntN(len(values))] }

func (m maker) value(depth int) string {
	switch n := m.IntN(12); {
	case n < 2 && depth < 4:
		return m.object(depth + 1)
	case n == 2 && depth < 4:
		return "[" + m.value(depth+1) + ", " + m.value(depth+1) + "]"
	case n < 6:
		return m.number()
	case n < 9:
		return m.of(`"2026-11-23T12:15:00Z"`, `"2026-11-23T12:15:00.123456789+02:00"`, `"2026-11-23T12:15:00.5"`, `"2026-11-23"`, `"12:15:00.25"`,
			`"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"`, `"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"`, `"YWI="`, `""`, `"1"`, `"a\u00e9\ud83d\ude00\n"`, `"\u0000"`, `"\\"`)
	}
	return m.of("true", "false", "null", "{}", "[]", "{ }", "[ ]", `"x"`)
}

func (m maker) number() string {
	digits := func(most int) string { return fmt.Sprintf("%020d", m.Uint64())[20-1-m.IntN(most):] }
	n := m.of("", "-") + m.of("0", digits(3), digits(10), digits(18), "9223372036854775807", "9223372036854775808", "18446744073709551615")
	for len(n) > 1 && strings.TrimPrefix(n, "-")[0] == '0' && strings.TrimPrefix(n, "-") != "0" {
		n = strings.Replace(n, "0", "", 1)
	}
	if m.IntN(3) == 0 {
		n += "." + m.of("0", "5", "25", digits(18), "000")
	}
	if m.IntN(4) == 0 {
		n += m.of("e", "E") + m.of("", "+", "-") + m.of("0", "1", "2", "17", "308", "400")
	}
	return n
}

func (m maker) object(depth int) string {
	var b strings.Builder
	b.WriteString("{")
	met := map[string]bool{}
	for i := range m.IntN(10) {
		name := `"` + string(rune('a'+m.IntN(15))) + `"`
		inner := name == `"o"` || m.IntN(4) == 0
		switch {
		case inner && depth == 0:
			name = `"o"`
		case inner && depth == 1:
			name = `"p"`
		case m.IntN(12) == 0:
			name, inner = m.of(`""`, `"A"`, `"\u0061"`, `"a.b"`, `"\\"`, `"é"`), false
		}
		if met[name] && m.IntN(20) > 0 {
			continue
		}
		met[name] = true
		if i > 0 && b.Len() > 1 {
			b.WriteString(m.of(",", " , "))
		}
		b.WriteString(name + m.of(":", " : "))
		if inner && depth < 2 && m.IntN(8) > 0 {
			b.WriteString(m.object(depth + 1))
		} else {
			b.WriteString(m.value(depth))
		}
	}
	return b.String() + "}"
}

func TestColumnsAndRestMakeThePayloadAgain(t *testing.T) {
	plan, list := planOf(t, allTypes)
	m := maker{rand.New(rand.NewPCG(1, 2))}
	filled := map[string]int{}
	const n = 8_000
	for range n {
		text := []byte(m.object(0))
		if m.IntN(50) == 0 { // a byte of it is another
			text[m.IntN(len(text))] = byte(m.IntN(256))
		}
		for name := range checkRebuilt(t, plan, list, text) {
			filled[name]++
		}
	}
	for _, c := range list { // otherwise nothing was tested
		if filled[c.Name] < 5 {
			t.Errorf("column %s of %s had a value in %d of %d messages", c.Name, c.Type, filled[c.Name], n)
		}
	}
}

func FuzzColumnsAndRestMakeThePayloadAgain(f *testing.F) {
	plan, list := planOf(f, allTypes)
	m := maker{rand.New(rand.NewPCG(3, 4))}
	for range 200 {
		f.Add([]byte(m.object(0)))
	}
	for _, text := range []string{
		"", " ", "[]", "null", `"\ud800"`, `{"l":"\ud83d\ude00"}`, `{"a":true,"a":false}`, `{"o":{"p":{"a":1},"p":2}}`, "\xef\xbb\xbf{}", `{"k":1e400}`,
		`{"o":{"o":{}}}`, `{"a":tru}`, `{"a":"\u12"}`, `{"a":-}`, `{"k":1.}`, `{"e":1e}`, "{\"a\":\"\x00\"}", `{"o":{"p":{"k":1e9999999999}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checkRebuilt(t, plan, list, text)

		// What is inferred of a payload suits it: nothing that has a column is in the rest, but for nulls and names that come twice.
		in := jsoncolumns.NewInferrer()
		in.Add(text)
		inferred := in.Infer("date")
		if len(inferred.Columns) == 0 {
			return
		}
		own, err := jsoncolumns.New[payload](inferred.Columns, jsoncolumns.Options{OnMisfit: func(m jsoncolumns.Misfit) { t.Errorf("%s: %s of %s does not fit", text, m.Column.Name, m.Column.Type) }})
		if err != nil {
			t.Fatal(err)
		}
		checkRebuilt(t, own, inferred.Columns, text)
		file := jsoncolumns.Text(inferred.Columns, inferred.Notes...)
		list, err := jsoncolumns.Parse("f", file, "date")
		if err != nil || !slices.EqualFunc(list, inferred.Columns, sameColumn) {
			t.Fatalf("%s\nis inferred as\n%s\nand read as %v, %v", text, file, list, err)
		}
		if !bytes.Equal(jsoncolumns.Text(list, inferred.Notes...), file) {
			t.Fatalf("%s is not written as it was read", file)
		}
	})
}

func sameColumn(a, b jsoncolumns.Column) bool {
	return a.Name == b.Name && slices.Equal(a.Path, b.Path) && a.Type == b.Type && a.Epoch == b.Epoch && a.Exact == b.Exact && a.Nullable == b.Nullable && a.Hints == schema.Hints{}
}
