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
	table  unsafe.Pointer            // of opOneof
}

type op uint8

const (
	opAdd   op = iota // to offset bytes further
	opDeref           // to where the pointer here points; nil is null
	opValid           // nowhere; false at the offset is null
	opNil             // nowhere; nil is null, of slices, maps and interfaces, whose first word is nil just when they are
	opZero            // nowhere; what zero reports is null
	opOneof           // to where the pointer in the interface here points, if its method table is that one; all else is null
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

// nilable reports whether values of t may be nil, other than pointers, and may be had in columns.
func nilable(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.Slice || k == reflect.Map || k == reflect.Interface
}

// zeroTest returns what tells zero values of t, or with empty those that encoding/json omits for "omitempty". It is nil
// if there are none. Of what is nilable it is for empty values only.
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
