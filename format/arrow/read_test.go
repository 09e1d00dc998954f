package arrow_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	arrowgo "github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
)

// factory returns a factory of Writers, or ends the test.
func factory[P any](t testing.TB, o arrow.Options) func() format.Writer[P] {
	t.Helper()
	newWriter, err := arrow.Writers[P](o)
	if err != nil {
		t.Fatal(err)
	}
	return newWriter
}

// encoded returns the file of the payloads.
func encoded[P any](t testing.TB, w format.Writer[P], payloads ...P) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// batches are the record batches of a file or stream.
type batches struct {
	schema  *arrowgo.Schema
	records []arrowgo.Record
}

// read reads a file or a stream by Arrow's own reader.
func read(t testing.TB, data []byte) batches {
	t.Helper()
	b, err := tryRead(data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tryRead(data []byte) (b batches, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if !bytes.HasPrefix(data, []byte("ARROW1")) {
		return readStream(data)
	}
	r, err := ipc.NewFileReader(bytes.NewReader(data))
	if err != nil {
		return b, err
	}
	b.schema = r.Schema()
	for i := range r.NumRecords() {
		record, err := r.RecordAt(i)
		if err != nil {
			return b, err
		}
		b.records = append(b.records, record)
	}
	return b, nil
}

func readStream(data []byte) (b batches, err error) {
	r, err := ipc.NewReader(bytes.NewReader(data), ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return b, err
	}
	b.schema = r.Schema()
	for r.Next() {
		r.Record().Retain()
		b.records = append(b.records, r.Record())
	}
	if r.Err() != io.EOF { //nolint:errorlint // it is never wrapped
		err = r.Err()
	}
	return b, err
}

func (b batches) metadata() map[string]string { return b.schema.Metadata().ToMap() }

// rows returns the rows as values that tell nulls and what is nested: nil, text, and []any.
func (b batches) rows() []any {
	rows := []any{}
	for _, record := range b.records {
		for i := range int(record.NumRows()) {
			row := make([]any, record.NumCols())
			for c := range row {
				row[c] = valueAt(record.Column(c), i)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// text returns each row as a line.
func (b batches) text() []string {
	lines := []string{}
	for _, row := range b.rows() {
		lines = append(lines, fmt.Sprintf("%q", row))
	}
	return lines
}

// valueAt returns value i of an array: a map as keys and values one after the other.
func valueAt(a arrowgo.Array, i int) any {
	if a.IsNull(i) {
		return nil
	}
	switch a := a.(type) {
	case *array.Boolean:
		return fmt.Sprint(a.Value(i))
	case *array.Int8:
		return fmt.Sprint(a.Value(i))
	case *array.Int16:
		return fmt.Sprint(a.Value(i))
	case *array.Int32:
		return fmt.Sprint(a.Value(i))
	case *array.Int64:
		return fmt.Sprint(a.Value(i))
	case *array.Uint8:
		return fmt.Sprint(a.Value(i))
	case *array.Uint16:
		return fmt.Sprint(a.Value(i))
	case *array.Uint32:
		return fmt.Sprint(a.Value(i))
	case *array.Uint64:
		return fmt.Sprint(a.Value(i))
	case *array.Float32:
		return fmt.Sprint(a.Value(i))
	case *array.Float64:
		return fmt.Sprint(a.Value(i))
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return string(a.Value(i))
	case *array.FixedSizeBinary:
		return fmt.Sprintf("%x", a.Value(i))
	case *array.Timestamp:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Date32:
		return fmt.Sprint(int32(a.Value(i)))
	case *array.Time32:
		return fmt.Sprint(int32(a.Value(i)))
	case *array.Time64:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Duration:
		return fmt.Sprint(int64(a.Value(i)))
	case *array.Decimal128:
		return a.Value(i).BigInt().String()
	case *array.Map:
		return entriesAt(a, i)
	case *array.List:
		list := []any{}
		begin, end := a.ValueOffsets(i)
		for j := begin; j < end; j++ {
			list = append(list, valueAt(a.ListValues(), int(j)))
		}
		return list
	case *array.Struct:
		fields := []any{}
		for f := range a.NumField() {
			fields = append(fields, valueAt(a.Field(f), i))
		}
		return fields
	}
	return fmt.Errorf("no value for %s", a.DataType())
}

func entriesAt(a *array.Map, i int) any {
	entries := []any{}
	begin, end := a.ValueOffsets(i)
	for j := begin; j < end; j++ {
		entries = append(entries, valueAt(a.Keys(), int(j)), valueAt(a.Items(), int(j)))
	}
	return entries
}
