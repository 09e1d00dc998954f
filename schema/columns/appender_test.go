package columns_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

// line is a row with all ways that levels begin a row: none, nulls, lists, and lists that begin later than the others.
type line struct {
	ID   int64
	Note *string
	Tags []string
	Text string
	By   map[string][]int
}

func newLine(id int64, text string) line {
	l := line{ID: id, Text: text}
	if id%2 == 0 {
		l.Note, l.Tags, l.By = ptr(text), []string{"a", "b"}, map[string][]int{"x": {1, 2}, "y": nil}
	}
	return l
}

func compiled[T any](t testing.TB, opts ...schema.Option) *columns.Plan[T] {
	t.Helper()
	plan, err := columns.Compile[T](of[T](t, opts...))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// ranged is a payload that becomes the lines from its first number to before its last.
type ranged struct {
	first, last int64
	bad         int64 // this one is rejected, unless it is 0
}

func (r ranged) lines() []line {
	var lines []line
	for id := r.first; id < r.last; id++ {
		text := fmt.Sprint("text ", id)
		if id == r.bad && r.bad != 0 {
			text = "\xff"
		}
		lines = append(lines, newLine(id, text))
	}
	return lines
}

func TestAPayloadBecomesSeveralRows(t *testing.T) {
	plan := compiled[line](t)
	several := columns.Rows(plan, ranged.lines)
	if several.Schema() != plan.Schema() {
		t.Error("the schema is not that of the rows")
	}
	c := columns.New(several.Schema())
	for i, want := range []int{3, 0, 1} {
		first := int64(i * 10)
		if rows, err := several.Append(c, ranged{first: first, last: first + int64(want)}); rows != want || err != nil {
			t.Errorf("%d rows with the error %v, want %d", rows, err, want)
		}
	}
	want, err := rowtest.Appended(t, nil, newLine(0, "text 0"), newLine(1, "text 1"), newLine(2, "text 2"), newLine(20, "text 20"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), fmt.Sprint(rowtest.AssembleAll(t, want)); got != want || c.Rows() != 4 {
		t.Errorf("%d rows are\n%s\nwant\n%s", c.Rows(), got, want)
	}
}

func TestARejectedRowTakesItsWholePayloadWithIt(t *testing.T) {
	several := columns.Rows(compiled[line](t), ranged.lines)
	nested := columns.Rows(several, func(n int64) []ranged {
		return []ranged{{first: n, last: n + 3}, {first: n + 3, last: n + 3}, {first: n + 3, last: n + 6, bad: n + 5}}
	})
	for name, reject := range map[string]func(*columns.Columns) (int, error){
		"first row":        func(c *columns.Columns) (int, error) { return several.Append(c, ranged{10, 15, 10}) },
		"row in the midst": func(c *columns.Columns) (int, error) { return several.Append(c, ranged{10, 15, 12}) },
		"last row":         func(c *columns.Columns) (int, error) { return several.Append(c, ranged{10, 15, 14}) },
		"rows of rows":     func(c *columns.Columns) (int, error) { return nested.Append(c, 10) },
		"panic": func(c *columns.Columns) (int, error) {
			return columns.Rows(several, func(ranged) []ranged { panic("\xff over it") }).Append(c, ranged{})
		},
	} {
		for before := range int64(4) {
			c := columns.New(several.Schema())
			for _, payload := range []ranged{{1, 1 + before, 0}, {}, {20, 22, 0}} {
				if payload != (ranged{}) {
					if _, err := several.Append(c, payload); err != nil {
						t.Fatal(err)
					}
				} else if rows, err := reject(c); rows != 0 || err == nil || !strings.Contains(err.Error(), "\xff") &&
					!strings.Contains(err.Error(), `\xff`) {
					t.Errorf("%s: %d rows with the error %v", name, rows, err)
				}
			}
			want := columns.New(several.Schema())
			if _, err := columns.Rows(several, func(int) []ranged { return []ranged{{1, 1 + before, 0}, {20, 22, 0}} }).Append(want, 0); err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), fmt.Sprint(rowtest.AssembleAll(t, want)); got != want {
				t.Errorf("%s after %d rows: the rows are\n%s\nwant\n%s", name, before, got, want)
			}
		}
	}
}

// A filler finds no room for line 3.
type filler struct{ columns.Appender[line] }

func (f filler) Append(c *columns.Columns, row line) (int, error) {
	if row.ID == 3 {
		return 0, fmt.Errorf("column Text: %w", columns.ErrFull)
	}
	return f.Appender.Append(c, row)
}

func TestRowsThatFillTheColumnsAreAllTakenBack(t *testing.T) {
	several := columns.Rows(filler{compiled[line](t)}, ranged.lines)
	c := columns.New(several.Schema())
	if _, err := several.Append(c, ranged{first: 8, last: 10}); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(rowtest.AssembleAll(t, c))
	if rows, err := several.Append(c, ranged{first: 1, last: 5}); rows != 0 || !errors.Is(err, columns.ErrFull) {
		t.Errorf("%d rows with the error %v, want ErrFull", rows, err)
	}
	if got := fmt.Sprint(rowtest.AssembleAll(t, c)); got != before {
		t.Errorf("the rows are\n%s\nwant\n%s", got, before)
	}
}

func TestAPayloadThatEmptyColumnsCannotHoldIsRejected(t *testing.T) {
	several := columns.Rows(filler{compiled[line](t)}, ranged.lines)
	c := columns.New(several.Schema())
	rows, err := several.Append(c, ranged{first: 1, last: 5})
	if err == nil || errors.Is(err, columns.ErrFull) || !strings.Contains(err.Error(), "row 2 of the payload") || rows != 0 {
		t.Errorf("%d rows with the error %v, want one that is not ErrFull", rows, err)
	}
	if len(rowtest.AssembleAll(t, c)) != 0 {
		t.Errorf("%d rows are left", c.Rows())
	}
}

func TestRowsOfNothingAreAnError(t *testing.T) {
	if _, err := columns.Rows[int, line](nil, nil).Append(nil, 1); err == nil {
		t.Error("rows without an appender are appended")
	}
	if columns.Rows[int, line](nil, nil).Schema() != nil {
		t.Error("rows without an appender have a schema")
	}
}

func TestTypesOfRunTimeHavePlans(t *testing.T) {
	s, err := schema.OfType(reflect.TypeFor[*line]())
	if err != nil {
		t.Fatal(err)
	}
	if s.Fingerprint() != of[line](t).Fingerprint() {
		t.Error("the schema is not that of the type")
	}
	plan, err := columns.Compile[any](s)
	if err != nil {
		t.Fatal(err)
	}
	made := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeFor[[]string]()}})
	ofMade, err := schema.OfType(made)
	if err != nil {
		t.Fatal(err)
	}
	planOfMade, err := columns.Compile[any](ofMade)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.New(made)
	v.Elem().Field(0).Set(reflect.ValueOf([]string{"x"}))
	c := columns.New(ofMade)
	if rows, err := planOfMade.Append(c, v.Interface()); rows != 1 || err != nil || fmt.Sprint(rowtest.AssembleAll(t, c)) != "[[[x]]]" {
		t.Errorf("%d rows %v, error %v", rows, rowtest.Assemble(c), err)
	}

	c = columns.New(s)
	for value, want := range map[any][]string{
		&line{ID: 1, Text: "t"}: nil,
		(*line)(nil):            {"nil", "*columns_test.line"},
		nil:                     {"nil", "*columns_test.line"},
		&Left{}:                 {"*columns_test.Left", "*columns_test.line"},
		Left{}:                  {"columns_test.Left", "*columns_test.line"},
		7:                       {"int", "*columns_test.line"},
		ptr(&line{}):            {"**columns_test.line", "a *columns_test.line"},
	} {
		rows, err := plan.Append(c, value)
		if want == nil && (rows != 1 || err != nil) {
			t.Errorf("%T: %d rows with the error %v", value, rows, err)
		}
		for _, want := range want {
			if err == nil || rows != 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("%T: %d rows, the error lacks %q: %v", value, rows, want, err)
			}
		}
	}
	if got := fmt.Sprint(rowtest.AssembleAll(t, c)); got != "[[1 <nil> <nil> t <nil>]]" {
		t.Errorf("rows are %s", got)
	}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := plan.Append(c, newAny); err != nil {
			t.Error(err)
		}
		c.Reset()
	}); n > 0 {
		t.Errorf("a row in an any takes %.0f allocations", n)
	}
}

var newAny any = &line{ID: 2, Text: "t"}

func TestPlansOfInterfacesNeedTypesThatHaveThem(t *testing.T) {
	s := of[line](t)
	if _, err := columns.Compile[fmt.Stringer](s); err == nil || !strings.Contains(err.Error(), "fmt.Stringer") {
		t.Errorf("the error is %v", err)
	}
	if _, err := columns.Compile[any](nil); err == nil {
		t.Error("a plan of no schema compiles")
	}
	if _, err := schema.OfType(nil); err == nil {
		t.Error("nil has a schema")
	}
	if _, err := schema.OfType(reflect.TypeFor[any]()); err == nil {
		t.Error("any has a schema")
	}
}
