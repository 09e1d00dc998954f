package columns_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"
	"weak"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

func TestNothingOfAValueIsKept(t *testing.T) {
	type row struct {
		Data []byte
		Raw  json.RawMessage
	}
	s := of[*row](t)
	plan, err := columns.Compile[*row](s)
	if err != nil {
		t.Fatal(err)
	}
	c, r := columns.New(s), &row{[]byte("before"), json.RawMessage(`"before"`)}
	if _, err := plan.Append(c, r); err != nil {
		t.Fatal(err)
	}
	copy(r.Data, "after!")
	copy(r.Raw, `"after!"`)
	if got, want := fmt.Sprint(rowtest.Assemble(c)), `[[before "before"]]`; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
}

func TestValuesCanBeCollectedAsSoonAsTheyWereAppended(t *testing.T) {
	type row struct {
		Data []byte
		Map  map[string][]byte
		Rare map[int8]*[]byte
		Bad  json.RawMessage
	}
	plan := compiled[row](t)
	c := columns.New(plan.Schema())
	add := func(bad string) (held []weak.Pointer[byte]) {
		r := row{make([]byte, 100), map[string][]byte{"k": make([]byte, 100)}, map[int8]*[]byte{1: new(make([]byte, 100))}, json.RawMessage(bad)}
		if _, err := plan.Append(c, r); (err == nil) != json.Valid(r.Bad) {
			t.Fatal(err)
		}
		if _, err := c.AppendRow(func(*columns.Row) error { return nil }); err == nil {
			t.Error("nested columns are made by hand")
		}
		return []weak.Pointer[byte]{weak.Make(&r.Data[0]), weak.Make(&r.Map["k"][0]), weak.Make(&(*r.Rare[1])[0])}
	}
	for _, bad := range []string{"1", "{"} {
		held := add(bad)
		runtime.GC()
		for i, p := range held {
			if p.Value() != nil {
				t.Errorf("after %s, something keeps field %d", bad, i)
			}
		}
	}
	runtime.KeepAlive(c)
	runtime.KeepAlive(plan)
}

func TestLargeMapsAreSortedAndLeaveNoRoomBehind(t *testing.T) {
	type row struct {
		Common map[string]int
		Rare   map[int32]string
	}
	r := row{map[string]int{}, map[int32]string{}}
	plan := compiled[*row](t)
	c := columns.New(plan.Schema())
	for i := range 3000 {
		r.Common[fmt.Sprintf("%06d", i)], r.Rare[int32(i-1500)] = i, fmt.Sprint(i)
		if i == 12 || i == 13 || i == 2999 {
			if _, err := plan.Append(c, &r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := plan.Append(c, &row{map[string]int{"b": 1, "a": 2}, map[int32]string{3: "3", -3: "-3"}}); err != nil {
		t.Fatal(err)
	}
	var want []any
	for _, n := range []int{13, 14, 3000} {
		var common, rare []any
		for i := range n {
			common, rare = append(common, fmt.Sprintf("%06d", i), i), append(rare, i-1500, i)
		}
		want = append(want, []any{common, rare})
	}
	want = append(want, []any{[]any{"a", 2, "b", 1}, []any{-3, -3, 3, 3}})
	if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), fmt.Sprint(want); got != want {
		t.Errorf("rows are\n%.500s\nwant\n%.500s", got, want)
	}
	if room := columns.MapRoom(c); room > 512 {
		t.Errorf("there is room for %d entries of maps", room)
	}
}

type grumpy struct{ N int }

func (g grumpy) IsZero() bool {
	if g.N == 1 {
		panic("one")
	}
	return g.N == 0
}

func TestPanicsOfMethodsWithoutErrorsRejectTheValue(t *testing.T) {
	type inner struct {
		G grumpy `parquet:",optional"`
		N int
	}
	type row struct {
		Rare   map[int8]inner
		Common map[string][]string
		Last   inner
	}
	good := row{map[int8]inner{1: {}, 2: {grumpy{2}, 2}}, map[string][]string{"a": {"b"}}, inner{}}
	for _, bad := range []row{
		{Rare: map[int8]inner{1: {}, 3: {grumpy{1}, 1}, 4: {}}},
		{Rare: good.Rare, Common: good.Common, Last: inner{grumpy{1}, 1}},
	} {
		if got := reject(t, good, bad); !strings.Contains(got, "panic while the row was appended: one") {
			t.Errorf("the error is %s", got)
		}
	}
}

func TestValuesOverAGibibyteAreRejected(t *testing.T) {
	const size = columns.MaxValue + 1
	huge := *(*[]byte)(unsafe.Pointer(&struct { // a slice that would fail if it were read
		first    *byte
		len, cap int
	}{new(byte), size, size}))
	_, err := rowtest.Appended(t, nil, pair[[]byte]{nil, huge})
	if err == nil || errors.Is(err, columns.ErrFull) || !strings.Contains(err.Error(), "column Second: 1073741825 bytes") {
		t.Errorf("the error is %v", err)
	}
}

func TestFullColumnsRejectNothing(t *testing.T) {
	type row struct{ Data []byte }
	s := of[row](t, schema.Nulls(schema.NilIsEmpty))
	plan, err := columns.Compile[row](s)
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(s)
	columns.FillLeaf(c, 0, 3, 1)
	if _, err := plan.Append(c, row{[]byte("four")}); !errors.Is(err, columns.ErrFull) {
		t.Errorf("the error is %v, want ErrFull", err)
	}
	if c.Rows() != 1 || c.Leaf(0).Len() != 1 {
		t.Errorf("there are %d rows, %d values", c.Rows(), c.Leaf(0).Len())
	}
	columns.FillLeaf(c, 0, 3, 0) // as if the row itself had filled it, which it would do again
	if _, err := plan.Append(c, row{[]byte("four")}); err == nil || errors.Is(err, columns.ErrFull) {
		t.Errorf("the error is %v, want one that is not ErrFull", err)
	}
}

func TestAPlanServesManyColumnsAtOnce(t *testing.T) {
	plan, err := columns.Compile[*order](of[*order](t))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]string, 8)
	var done sync.WaitGroup
	for i := range rows {
		done.Go(func() {
			c := columns.New(plan.Schema())
			for range 200 {
				if _, err := plan.Append(c, newOrder()); err != nil {
					t.Error(err)
				}
				if c.Rows() == 50 {
					c.Release()
				}
			}
			rows[i] = fmt.Sprint(rowtest.Assemble(c))
		})
	}
	done.Wait()
	for _, r := range rows {
		if r != rows[0] {
			t.Error("the rows differ")
		}
	}
}

func TestPlansAreOfTheirSchemaOnly(t *testing.T) {
	s := of[Left](t)
	if _, err := columns.Compile[Right](s); err == nil {
		t.Error("a plan of another type compiles")
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back schema.Schema
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if _, err := columns.Compile[Left](&back); err == nil {
		t.Error("a plan of no type compiles")
	}
	plan, err := columns.Compile[*Left](s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Append(columns.New(of[Left](t)), &Left{}); err == nil {
		t.Error("columns of another schema take a row")
	}
}
