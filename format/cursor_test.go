package format

import (
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

func TestALargePayloadLeavesNothingInSharedBuffers(t *testing.T) {
	type row struct{ Text []string }
	s, err := schema.Of[row]()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := columns.Compile[row](s)
	if err != nil {
		t.Fatal(err)
	}
	line, err := cellsOf(s).csv()
	if err != nil {
		t.Fatal(err)
	}
	r := newRows(columns.New(s))
	for _, size := range []int{100, 2 * maxPooled} {
		if _, err := plan.Append(r.columns, row{[]string{strings.Repeat("x", size)}}); err != nil {
			t.Fatal(err)
		}
		r.begin()
		r.text = line(r, r.text)
		r.reset()
		kept := size < maxPooled
		if len(r.text) > 0 || (cap(r.text) > 0) != kept || (cap(r.json) > 0) != kept || (r.columns.Buffered() > columns.New(s).Buffered()) != kept {
			t.Errorf("after %d bytes, %d and %d and %d are kept", size, cap(r.text), cap(r.json), r.columns.Buffered())
		}
	}
}
