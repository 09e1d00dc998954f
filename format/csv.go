package format

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
)

// NewCSVWriter returns a Writer of CSV (RFC 4180, lines end in \n) that makes of each payload the rows that flatten
// returns, none or many. The rows are copied before Write returns. For structs, see CSV, which needs no
// flatten.
//
// The header becomes the first line, and every row must have as many fields. If header is empty there is no such line, and a row
// may have any number of fields except 0.
//
// Fields are written unchanged. A spreadsheet takes a field that begins with =, +, - or @ for a formula. A quote or tab in front
// prevents that, but is data to all other readers: if people open the files in spreadsheets, let flatten add it.
//
// Write rejects a payload with flatten's error, and one with a row of another number of fields.
//
// The Writer is a Bufferer and a Spiller.
func NewCSVWriter[P any](header []string, flatten func(payload P) ([][]string, error)) Writer[P] {
	return &CSVWriter[P]{header: slices.Clone(header), flatten: flatten}
}

// A CSVWriter is the Writer that NewCSVWriter returns, with flatten and header.
type CSVWriter[P any] struct {
	rowBuffer
	header  []string
	flatten func(P) ([][]string, error)
}

// Columns returns the header.
func (w *CSVWriter[P]) Columns() []string { return slices.Clone(w.header) }

// Suffix returns "csv".
func (w *CSVWriter[P]) Suffix() string { return "csv" }

// InitNew writes the header.
func (w *CSVWriter[P]) InitNew(out io.Writer) error {
	if w.flatten == nil {
		return errors.New("CSV: flatten is nil: give a function that makes rows of a payload")
	}
	if err := w.rowBuffer.InitNew(out); err != nil {
		return err
	}
	if len(w.header) == 0 {
		return nil
	}
	return w.addRows([][]string{w.header})
}

func (w *CSVWriter[P]) Write(payload P) (int, error) {
	rows, err := w.flatten(payload)
	if err != nil {
		return 0, err
	}
	for i, row := range rows {
		switch {
		case len(row) == 0:
			return 0, fmt.Errorf("CSV: row %d has no fields", i+1)
		case len(w.header) > 0 && len(row) != len(w.header):
			return 0, fmt.Errorf("CSV: row %d has %d fields, the header %d", i+1, len(row), len(w.header))
		}
	}
	if err := w.addRows(rows); err != nil {
		return 0, err
	}
	return len(rows), nil
}

// A csvEncoder is shared by all blocks, as a csv.Writer alone holds 4 KB.
type csvEncoder struct {
	text bytes.Buffer
	csv  *csv.Writer
}

var csvEncoders = sync.Pool{New: func() any {
	e := new(csvEncoder)
	e.csv = csv.NewWriter(&e.text)
	return e
}}

func (w *CSVWriter[P]) addRows(rows [][]string) error {
	e := csvEncoders.Get().(*csvEncoder)
	e.text.Reset()
	for _, row := range rows {
		if len(row) == 1 && row[0] == "" { // csv.Writer makes an empty line of it, which readers skip
			e.csv.Flush()
			e.text.WriteString("\"\"\n")
			continue
		}
		if err := e.csv.Write(row); err != nil {
			return fmt.Errorf("CSV: %w", err)
		}
	}
	e.csv.Flush()
	if err := e.csv.Error(); err != nil {
		return fmt.Errorf("CSV: %w", err)
	}
	err := w.add(e.text.Bytes())
	if e.text.Cap() <= maxPooled {
		csvEncoders.Put(e)
	}
	return err
}
