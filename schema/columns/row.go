package columns

import (
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// A Row is set column by column, see Columns.AppendRow. Each method sets column i, which is Schema.Columns()[i]. It returns an
// error that names the column if the value is of another type or out of range, or if the column is set already. The column is
// unchanged then, and may get another value. Nothing of the value is kept.
//
//	Bool                               Bool
//	Int8 … Int64, Uint8 … Uint64       Int, Uint
//	Float32, Float64                   Float
//	String, JSON                       Text, Bytes
//	Bytes                              Bytes, Text
//	Fixed                              Bytes
//	UUID                               Bytes of 16, Text
//	Timestamp, Date, TimeOfDay         Time, and Int and Uint in the unit of the type, since 1970 or midnight
//	Duration                           Int, Uint in nanoseconds
//	Decimal                            Decimal, and Int and Uint of the number without its point
type Row struct {
	columns *Columns
	setters *rowSetters
	open    bool
	full    error // the error if there was no room for a value; it wraps ErrFull

	// The value that is being set. It is kept here because its address would move it to the heap for each call otherwise.
	boolValue  bool
	intValue   int64
	uintValue  uint64
	floatValue float64
	textValue  string
	bytesValue []byte
	timeValue  time.Time
}

// AppendRow appends the row that build sets, whole or not at all, and returns 1. build sets each column once, in any order; a
// nullable column without a value by Null. All columns of the schema must be single values: no lists, maps or structs.
//
// The error is the error or the panic of build, or names a column that was left out; the Columns are unchanged then. Whatever
// build returned, the error wraps ErrFull if there was no room for a value. The row must not be used after build has returned.
func (c *Columns) AppendRow(build func(r *Row) error) (rows int, err error) {
	if c.row == nil {
		setters := &c.layout.setters
		if err := setters.prepare(c.schema); err != nil {
			return 0, err
		}
		c.row = &Row{columns: c, setters: setters}
	}
	r := c.row
	switch {
	case r.open:
		return 0, errors.New("another row is being made: end it before the next")
	case build == nil:
		return 0, errors.New("there is no function that makes the row: give one to AppendRow")
	}
	r.open = true
	whole := false
	defer func() {
		r.open, r.full, r.textValue, r.bytesValue, r.timeValue = false, nil, "", nil, time.Time{}
		if !whole {
			c.rollback()
		}
	}()
	err = r.build(build)
	switch {
	case r.full != nil:
		return 0, r.full
	case err != nil:
		return 0, err
	}
	for i := range c.leaves {
		if l := &c.leaves[i]; !r.has(l) {
			return 0, fmt.Errorf("column %s: it was left out: set it, or set it to null", l.node.Name())
		}
	}
	whole = true
	c.rows++
	return 1, nil
}

// build calls the user's function. A panic concerns this row only.
func (r *Row) build(build func(*Row) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w while the row was made: %v", errPanic, p)
		}
	}()
	return build(r)
}

// has reports whether the leaf has a value or a null for the row that is being set.
func (r *Row) has(l *Leaf) bool {
	if l.maxDef > 0 {
		return len(l.def) > r.columns.rows
	}
	return l.detached+l.Len() > r.columns.rows
}

// Null sets a column to null, which must be nullable.
func (r *Row) Null(i int) error {
	l, err := r.leaf(i)
	if err != nil {
		return err
	}
	if l.maxDef == 0 {
		return fmt.Errorf("column %s: it is never null", l.node.Name())
	}
	r.columns.level(l, 0, 0)
	return nil
}

// Bool sets a Bool.
func (r *Row) Bool(i int, v bool) error {
	r.boolValue = v
	return r.set(i, setBool, unsafe.Pointer(&r.boolValue))
}

// Int sets an integer, a time in its unit, or a decimal without its point.
func (r *Row) Int(i int, v int64) error {
	r.intValue = v
	return r.set(i, setInt, unsafe.Pointer(&r.intValue))
}

// Uint sets the same kinds as Int.
func (r *Row) Uint(i int, v uint64) error {
	r.uintValue = v
	return r.set(i, setUint, unsafe.Pointer(&r.uintValue))
}

// Float sets a Float64, or a Float32 if v is exactly a float32.
func (r *Row) Float(i int, v float64) error {
	r.floatValue = v
	return r.set(i, setFloat, unsafe.Pointer(&r.floatValue))
}

// Text sets a String, Bytes, JSON, or a UUID in the text of RFC 9562.
func (r *Row) Text(i int, v string) error {
	r.textValue = v
	return r.set(i, setText, unsafe.Pointer(&r.textValue))
}

// Bytes sets the same kinds as Text, and a Fixed; a UUID is 16 bytes. Nil is empty.
func (r *Row) Bytes(i int, v []byte) error {
	r.bytesValue = v
	return r.set(i, setBytes, unsafe.Pointer(&r.bytesValue))
}

// Time sets a Timestamp, a TimeOfDay or a Date. A Date, and other types that are local, take the clock of the time zone of v.
// Digits finer than the column's unit are cut off.
func (r *Row) Time(i int, v time.Time) error {
	r.timeValue = v
	return r.set(i, setTime, unsafe.Pointer(&r.timeValue))
}

// Decimal sets a Decimal to the number in a text such as -12.50 or 1e3. More digits behind the point than the column has are
// an error, unless they are 0.
func (r *Row) Decimal(i int, text string) error {
	r.textValue = text
	return r.set(i, setDecimal, unsafe.Pointer(&r.textValue))
}

// set appends the value at p for the method of that kind.
func (r *Row) set(i int, kind setterKind, p unsafe.Pointer) error {
	l, err := r.leaf(i)
	if err != nil {
		return err
	}
	put := r.setters.byColumn[i][kind]
	if put == nil {
		return fmt.Errorf("column %s: it is %s, which is set by %s, not by %s",
			l.node.Name(), l.node.Type(), r.setters.names(i), setterNames[kind])
	}
	if err := put(r.columns, l, p); err != nil {
		err = fmt.Errorf("column %s: %w", l.node.Name(), err)
		if errors.Is(err, ErrFull) {
			r.full = err
		}
		return err
	}
	r.columns.level(l, l.maxDef, 0)
	return nil
}

// leaf returns the leaf of column i, or an error if it cannot be set now.
func (r *Row) leaf(i int) (*Leaf, error) {
	switch {
	case !r.open:
		return nil, errors.New("the row has ended: set its columns before the function that sets it returns")
	case i < 0 || i >= len(r.columns.leaves):
		return nil, fmt.Errorf("there is no column %d: they are 0 to %d", i, len(r.columns.leaves)-1)
	}
	l := &r.columns.leaves[i]
	if r.has(l) {
		return nil, fmt.Errorf("column %s: it is set already", l.node.Name())
	}
	return l, nil
}
