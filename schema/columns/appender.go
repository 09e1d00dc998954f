package columns

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/jetcapture/lake/schema"
)

// An Appender appends payloads to Columns of its schema. A Plan is one, and so is what Rows returns.
type Appender[P any] interface {
	// Schema returns the schema whose Columns Append takes. It is always the same.
	Schema() *schema.Schema

	// Append appends the rows of one payload, all of them or none, and returns how many there are. Nothing of the payload is
	// kept. An error rejects this payload alone; it wraps ErrFull if the payload would fit into Columns without rows.
	//
	// Calls with different Columns may overlap.
	Append(c *Columns, payload P) (rows int, err error)
}

var _ Appender[struct{}] = (*Plan[struct{}])(nil)

// Rows returns an Appender that appends several rows for each payload: the rows that the function returns for it, which may
// be none. If one row is rejected, or the function panics, the whole payload is rejected. Each Append calls the function once;
// the calls overlap if those of Append do.
func Rows[P, R any](each Appender[R], rows func(P) []R) Appender[P] {
	return &rowsOf[P, R]{each, rows}
}

type rowsOf[P, R any] struct {
	each Appender[R]
	rows func(P) []R
}

func (r *rowsOf[P, R]) Schema() *schema.Schema {
	if r.each == nil {
		return nil
	}
	return r.each.Schema()
}

func (r *rowsOf[P, R]) Append(c *Columns, payload P) (rows int, err error) {
	if r.each == nil || r.rows == nil {
		return 0, errors.New("rows of a payload: the Appender of a row, or the function that returns rows, is nil: give both to Rows")
	}
	of, err := r.of(payload)
	if err != nil {
		return 0, err
	}
	before, whole := c.rows, false
	defer func() {
		if !whole {
			c.takeBack(before)
		}
	}()
	for i := range of {
		n, err := r.each.Append(c, of[i])
		if err != nil {
			return 0, rowError(i, before, err)
		}
		rows += n
	}
	whole = true
	return rows, nil
}

// of returns the rows of a payload. A panic is of the user's function, and concerns this payload only.
func (r *rowsOf[P, R]) of(payload P) (rows []R, err error) {
	defer recoverTo(&err, reflect.TypeFor[P]())
	return r.rows(payload), nil
}

// rowError returns the error of row i of a payload. before is the number of rows in the Columns when the payload came.
func rowError(i, before int, err error) error {
	if before == 0 && errors.Is(err, ErrFull) { // empty Columns have no room either
		return fmt.Errorf("row %d of the payload: all its rows together have more than %d bytes of one column", i, MaxLeaf)
	}
	return fmt.Errorf("row %d of the payload: %w", i, err)
}
