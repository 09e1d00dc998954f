package columns

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// textOf returns the function that calls the method of a type for the text of a value.
func textOf(t reflect.Type, r gosource.Reader) func(unsafe.Pointer) ([]byte, error) {
	return func(p unsafe.Pointer) (text []byte, err error) {
		defer recoverTo(&err, t)
		switch v := reflect.NewAt(t, p).Interface().(type) {
		case fmt.Stringer:
			if r == gosource.ByStringer {
				return []byte(v.String()), nil
			}
			return marshalText(v, t)
		default:
			return marshalText(v, t)
		}
	}
}

func marshalText(v any, t reflect.Type) ([]byte, error) {
	switch v := v.(type) {
	case encoding.TextMarshaler:
		return v.MarshalText()
	case encoding.TextAppender:
		return v.AppendText(nil)
	}
	return nil, fmt.Errorf("%s has no MarshalText", t)
}

// putMarshaled returns the function that appends values as encoding/json writes them.
func putMarshaled(t reflect.Type) putFunc {
	return func(c *Columns, l *Leaf, p unsafe.Pointer) error {
		text, err := marshalJSON(t, p)
		if err != nil {
			return err
		}
		return c.putBytes(l, text)
	}
}

func marshalJSON(t reflect.Type, p unsafe.Pointer) (text []byte, err error) {
	defer recoverTo(&err, t)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(reflect.NewAt(t, p).Interface()); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// recoverTo turns a panic in a method of t into an error, as it concerns one value only.
func recoverTo(err *error, t reflect.Type) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w in a method of %s: %v", errPanic, t, p)
	}
}
