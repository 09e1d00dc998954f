package columns_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

type detachRow struct {
	ID   int64
	Body []byte `lake:"required"`
	Note *string
	Tag  string
}

func TestDetachTakesTheFirstValuesOfALeaf(t *testing.T) {
	plan, err := columns.PlanOf[detachRow]()
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(plan.Schema())
	body := func(i int) string { return strings.Repeat("x", i%50) + fmt.Sprint(i) }
	var got []string
	take := func(offsets []uint32, data []byte) {
		for i := range len(offsets) - 1 {
			got = append(got, string(data[offsets[i]:offsets[i+1]]))
		}
	}
	appendRow := func(i int) {
		t.Helper()
		if _, err := plan.Append(c, detachRow{ID: int64(i), Body: []byte(body(i)), Tag: "t"}); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Append(c, detachRow{Body: []byte("rejected"), Tag: "\xff"}); err == nil {
			t.Fatal("text that is not UTF-8 was not rejected")
		}
	}
	for round := range 2 {
		got = got[:0]
		rows := 0
		for _, part := range []struct{ rows, cut int }{{100, 1}, {1, 100}, {500, 250}, {0, 250}, {7, 3}} {
			for range part.rows {
				appendRow(rows)
				rows++
			}
			held := c.Buffered()
			cut, err := c.Detach(1, part.cut)
			if err != nil {
				t.Fatal(err)
			}
			if cut.Len() != part.cut || cut.Held() == 0 || c.Buffered() > held {
				t.Errorf("%d taken values are %d in %d bytes, and the columns hold %d instead of %d bytes",
					part.cut, cut.Len(), cut.Held(), c.Buffered(), held)
			}
			take(cut.Bytes())
			cut.Release()
		}
		take(c.Leaf(1).Bytes())
		if c.Rows() != rows || c.Leaf(0).Len() != rows || len(got) != rows {
			t.Fatalf("round %d: %d rows with %d and %d values instead of %d", round, c.Rows(), c.Leaf(0).Len(), len(got), rows)
		}
		for i := range got {
			if got[i] != body(i) {
				t.Fatalf("round %d: value %d is %q instead of %q", round, i, got[i], body(i))
			}
		}
		c.Reset()
		if c.Leaf(1).Len() != 0 {
			t.Fatalf("after Reset there are %d values", c.Leaf(1).Len())
		}
	}
}

func TestDetachRefusesWhatHasNoValueForEachRow(t *testing.T) {
	plan, err := columns.PlanOf[detachRow]()
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(plan.Schema())
	if _, err := plan.Append(c, detachRow{Body: []byte("b")}); err != nil {
		t.Fatal(err)
	}
	for name, request := range map[string]struct{ leaf, count int }{
		"numbers":                  {0, 1},
		"values that may be null":  {2, 1},
		"more than there are":      {1, 2},
		"nothing":                  {1, 0},
		"less than nothing":        {1, -1},
		"a leaf that is not there": {9, 1},
		"the zero request":         {},
	} {
		if values, err := c.Detach(request.leaf, request.count); err == nil || values.Len() != 0 {
			t.Errorf("%s: took %d values with the error %v", name, values.Len(), err)
		}
	}
	if _, err := c.Detach(1, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Detach(1, 1); err == nil {
		t.Error("took a value twice")
	}
}

func TestRowsCanBeSetByColumnAfterDetach(t *testing.T) {
	s, err := schema.New(schema.Field{Name: "body", Type: schema.Type{Kind: schema.Bytes}})
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(s)
	row := func(r *columns.Row) error {
		if err := r.Text(0, "body"); err != nil {
			return err
		}
		if r.Text(0, "again") == nil {
			t.Error("a column can be set twice")
		}
		return nil
	}
	for i := range 5 {
		if i == 3 {
			if _, err := c.Detach(0, 2); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.AppendRow(row); err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
	}
	if c.Rows() != 5 || c.Leaf(0).Len() != 3 {
		t.Errorf("there are %d rows and %d values, want 5 and 3", c.Rows(), c.Leaf(0).Len())
	}
}
