package schema

import (
	"reflect"
	"time"
	"unsafe"
)

// nilable reports whether values of t, other than pointers, may be nil and have columns.
func nilable(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.Slice || k == reflect.Map || k == reflect.Interface
}

// zeroTest returns the function that recognizes zero values of t or, with empty, the values that encoding/json omits for
// "omitempty". It is nil if there are none. For nilable types it recognizes empty values only.
func zeroTest(t reflect.Type, empty bool) func(unsafe.Pointer) bool {
	if empty {
		switch t.Kind() {
		case reflect.Struct:
			return nil
		case reflect.Array:
			if t.Len() > 0 {
				return nil
			}
		case reflect.Map, reflect.Slice:
			return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().Len() == 0 }
		}
	}
	if t == timeType {
		return func(p unsafe.Pointer) bool { return (*time.Time)(p).IsZero() }
	}
	if t.Kind() == reflect.String {
		return func(p unsafe.Pointer) bool { return *(*string)(p) == "" }
	}
	switch { // -0 is not zero
	case t.Kind() > reflect.Complex128 || t.Kind() == reflect.Invalid:
	case t.Size() == 1:
		return func(p unsafe.Pointer) bool { return *(*uint8)(p) == 0 }
	case t.Size() == 2:
		return func(p unsafe.Pointer) bool { return *(*uint16)(p) == 0 }
	case t.Size() == 4:
		return func(p unsafe.Pointer) bool { return *(*uint32)(p) == 0 }
	case t.Size() == 8:
		return func(p unsafe.Pointer) bool { return *(*uint64)(p) == 0 }
	}
	if t.Implements(zeroerType) {
		return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().Interface().(zeroer).IsZero() }
	}
	return func(p unsafe.Pointer) bool { return reflect.NewAt(t, p).Elem().IsZero() }
}

type zeroer interface{ IsZero() bool }
