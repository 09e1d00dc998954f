package schema

import (
	"reflect"
	"time"
	"unsafe"
)

// A source is how the values of a node are read from Go. It is compiled into a Plan.
type source struct {
	typ    reflect.Type // of what is read, when all steps were taken
	steps  []step
	reader reader
}

// A step leads from one place in memory to the next.
type step struct {
	op     op
	offset uintptr                   // of opAdd and opValid
	zero   func(unsafe.Pointer) bool // of opZero
}

type op uint8

const (
	opAdd   op = iota // to offset bytes further
	opDeref           // to where the pointer here points; nil is null
	opValid           // nowhere; false at the offset is null
	opZero            // nowhere; what zero reports is null
)

// A reader is how a value becomes one of a leaf's.
type reader uint8

const (
	readKind      reader = iota // by its Go kind: numbers, strings, slices and arrays of bytes
	readTime                    // time.Time
	readText                    // encoding.TextAppender or encoding.TextMarshaler
	readStringer                // fmt.Stringer
	readJSON                    // by encoding/json
	readBig                     // big.Int
	readRat                     // big.Rat
	readScaled                  // scaledNumber
	readProtoTime               // seconds and nanoseconds of a protocol buffer
	readProtoSpan               // the same, of a duration
)

// nilIsNull is zero for slices, maps and interfaces, whose first word is nil just when they are.
func nilIsNull(p unsafe.Pointer) bool { return *(*unsafe.Pointer)(p) == nil }

// zeroTest returns what tells zero values of t, or with empty those that encoding/json omits for "omitempty". It is nil
// if there are none.
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
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		return nilIsNull
	case reflect.String:
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
