package columns_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

// The columns of handmade, in their order.
const (
	colBool = iota
	colInt8
	colInt64
	colUint16
	colUint64
	colFloat32
	colFloat64
	colString
	colBytes
	colFixed
	colJSON
	colUUID
	colStamp
	colLocal
	colDate
	colClock
	colSpan
	colCents
	colWide
	colNull
)

func handmade(t testing.TB) *schema.Schema {
	t.Helper()
	micros := schema.Type{Kind: schema.Timestamp, Unit: schema.Micros}
	local := micros
	local.Local = true
	s, err := schema.New(
		schema.Field{Name: "bool", Type: kind(schema.Bool)},
		schema.Field{Name: "int8", Type: kind(schema.Int8)},
		schema.Field{Name: "int64", Type: kind(schema.Int64)},
		schema.Field{Name: "uint16", Type: kind(schema.Uint16)},
		schema.Field{Name: "uint64", Type: kind(schema.Uint64)},
		schema.Field{Name: "float32", Type: kind(schema.Float32)},
		schema.Field{Name: "float64", Type: kind(schema.Float64), Nullable: true},
		schema.Field{Name: "string", Type: kind(schema.String)},
		schema.Field{Name: "bytes", Type: kind(schema.Bytes), Nullable: true},
		schema.Field{Name: "fixed", Type: schema.Type{Kind: schema.Fixed, Size: 3}},
		schema.Field{Name: "json", Type: kind(schema.JSON), Nullable: true},
		schema.Field{Name: "uuid", Type: kind(schema.UUID)},
		schema.Field{Name: "stamp", Type: micros, Nullable: true},
		schema.Field{Name: "local", Type: local},
		schema.Field{Name: "date", Type: kind(schema.Date)},
		schema.Field{Name: "clock", Type: schema.Type{Kind: schema.TimeOfDay, Unit: schema.Millis}},
		schema.Field{Name: "span", Type: schema.Type{Kind: schema.Duration, Unit: schema.Nanos}},
		schema.Field{Name: "cents", Type: schema.Type{Kind: schema.Decimal, Precision: 9, Scale: 2}},
		schema.Field{Name: "wide", Type: schema.Type{Kind: schema.Decimal, Precision: 38, Scale: 2}},
		schema.Field{Name: "null", Type: kind(schema.String), Nullable: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var noon = time.Date(2026, 11, 23, 23, 30, 1, 123456789, time.FixedZone("west", -5*60*60))

// fill sets all columns but those that are left out, from the last to the first.
func fill(r *columns.Row, leftOut ...int) error {
	set := []func(i int) error{
		func(i int) error { return r.Bool(i, true) },
		func(i int) error { return r.Int(i, -128) },
		func(i int) error { return r.Uint(i, math.MaxInt64) },
		func(i int) error { return r.Int(i, 65535) },
		func(i int) error { return r.Uint(i, math.MaxUint64) },
		func(i int) error { return r.Float(i, -1.5) },
		func(i int) error { return r.Float(i, 0.1) },
		func(i int) error { return r.Text(i, "ä") },
		func(i int) error { return r.Bytes(i, []byte("a\xff")) },
		func(i int) error { return r.Bytes(i, []byte("abc")) },
		func(i int) error { return r.Text(i, `{"a":1}`) },
		func(i int) error { return r.Text(i, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6") },
		func(i int) error { return r.Time(i, noon) },
		func(i int) error { return r.Time(i, noon) },
		func(i int) error { return r.Time(i, noon) },
		func(i int) error { return r.Int(i, 1) },
		func(i int) error { return r.Int(i, -5) },
		func(i int) error { return r.Decimal(i, "-12.5") },
		func(i int) error { return r.Decimal(i, "1e3") },
		func(i int) error { return r.Null(i) },
	}
	for i := len(set) - 1; i >= 0; i-- {
		if len(leftOut) > 0 && leftOut[0] == i {
			continue
		}
		if err := set[i](i); err != nil {
			return err
		}
	}
	return nil
}

var filled = fmt.Sprintf(`[true -128 9223372036854775807 65535 18446744073709551615 -1.5 0.1 ä a`+"\xff"+
	` 616263 {"a":1} f81d4fae7dec11d0a76500a0c91e6bf6 %d %d 20780 1 -5 -1250 100000 <nil>]`,
	noon.UnixMicro(), noon.UnixMicro()-5*60*60*1e6)

func TestRowsCanBeMadeByHand(t *testing.T) {
	c := columns.New(handmade(t))
	for range 2 {
		if rows, err := c.AppendRow(func(r *columns.Row) error { return fill(r) }); rows != 1 || err != nil {
			t.Fatalf("%d rows with the error %v", rows, err)
		}
	}
	if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), "["+filled+" "+filled+"]"; got != want {
		t.Errorf("rows are\n%s\nwant\n%s", got, want)
	}
}

func TestFloatsThatAreNoNumbersCanBeSet(t *testing.T) {
	c := columns.New(handmade(t))
	if _, err := c.AppendRow(func(r *columns.Row) error {
		return errors.Join(fill(r, colFloat32), r.Float(colFloat32, math.NaN()))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AppendRow(func(r *columns.Row) error {
		return errors.Join(fill(r, colFloat32), r.Float(colFloat32, math.Inf(-1)))
	}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.Leaf(colFloat32).Float32s()); got != "[NaN -Inf]" {
		t.Errorf("the column has %s", got)
	}
}

func TestRowsByHandAreThoseOfAPlan(t *testing.T) {
	type row struct {
		Text  string  `parquet:"text"`
		Data  []byte  `parquet:"data"`
		Count *int32  `parquet:"count"`
		ID    UUID    `parquet:"id"`
		Name  [3]byte `parquet:"name"`
		At    time.Time
	}
	plan := compiled[row](t, schema.UTF8(schema.ReplaceInvalid))
	c, want := columns.New(plan.Schema()), columns.New(plan.Schema())
	for _, r := range []row{{"a\xff", []byte("x"), ptr(int32(-7)), UUID{1}, [3]byte{2}, noon}, {}} {
		if _, err := plan.Append(want, r); err != nil {
			t.Fatal(err)
		}
		if _, err := c.AppendRow(func(by *columns.Row) error {
			errs := []error{by.Time(5, r.At), by.Bytes(4, r.Name[:]), by.Bytes(3, r.ID[:]), by.Text(0, r.Text)}
			if r.Count == nil {
				errs = append(errs, by.Null(2), by.Null(1))
			} else {
				errs = append(errs, by.Int(2, int64(*r.Count)), by.Bytes(1, r.Data))
			}
			return errors.Join(errs...)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), fmt.Sprint(rowtest.AssembleAll(t, want)); got != want {
		t.Errorf("rows are\n%s\nwant\n%s", got, want)
	}
}

func TestWhatAColumnCannotHoldIsToldAtOnceAndLeavesItUnset(t *testing.T) {
	s := handmade(t)
	for name, test := range map[string]struct {
		column int
		set    func(r *columns.Row, i int) error
		want   string
	}{
		"int range":      {colInt8, func(r *columns.Row, i int) error { return r.Int(i, 128) }, "column int8: 128 is not from -128"},
		"uint range":     {colUint16, func(r *columns.Row, i int) error { return r.Uint(i, 1<<16) }, "column uint16: 65536 is above"},
		"uint of int":    {colInt64, func(r *columns.Row, i int) error { return r.Uint(i, 1<<63) }, "column int64: 9223372036854775808 is above"},
		"negative":       {colUint64, func(r *columns.Row, i int) error { return r.Int(i, -1) }, "column uint64: -1 is not"},
		"float32":        {colFloat32, func(r *columns.Row, i int) error { return r.Float(i, 0.1) }, "column float32: 0.1 is no float32"},
		"float32 huge":   {colFloat32, func(r *columns.Row, i int) error { return r.Float(i, 1e300) }, "column float32: 1e+300 is no float32"},
		"text":           {colString, func(r *columns.Row, i int) error { return r.Text(i, "\xff") }, `column string: "\xff" is not UTF-8`},
		"text as bytes":  {colString, func(r *columns.Row, i int) error { return r.Bytes(i, []byte("\xff")) }, `column string: "\xff" is not UTF-8`},
		"json":           {colJSON, func(r *columns.Row, i int) error { return r.Text(i, "{") }, `column json: "{" is not JSON`},
		"json as bytes":  {colJSON, func(r *columns.Row, i int) error { return r.Bytes(i, []byte("{")) }, `column json: "{" is not JSON`},
		"fixed":          {colFixed, func(r *columns.Row, i int) error { return r.Bytes(i, []byte("ab")) }, "column fixed: 2 bytes are not 3"},
		"uuid":           {colUUID, func(r *columns.Row, i int) error { return r.Text(i, "f81d4fae") }, "column uuid: \"f81d4fae\" is no UUID"},
		"uuid bytes":     {colUUID, func(r *columns.Row, i int) error { return r.Bytes(i, make([]byte, 15)) }, "column uuid: 15 bytes"},
		"year 10000":     {colStamp, func(r *columns.Row, i int) error { return r.Time(i, noon.AddDate(9000, 0, 0)) }, "column stamp: a time"},
		"stamp int":      {colStamp, func(r *columns.Row, i int) error { return r.Int(i, math.MaxInt64) }, "column stamp: 9223372036854775807"},
		"day 10^9":       {colDate, func(r *columns.Row, i int) error { return r.Int(i, 1e9) }, "column date: 1000000000"},
		"25 o'clock":     {colClock, func(r *columns.Row, i int) error { return r.Int(i, 25*60*60*1000) }, "column clock: 90000000"},
		"span":           {colSpan, func(r *columns.Row, i int) error { return r.Uint(i, 1<<63) }, "column span: 9223372036854775808"},
		"cents":          {colCents, func(r *columns.Row, i int) error { return r.Decimal(i, "1.001") }, "column cents: 1001e-3 has more digits behind"},
		"cents too many": {colCents, func(r *columns.Row, i int) error { return r.Int(i, 1e9) }, "column cents: the number has more digits"},
		"no number":      {colWide, func(r *columns.Row, i int) error { return r.Decimal(i, "x") }, `column wide: "x" is no decimal`},
		"null":           {colInt64, func(r *columns.Row, i int) error { return r.Null(i) }, "column int64: it is never null"},
		"kind bool":      {colInt64, func(r *columns.Row, i int) error { return r.Bool(i, true) }, "column int64: it is int64, which is set by Int or Uint, not by Bool"},
		"kind int":       {colFloat64, func(r *columns.Row, i int) error { return r.Int(i, 1) }, "column float64: it is float64, which is set by Float, not by Int"},
		"kind uint":      {colBool, func(r *columns.Row, i int) error { return r.Uint(i, 1) }, "set by Bool, not by Uint"},
		"kind float":     {colString, func(r *columns.Row, i int) error { return r.Float(i, 1) }, "set by Text or Bytes, not by Float"},
		"kind text":      {colFixed, func(r *columns.Row, i int) error { return r.Text(i, "abc") }, "set by Bytes, not by Text"},
		"kind bytes":     {colCents, func(r *columns.Row, i int) error { return r.Bytes(i, nil) }, "set by Int or Uint or Decimal, not by Bytes"},
		"kind time":      {colSpan, func(r *columns.Row, i int) error { return r.Time(i, noon) }, "set by Int or Uint, not by Time"},
		"kind decimal":   {colStamp, func(r *columns.Row, i int) error { return r.Decimal(i, "1") }, "set by Int or Uint or Time, not by Decimal"},
	} {
		c := columns.New(s)
		for range 2 {
			if rows, err := c.AppendRow(func(r *columns.Row) error {
				if err := test.set(r, test.column); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: the error lacks %q: %v", name, test.want, err)
				}
				return fill(r)
			}); rows != 1 || err != nil {
				t.Errorf("%s: %d rows with the error %v", name, rows, err)
			}
		}
		if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), "["+filled+" "+filled+"]"; got != want {
			t.Errorf("%s: rows are\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestARowThatIsNotWholeIsNoRow(t *testing.T) {
	s, bad := handmade(t), errors.New("bad")
	var kept *columns.Row
	for name, test := range map[string]struct {
		build func(r *columns.Row) error
		want  string
	}{
		"left out":         {func(r *columns.Row) error { return fill(r, colString) }, "column string: it was left out"},
		"null left out":    {func(r *columns.Row) error { return fill(r, colNull) }, "column null: it was left out"},
		"first left out":   {func(r *columns.Row) error { return fill(r, colBool) }, "column bool: it was left out"},
		"nothing":          {func(*columns.Row) error { return nil }, "column bool: it was left out"},
		"twice":            {func(r *columns.Row) error { return errors.Join(fill(r), r.Text(colString, "b")) }, "column string: it is set already"},
		"null twice":       {func(r *columns.Row) error { return errors.Join(fill(r), r.Null(colNull)) }, "column null: it is set already"},
		"null and value":   {func(r *columns.Row) error { return errors.Join(r.Float(colFloat64, 1), r.Null(colFloat64)) }, "column float64: it is set already"},
		"value after null": {func(r *columns.Row) error { return errors.Join(r.Null(colNull), r.Text(colNull, "")) }, "column null: it is set already"},
		"own error":        {func(r *columns.Row) error { return errors.Join(fill(r), bad) }, "bad"},
		"panic":            {func(r *columns.Row) error { panic(fmt.Sprint(fill(r), "help")) }, "panic while the row was made: <nil>help"},
		"no such column":   {func(r *columns.Row) error { return r.Bool(20, true) }, "there is no column 20: they are 0 to 19"},
		"negative column":  {func(r *columns.Row) error { return r.Null(-1) }, "there is no column -1"},
		"row before":       {func(r *columns.Row) error { kept = r; return fill(r, 0) }, "left out"},
		"nil function":     {nil, "no function"},
	} {
		c := columns.New(s)
		for i := range 3 {
			build := test.build
			if i != 1 {
				build = func(r *columns.Row) error { return fill(r) }
			}
			rows, err := c.AppendRow(build)
			if i != 1 && (rows != 1 || err != nil) {
				t.Errorf("%s: %d rows with the error %v", name, rows, err)
			}
			if i == 1 && (rows != 0 || err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s: %d rows, the error lacks %q: %v", name, rows, test.want, err)
			}
		}
		if got, want := fmt.Sprint(rowtest.AssembleAll(t, c)), "["+filled+" "+filled+"]"; got != want {
			t.Errorf("%s: rows are\n%s\nwant\n%s", name, got, want)
		}
	}
	if err := kept.Bool(0, true); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("a row that has ended gives the error %v", err)
	}
	c := columns.New(s)
	if _, err := c.AppendRow(func(*columns.Row) error {
		_, err := c.AppendRow(func(r *columns.Row) error { return fill(r) })
		return err
	}); err == nil || !strings.Contains(err.Error(), "another row") || c.Rows() != 0 {
		t.Errorf("a row in a row gives the error %v", err)
	}
}

func TestARowThatFindsNoRoomIsNotRejected(t *testing.T) {
	s, err := schema.New(schema.Field{Name: "data", Type: kind(schema.Bytes)})
	if err != nil {
		t.Fatal(err)
	}
	c := columns.New(s)
	columns.FillLeaf(c, 0, 3, 1)
	rows, err := c.AppendRow(func(r *columns.Row) error {
		if r.Text(0, "four") == nil {
			t.Error("there is room")
		}
		return errors.Join(r.Text(0, ""), errors.New("another"))
	})
	if rows != 0 || !errors.Is(err, columns.ErrFull) || c.Rows() != 1 || c.Leaf(0).Len() != 1 {
		t.Errorf("%d rows with the error %v, want ErrFull; %d rows, %d values", rows, err, c.Rows(), c.Leaf(0).Len())
	}
}

func TestNestedColumnsCannotBeMadeByHand(t *testing.T) {
	if _, err := columns.New(of[line](t)).AppendRow(func(*columns.Row) error { return nil }); err == nil ||
		!strings.Contains(err.Error(), "column Tags: it is a list") {
		t.Errorf("the error is %v", err)
	}
	if _, err := columns.New(new(schema.Schema)).AppendRow(func(*columns.Row) error { return nil }); err == nil {
		t.Error("a schema without columns takes a row")
	}
}

func TestRowsByHandDoNotAllocate(t *testing.T) {
	c, at := columns.New(handmade(t)), noon
	data := []byte("abc")
	build := func(r *columns.Row) error {
		err := r.Time(colStamp, at)
		for _, e := range []error{
			r.Bool(colBool, true), r.Int(colInt8, 1), r.Int(colInt64, 1), r.Uint(colUint16, 1), r.Uint(colUint64, 1), r.Float(colFloat32, 1),
			r.Float(colFloat64, 1), r.Text(colString, "text"), r.Bytes(colBytes, data), r.Bytes(colFixed, data), r.Null(colJSON),
			r.Text(colUUID, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), r.Time(colLocal, at), r.Time(colDate, at), r.Int(colClock, 1),
			r.Int(colSpan, 1), r.Int(colCents, 1), r.Int(colWide, 0), r.Null(colNull),
		} {
			if e != nil {
				err = e
			}
		}
		return err
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := c.AppendRow(build); err != nil {
			t.Error(err)
		}
		c.Reset()
	}); n > 8 { // of the wide decimal
		t.Errorf("%.0f allocations a row", n)
	}
}
