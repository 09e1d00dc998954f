package parquet

import (
	"errors"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
)

// A measure returns the bytes of memory that a value refers to, beside its own size, or an error that says why no column
// can hold it. A nil measure is for types whose values refer to nothing and are always right.
type measure func(v reflect.Value) (bytes int64, err error)

// structMeasure is those of the fields that have one.
type structMeasure []struct {
	field   int
	measure measure
}

func (s *structMeasure) add(field int, m measure) {
	if m != nil {
		*s = append(*s, struct {
			field   int
			measure measure
		}{field, m})
	}
}

func (s structMeasure) measure() measure {
	if len(s) == 0 {
		return nil
	}
	return func(v reflect.Value) (bytes int64, err error) {
		for i := range s {
			n, err := s[i].measure(v.Field(s[i].field))
			if err != nil {
				return 0, within("."+v.Type().Field(s[i].field).Name, err)
			}
			bytes += n
		}
		return bytes, nil
	}
}

func pointerMeasure(elem reflect.Type, m measure) measure {
	size := int64(elem.Size())
	return func(v reflect.Value) (int64, error) {
		if v.IsNil() || m == nil {
			return size, nil
		}
		n, err := m(v.Elem())
		return size + n, err
	}
}

func listMeasure(list reflect.Type, m measure) measure {
	size := int64(list.Elem().Size())
	return func(v reflect.Value) (bytes int64, err error) {
		bytes = int64(v.Len()) * size
		if m == nil {
			return bytes, nil
		}
		for i := range v.Len() {
			n, err := m(v.Index(i))
			if err != nil {
				return 0, within(fmt.Sprintf("[%d]", i), err)
			}
			bytes += n
		}
		return bytes, nil
	}
}

func mapMeasure(t reflect.Type, key, value measure) measure {
	size := int64(t.Key().Size() + t.Elem().Size())
	return func(v reflect.Value) (bytes int64, err error) {
		bytes = int64(v.Len()) * size * 2 // as a map is half full
		if key == nil && value == nil {
			return bytes, nil
		}
		for entries := v.MapRange(); entries.Next(); {
			for _, part := range []struct {
				measure measure
				v       reflect.Value
			}{{key, entries.Key()}, {value, entries.Value()}} {
				if part.measure == nil {
					continue
				}
				n, err := part.measure(part.v)
				if err != nil {
					return 0, within(fmt.Sprintf("[%.40q]", fmt.Sprint(entries.Key())), err)
				}
				bytes += n
			}
		}
		return bytes, nil
	}
}

// textMeasure is for a Go string. DuckDB refuses a whole file for text that is not UTF-8.
func textMeasure(options *tagOptions) measure {
	if options.has("bytes") {
		return func(v reflect.Value) (int64, error) { return int64(v.Len()), nil }
	}
	return func(v reflect.Value) (int64, error) {
		if s := v.String(); !utf8.ValidString(s) {
			return 0, fmt.Errorf("%.200q is not UTF-8", s)
		}
		return int64(v.Len()), nil
	}
}

// bytesMeasure is for a []byte.
func bytesMeasure(options *tagOptions) measure {
	if !options.has("string") && !options.has("json") {
		return func(v reflect.Value) (int64, error) { return int64(v.Len()), nil }
	}
	return func(v reflect.Value) (int64, error) {
		if b := v.Bytes(); !utf8.Valid(b) {
			return 0, fmt.Errorf("%.200q is not UTF-8", b)
		}
		return int64(v.Len()), nil
	}
}

// The years that microseconds in an int64 can hold are more than enough, so the bounds are round.
const firstYear, lastYear = -200_000, 200_000

func checkTime(v reflect.Value) (int64, error) {
	t, _ := reflect.TypeAssert[time.Time](v)
	if y := t.Year(); y < firstYear || y > lastYear {
		return 0, fmt.Errorf("the year %d is not between %d and %d", y, firstYear, lastYear)
	}
	return 0, nil
}

// A valueError says where in a payload a value is that no column can hold.
type valueError struct {
	path string
	err  error
}

func (e *valueError) Error() string { return "field " + e.path[1:] + ": " + e.err.Error() }
func (e *valueError) Unwrap() error { return e.err }

func within(path string, err error) error {
	var inner *valueError
	if errors.As(err, &inner) {
		inner.path = path + inner.path
		return inner
	}
	return &valueError{path, err}
}
