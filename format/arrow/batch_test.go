package arrow_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// sizes returns the rows of each record batch.
func (b batches) sizes() (sizes []int64) {
	for _, record := range b.records {
		sizes = append(sizes, record.NumRows())
	}
	return sizes
}

func TestABatchEndsAtItsRows(t *testing.T) {
	got := read(t, encoded(t, factory[*order](t, arrow.Options{BatchRows: 4})(), orders(10)...)).sizes()
	if fmt.Sprint(got) != "[4 4 2]" {
		t.Errorf("batches of %d rows", got)
	}
}

func TestABatchEndsAtItsBytes(t *testing.T) {
	type row struct{ A []byte }
	payloads := make([]row, 20)
	for i := range payloads {
		payloads[i].A = make([]byte, 10_000)
	}
	for _, size := range read(t, encoded(t, factory[row](t, arrow.Options{BatchBytes: 64 << 10})(), payloads...)).sizes() {
		if size < 3 || size > 7 {
			t.Errorf("a batch of 64 KiB has %d rows of 10 KB", size)
		}
	}
}

func TestNoMoreThanTheBytesOfABatchAreHeld(t *testing.T) {
	const batchBytes = 64 << 10
	w := factory[*order](t, arrow.Options{BatchBytes: batchBytes})()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	most := int64(0)
	for _, o := range orders(5000) {
		mustWrite(t, w, o)
		most = max(most, w.(format.Bufferer).Buffered())
	}
	if most >= batchBytes || most < batchBytes/4 {
		t.Errorf("up to %d bytes are held", most)
	}
}

func TestEveryKindIsCutIntoBatches(t *testing.T) {
	rows := make([]kinds, 20)
	for i := range rows {
		n, text := int8(i), fmt.Sprint(i)
		rows[i] = kinds{
			Bool: i%3 == 0, Int8: n, Int16: int16(n), Int32: int32(n), Int64: int64(n), Uint8: uint8(n), Uint16: uint16(n),
			Uint32: uint32(n), Uint64: uint64(n), Float32: float32(n), Float64: float64(n), String: text, Bytes: []byte(text),
			Fixed: [3]byte{byte(n)}, Millis: time.UnixMilli(int64(n)), Micros: time.UnixMicro(int64(n)), Nanos: time.Unix(0, int64(n)),
			Local: time.UnixMicro(int64(n)), Date: time.Unix(int64(n)*86400, 0).UTC(), Time32: time.Duration(n) * time.Millisecond,
			Time64: time.Duration(n) * time.Microsecond, TimeNanos: time.Duration(n), Duration: time.Duration(n), Decimal: int64(n),
			Large: text, UUID: UUID{byte(n)}, JSON: json.RawMessage(text), List: []*int8{&n, nil, &n}[:i%4],
			Map: map[string]*int16{text: nil}, Struct: struct{ A *string }{&text},
		}
		if i%5 == 0 {
			rows[i].JSON, rows[i].Map, rows[i].Struct.A = nil, nil, nil
		}
	}
	each, err := columns.Compile[kinds](mustSchema[kinds](t))
	if err != nil {
		t.Fatal(err)
	}
	plan := columns.Rows(each, func(rows []kinds) []kinds { return rows })
	want := writeAll(t, plan, arrow.Options{}, rows)
	for _, size := range []int{1, 3, 8, 19} {
		got := writeAll(t, plan, arrow.Options{BatchRows: size}, rows)
		for i := range rows {
			if got[i] != want[i] {
				t.Errorf("in batches of %d rows, row %d is\n%s\nin one\n%s", size, i, got[i], want[i])
			}
		}
	}
}

// writeAll returns the rows of one payload as they are read again.
func writeAll[P any](t *testing.T, plan columns.Appender[P], o arrow.Options, payload P) []string {
	t.Helper()
	newWriter, err := arrow.PlanWriters(plan, o)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, encoded(t, newWriter(), payload)).text()
}

func TestNullsThatTakeRoomInArrowEndABatchToo(t *testing.T) {
	type row struct{ A *[64 << 10]byte }
	const batchBytes = 1 << 20
	got := read(t, encoded(t, factory[row](t, arrow.Options{BatchBytes: batchBytes})(), make([]row, 100)...))
	rows := int64(0)
	for _, size := range got.sizes() {
		if rows += size; size > 2*batchBytes>>16 || size < batchBytes>>16/2 {
			t.Errorf("a batch of 1 MiB has %d nulls of 64 KiB", size)
		}
	}
	if rows != 100 {
		t.Errorf("%d rows", rows)
	}
}

