package jsoncolumns_test

import (
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/jetcapture/lake/schema/columns"
)

// TestPayloadIsTakenWhereEncodingJSONTakesIt changes one byte after the other of some documents to any other, puts it before,
// and leaves it out.
func TestPayloadIsTakenWhereEncodingJSONTakesIt(t *testing.T) {
	plan, _ := planOf(t, nested)
	c := columns.New(plan.Schema())
	taken := map[bool]int{}
	check := func(text []byte) {
		c.Reset()
		_, err := plan.Append(c, text)
		want := utf8.Valid(text) && json.Valid(text) && !halfSurrogate(text)
		if taken[want]++; (err == nil) != want {
			t.Errorf("%q: %v; is it JSON of Unicode text: %t", text, err, want)
		}
	}
	for _, document := range []string{
		`{"id":"0123456789abcdef","a":{"x":"\"\\\/\b\f\n\r\t\u00e9","b":{"y":"ABC\ud83d\ude00é"}}}`,
		` { "id" : [ -0.12e+34 , 10 , 0 , true , false , null , { } , [ ] ] , "z" : { "" : 1E-2 } } `,
		`"\ud800\udc00\udc00"`,
		`["\ud83d", "\ude00", "\ud83d\ud83d\ude00", "\ud83d\ue000", "\ud83dx"]`,
		`"\ude00"`, `"\ud83d\ue000"`, `"\ud83d\udbff"`, `"\ud83d"`, `"\\ud83d"`, `"\udfff"`, `"\udbff\udfff"`,
		`[1] `, `-1.5`, `null`, `{}`, `[1]]`, `1 2`, `{} {}`,
	} {
		text := []byte(document)
		check(text)
		for i := range text {
			check(text[:i])
			check(slices.Delete(slices.Clone(text), i, i+1))
			for b := range 256 {
				check(slices.Insert(slices.Clone(text), i, byte(b)))
				changed := slices.Clone(text)
				changed[i] = byte(b)
				check(changed)
			}
		}
	}
	if taken[true] < 1_000 || taken[false] < 1_000 {
		t.Errorf("%v were to be taken", taken)
	}
}
