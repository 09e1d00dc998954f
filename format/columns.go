package format

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// CSV returns a factory of Writers of CSV with a header and the columns of schema.Of[T]. The package documentation says how values
// are written.
//
// The error is the one of schema.Of. Write rejects a payload with the error of columns.Plan.Append. The Writers are Bufferers
// and Spillers.
func CSV[T any](opts ...schema.Option) (func() Writer[T], error) {
	plan, err := columns.PlanOf[T](opts...)
	if err != nil {
		return nil, fmt.Errorf("CSV: %w", err)
	}
	return PlanCSV[T](plan)
}

// NDJSON returns a factory of Writers of newline-delimited JSON whose members are the columns of schema.Of[T]: all of them
// in every line, and in the same order. The package documentation says how values are written. JSONLines, by contrast, writes
// what encoding/json makes of a payload.
//
// The error is the one of schema.Of. Write rejects a payload with the error of columns.Plan.Append. The Writers are Bufferers
// and Spillers.
func NDJSON[T any](opts ...schema.Option) (func() Writer[T], error) {
	plan, err := columns.PlanOf[T](opts...)
	if err != nil {
		return nil, fmt.Errorf("NDJSON: %w", err)
	}
	return PlanNDJSON[T](plan)
}

// PlanCSV is CSV with the columns of a plan, such as one of columns.Rows, which makes several rows of a payload.
func PlanCSV[P any](plan columns.Appender[P]) (func() Writer[P], error) {
	w, err := newRowsText(plan, "csv", csvLine, (*cells).csv)
	if err != nil {
		return nil, fmt.Errorf("CSV: %w", err)
	}
	return w.newWriter, nil
}

// PlanNDJSON is NDJSON with the columns of a plan, such as one of columns.Rows, which makes several rows of a payload.
func PlanNDJSON[P any](plan columns.Appender[P]) (func() Writer[P], error) {
	w, err := newRowsText(plan, "ndjson", nil, (*cells).ndjson)
	if err != nil {
		return nil, fmt.Errorf("NDJSON: %w", err)
	}
	return w.newWriter, nil
}

// A rowsText makes lines of payloads. All Writers of a factory share it and its buffers, so that an open block holds only its
// lines.
type rowsText[P any] struct {
	plan   columns.Appender[P]
	suffix string // of files
	header []byte
	line   cellFunc
	rows   sync.Pool // of *rows
}

func newRowsText[P any](
	plan columns.Appender[P], suffix string, header func(*schema.Schema) []byte, line func(*cells) (cellFunc, error),
) (*rowsText[P], error) {
	if plan == nil || plan.Schema() == nil {
		return nil, errors.New("the plan is nil: take one of columns.Compile")
	}
	s := plan.Schema()
	t := &rowsText[P]{plan: plan, suffix: suffix}
	var err error
	if t.line, err = line(cellsOf(s)); err != nil {
		return nil, err
	}
	if header != nil {
		t.header = header(s)
	}
	t.rows.New = func() any { return newRows(columns.New(s)) }
	return t, nil
}

func (t *rowsText[P]) newWriter() Writer[P] { return &columnsWriter[P]{text: t} }

// A columnsWriter writes the lines of one block.
type columnsWriter[P any] struct {
	rowBuffer
	text *rowsText[P]
}

// Columns returns the names of the columns.
func (w *columnsWriter[P]) Columns() []string { return w.text.plan.Schema().Names() }

// Suffix returns "csv" or "ndjson".
func (w *columnsWriter[P]) Suffix() string { return w.text.suffix }

// InitNew keeps out.
func (w *columnsWriter[P]) InitNew(out io.Writer) error {
	if err := w.rowBuffer.InitNew(out); err != nil {
		return err
	}
	return w.add(w.text.header)
}

// Write makes columns of the payload, then lines of the columns, and adds these all at once.
func (w *columnsWriter[P]) Write(payload P) (int, error) {
	r, _ := w.text.rows.Get().(*rows) // not put back after a panic, when its state is unknown
	n, err := w.text.plan.Append(r.columns, payload)
	if err == nil {
		r.begin()
		for range n {
			r.text = w.text.line(r, r.text)
		}
		err = w.add(r.text)
	}
	r.reset()
	w.text.rows.Put(r)
	if err != nil {
		return 0, err
	}
	return n, nil
}