func TestTheRowsOfOnePayloadAreCutIntoBatches(t *testing.T) {
	each, err := columns.Compile[*order](mustSchema[*order](t))
	if err != nil {
		t.Fatal(err)
	}
	newWriter, err := arrow.PlanWriters(columns.Rows(each, orders), arrow.Options{BatchRows: 4})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := newWriter()
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 10, 0, 2} {
		if got, err := w.Write(want); got != want || err != nil {
			t.Errorf("%d rows instead of %d: %v", got, want, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := read(t, out.Bytes())
	if fmt.Sprint(got.sizes()) != "[4 4 3 2]" {
		t.Errorf("batches of %d rows", got.sizes())
	}
	want := fmt.Sprint(read(t, encoded(t, factory[*order](t, arrow.Options{})(), orders(10)...)).text())
	if all := got.text(); fmt.Sprint(all[1:11]) != want {
		t.Errorf("the rows of the second payload are\n%s\nwant\n%s", all[1:11], want)
	}
}

func mustSchema[T any](t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARowWhoseListsAreTooLargeForAnArrayIsRejectedAlone(t *testing.T) {
	type row struct {
		ID int
		A  []*[schema.MaxFixed]byte // nulls take as much room as values
	}
	large := make([]*[schema.MaxFixed]byte, 2048)
	each, err := columns.Compile[row](mustSchema[row](t))
	if err != nil {
		t.Fatal(err)
	}
	newWriter, err := arrow.PlanWriters(columns.Rows(each, func(r []row) []row { return r }), arrow.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for before := range 2 {
		var out bytes.Buffer
		w := newWriter()
		if err := w.InitNew(&out); err != nil {
			t.Fatal(err)
		}
		want := 0
		if before > 0 {
			mustWrite(t, w, []row{{ID: 1}, {ID: 2}})
			want += 2
		}
		n, err := w.Write([]row{{ID: -1}, {ID: -2, A: large}, {ID: -3}})
		if n != 0 || err == nil || errors.Is(err, format.ErrBroken) || !strings.Contains(err.Error(), "column A.element") {
			t.Fatalf("%d rows, %v", n, err)
		}
		mustWrite(t, w, []row{{ID: 3, A: large[:3]}, {ID: 4}})
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		rows := read(t, out.Bytes()).rows()
		if len(rows) != want+2 {
			t.Errorf("%d rows, want %d", len(rows), want+2)
		}
		for _, row := range rows {
			if id := fmt.Sprint(row.([]any)[0]); strings.HasPrefix(id, "-") {
				t.Errorf("row %s was rejected, and is in the file", id)
			}
		}
	}
}

func mustWrite[P any](t *testing.T, w format.Writer[P], payload P) {
	t.Helper()
	if _, err := w.Write(payload); err != nil {
		t.Fatal(err)
	}
}

func TestManyNullsInListsThatAreTooLargeTogetherAreSeveralBatches(t *testing.T) {
	type row struct{ A []*[schema.MaxFixed]byte }
	payload := row{make([]*[schema.MaxFixed]byte, 100)}
	w := factory[row](t, arrow.Options{})()
	var out counter
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for range 21 {
		mustWrite(t, w, payload)
	}
	if out.n < 2100<<20 {
		t.Errorf("2,100 nulls of 1 MiB have not become batches: %d bytes", out.n)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if out.n > 2101<<20 {
		t.Errorf("2,100 nulls of 1 MiB make a file of %d bytes", out.n)
	}
}

// full is a plan with room for so many payloads.
type full struct {
	columns.Appender[*order]
	room int
}

func (f full) Append(c *columns.Columns, payload *order) (int, error) {
	if c.Rows() >= f.room || payload.Total < 0 {
		return 0, fmt.Errorf("column x: %w", columns.ErrFull)
	}
	return f.Appender.Append(c, payload)
}

func TestFullColumnsBecomeABatchAndThePayloadIsTriedAgain(t *testing.T) {
	each, err := columns.Compile[*order](mustSchema[*order](t))
	if err != nil {
		t.Fatal(err)
	}
	newWriter, err := arrow.PlanWriters[*order](full{each, 4}, arrow.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, encoded(t, newWriter(), orders(10)...)).sizes(); fmt.Sprint(got) != "[4 4 2]" {
		t.Errorf("batches of %d rows", got)
	}
	w := newWriter()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := w.Write(&order{Total: -1}); n != 0 || !errors.Is(err, columns.ErrFull) || errors.Is(err, format.ErrBroken) {
			t.Errorf("%d rows, %v", n, err)
		}
		mustWrite(t, w, orders(1)[0])
	}
	if err := w.Flush(); err != nil {
		t.Error(err)
	}
}

func TestSpillingNothingMakesNoBatch(t *testing.T) {
	var out bytes.Buffer
	w := factory[*order](t, arrow.Options{})()
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.(format.Spiller).Spill(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out.Bytes()); len(got.records) != 0 {
		t.Errorf("batches of %d rows", got.sizes())
	}
}
