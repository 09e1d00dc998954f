package jsoncolumns

import (
	"fmt"
	"math"
	"strconv"
	"unsafe"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/ranges"
)

// A reader makes the row of one message after the other. It is for one goroutine at a time.
type reader struct {
	router  *router
	columns []Column
	fits    []fitFunc
	values  []value
	digits  []byte // of a number
	scratch []byte // texts without their escapes, of one message
	misfits []misfit
	message message
	bucket  bool // there is a column for the operation
	headers []byte
	build   func(*columns.Row) error // fill
}

// A misfit is a value that did not fit into a column.
type misfit struct {
	column int
	raw    []byte
}

func newReader(columns []Column, fits []fitFunc) *reader {
	r := &reader{columns: columns, fits: fits, values: make([]value, len(columns)), digits: make([]byte, 0, 64)}
	r.router = newRouter(columns, r.take)
	r.build = r.fill
	return r
}

// readMessage reads the payload, if there is one to read.
func (r *reader) readMessage() error {
	m := &r.message
	if len(m.Data) > 0 || operation(&m.RawMessage) == Put {
		return r.read(m.Data)
	}
	clear(r.values)
	r.scratch, r.misfits, r.router.rest = r.scratch[:0], r.misfits[:0], r.router.rest[:0]
	for i := range r.columns {
		if c := &r.columns[i]; !c.Nullable {
			return fmt.Errorf("column %s: the message deletes a key and has no value, and nullable is false", c.Name)
		}
	}
	return nil
}

// read routes a payload to values and the rest. It returns an error if the message cannot be archived in columns.
func (r *reader) read(payload []byte) error {
	for secondPass := false; ; secondPass = true {
		clear(r.values)
		r.scratch, r.misfits = r.scratch[:0], r.misfits[:0]
		if !r.router.route(payload, secondPass) {
			return r.router.err()
		}
		if secondPass || !r.router.twice {
			break
		}
	}
	for i := range r.columns {
		if c := &r.columns[i]; !r.values[i].set && !c.Nullable {
			return r.missing(i)
		}
	}
	return nil
}

// missing says why a column that must have a value has none.
func (r *reader) missing(column int) error {
	c := &r.columns[column]
	for _, misfit := range r.misfits {
		if misfit.column == column {
			return fmt.Errorf("column %s: the value at %s does not fit into %s, and nullable is false", c.Name, pathText(c.Path), shortType(c.Type))
		}
	}
	return fmt.Errorf("column %s: the payload has no value, or several, at %s, and nullable is false", c.Name, pathText(c.Path))
}

// take keeps the value of a column, and returns false if it does not fit.
func (r *reader) take(column int, raw []byte) bool {
	v := &r.values[column]
	if v.set = r.fits[column](r, &r.columns[column], raw, v); !v.set && raw[0] != 'n' {
		r.misfits = append(r.misfits, misfit{column, raw})
	}
	return v.set
}

// unquoted returns what a text in quotes says. It is valid until the next message.
func (r *reader) unquoted(raw []byte) []byte {
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' {
			start := len(r.scratch)
			r.scratch = unquote(r.scratch, raw)
			return r.scratch[start:]
		}
	}
	return inner
}

// text writes a number of any number of digits, shortly.
func (d decimal) text(r *reader) []byte {
	start := len(r.scratch)
	if d.negative {
		r.scratch = append(r.scratch, '-')
	}
	if len(d.digits) == 0 {
		r.scratch = append(r.scratch, '0')
	}
	r.scratch = append(append(r.scratch, d.digits...), 'e')
	r.scratch = strconv.AppendInt(r.scratch, int64(d.exponent), 10)
	return r.scratch[start:]
}

// fill sets all columns of a row.
func (r *reader) fill(row *columns.Row) error {
	if err := r.fillMetadata(row); err != nil {
		return err
	}
	first := len(metadata)
	if r.bucket {
		if err := row.Text(first, operation(&r.message.RawMessage)); err != nil {
			return err
		}
		first++
	}
	for i := range r.columns {
		if err := set(row, first+i, &r.columns[i].Type, &r.values[i]); err != nil {
			return err
		}
	}
	last := first + len(r.columns)
	if len(r.router.rest) == 0 {
		return row.Null(last)
	}
	return row.Text(last, text(r.router.rest))
}

func set(row *columns.Row, i int, t *schema.Type, v *value) error {
	if !v.set {
		return row.Null(i)
	}
	switch k := t.Kind; {
	case k == schema.Bool:
		return row.Bool(i, v.bits != 0)
	case k >= schema.Uint8 && k <= schema.Uint64:
		return row.Uint(i, v.bits)
	case k == schema.Float32, k == schema.Float64:
		return row.Float(i, math.Float64frombits(v.bits))
	case k == schema.Decimal && t.Precision > ranges.MaxDigits64:
		return row.Decimal(i, text(v.text))
	case k == schema.String, k == schema.JSON:
		return row.Text(i, text(v.text))
	case k == schema.Bytes, k == schema.Fixed, k == schema.UUID:
		return row.Bytes(i, v.text)
	}
	return row.Int(i, int64(v.bits))
}

// text returns bytes as a string, for what does not keep it.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
