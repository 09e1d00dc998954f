package parquet

import (
	"reflect"

	pq "github.com/parquet-go/parquet-go"

	"github.com/jetcapture/lake/format"
)

// Writers returns a factory of Writers of the struct type P, or of the struct type that P points to: a capture takes it
// as its WriterFactory. The package documentation says which columns a struct has.
//
// All that can be wrong with a type or the options is said here, at once, and never when a block is opened.
//
// Write rejects a payload that is a nil pointer, or has text that is not UTF-8 or a time that no column can hold. The
// Writers are a format.Bufferer, Spiller, SelfCompressor and MetadataSetter.
func Writers[P any](options Options) (func() format.Writer[P], error) {
	t, pointer := reflect.TypeFor[P](), false
	if t.Kind() == reflect.Pointer {
		t, pointer = t.Elem(), true
	}
	tags, measure, err := checkType(t)
	if err != nil {
		return nil, err
	}
	p := &plan[P, P]{
		row:     func(payload P) P { return payload },
		measure: measureOf[P](t, measure, pointer),
	}
	root, err := schemaOf(t, tags)
	if err != nil {
		return nil, err
	}
	err = p.prepare(options, func(options ...pq.WriterOption) rowWriter[P] {
		for _, tag := range tags {
			options = append(options, tag.(pq.WriterOption))
		}
		return pq.NewGenericWriter[P](nil, options...)
	}, root)
	if err != nil {
		return nil, err
	}
	return p.newWriter, nil
}

// measureOf measures a row, which is the struct or a pointer to it.
func measureOf[P any](t reflect.Type, m measure, pointer bool) func(row *P) (int64, error) {
	size := int64(0)
	if pointer {
		size = int64(t.Size())
	}
	return func(row *P) (int64, error) {
		v := reflect.ValueOf(row).Elem()
		if pointer {
			if v.IsNil() {
				return 0, errNilPayload
			}
			v = v.Elem()
		}
		if m == nil {
			return size, nil
		}
		n, err := m(v)
		return size + n, err
	}
}
