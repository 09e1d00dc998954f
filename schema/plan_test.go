package schema_test

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
)

func TestNothingOfAValueIsKept(t *testing.T) {
	type row struct {
		Data []byte
		Raw  json.RawMessage
	}
	s := of[*row](t)
	plan, err := schema.Compile[*row](s)
	if err != nil {
		t.Fatal(err)
	}
	c, r := s.NewColumns(), &row{[]byte("before"), json.RawMessage(`"before"`)}
	if _, err := plan.Append(c, r); err != nil {
		t.Fatal(err)
	}
	copy(r.Data, "after!")
	copy(r.Raw, `"after!"`)
	if got, want := fmt.Sprint(assemble(c)), `[[before "before"]]`; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
}

func TestValuesCanBeCollectedAsSoonAsTheyWereAppended(t *testing.T) {
	type row struct {
		Data []byte
		Map  map[string][]byte
	}
	s := of[row](t)
	plan, err := schema.Compile[row](s)
	if err != nil {
		t.Fatal(err)
	}
	c := s.NewColumns()
	add := func() (data, inMap weak.Pointer[byte]) {
		r := row{make([]byte, 100), map[string][]byte{"k": make([]byte, 100)}}
		if _, err := plan.Append(c, r); err != nil {
			t.Fatal(err)
		}
		return weak.Make(&r.Data[0]), weak.Make(&r.Map["k"][0])
	}
	data, inMap := add()
	runtime.GC()
	if data.Value() != nil || inMap.Value() != nil {
		t.Errorf("something keeps the bytes (%t) or those of the map (%t)", data.Value() != nil, inMap.Value() != nil)
	}
	runtime.KeepAlive(c)
	runtime.KeepAlive(plan)
}

func TestValuesOverAGibibyteAreRejected(t *testing.T) {
	const size = schema.MaxValue + 1
	huge := *(*[]byte)(unsafe.Pointer(&struct { // a slice that would fail if it were read
		first    *byte
		len, cap int
	}{new(byte), size, size}))
	_, err := appended(t, nil, pair[[]byte]{nil, huge})
	if err == nil || errors.Is(err, schema.ErrFull) || !strings.Contains(err.Error(), "column Second: 1073741825 bytes") {
		t.Errorf("the error is %v", err)
	}
}

func TestFullColumnsRejectNothing(t *testing.T) {
	type row struct{ Data []byte }
	s := of[row](t, schema.Nulls(schema.NilIsEmpty))
	plan, err := schema.Compile[row](s)
	if err != nil {
		t.Fatal(err)
	}
	c := s.NewColumns()
	schema.FillLeaf(c, 0, 3)
	if _, err := plan.Append(c, row{[]byte("four")}); !errors.Is(err, schema.ErrFull) {
		t.Errorf("the error is %v, want ErrFull", err)
	}
	if c.Rows() != 1 || c.Leaf(0).Len() != 1 {
		t.Errorf("there are %d rows, %d values", c.Rows(), c.Leaf(0).Len())
	}
}

func TestAPlanServesManyColumnsAtOnce(t *testing.T) {
	plan, err := schema.Compile[*order](of[*order](t))
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]string, 8)
	var done sync.WaitGroup
	for i := range rows {
		done.Go(func() {
			c := plan.Schema().NewColumns()
			for range 200 {
				if _, err := plan.Append(c, newOrder()); err != nil {
					t.Error(err)
				}
				if c.Rows() == 50 {
					c.Release()
				}
			}
			rows[i] = fmt.Sprint(assemble(c))
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
	if _, err := schema.Compile[Right](s); err == nil {
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
	if _, err := schema.Compile[Left](&back); err == nil {
		t.Error("a plan of no type compiles")
	}
	plan, err := schema.Compile[*Left](s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Append(of[Left](t).NewColumns(), &Left{}); err == nil {
		t.Error("columns of another schema take a row")
	}
}
