package destkey

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
)

// checkType returns an error if values of a type cannot be written.
func checkType(t reflect.Type) error {
	switch kind := t.Kind(); {
	case kind == reflect.Bool, kind == reflect.String, kind >= reflect.Int && kind <= reflect.Complex128:
		return nil
	case kind == reflect.Array:
		return checkType(t.Elem())
	case kind != reflect.Struct:
		return fmt.Errorf("a %s means nothing to another process; use a string, a number, or a struct of them", kind)
	case methodsOf(t) != nil:
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			continue
		}
		if !isReachable(f) {
			return fmt.Errorf("field %s is not exported; export it, or give %s the methods MarshalBinary and UnmarshalBinary", f.Name, t)
		}
		if err := checkType(f.Type); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func isReachable(f reflect.StructField) bool {
	return f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct && methodsOf(f.Type) == nil
}

// fieldsOf returns the fields of a struct that are written.
func fieldsOf(v reflect.Value) (fields []reflect.Value) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Name != "_" {
			fields = append(fields, v.Field(i))
		}
	}
	return fields
}

// methods write and read structs with unexported fields, such as time.Time.
type methods struct {
	marshal   func(v any) ([]byte, error)
	unmarshal func(v any, b []byte) error
}

var (
	binaryMethods = &methods{
		func(v any) ([]byte, error) { return v.(encoding.BinaryMarshaler).MarshalBinary() },
		func(v any, b []byte) error { return v.(encoding.BinaryUnmarshaler).UnmarshalBinary(b) },
	}
	textMethods = &methods{
		func(v any) ([]byte, error) { return v.(encoding.TextMarshaler).MarshalText() },
		func(v any, b []byte) error { return v.(encoding.TextUnmarshaler).UnmarshalText(b) },
	}
)

// methodsOf returns the methods of a struct type that has fields that are not exported, or nil.
func methodsOf(t reflect.Type) *methods {
	hidden := false
	for i := range t.NumField() {
		f := t.Field(i)
		hidden = hidden || f.Name != "_" && !isReachable(f)
	}
	has := func(i reflect.Type) bool { return reflect.PointerTo(t).Implements(i) }
	switch {
	case !hidden:
		return nil
	case has(reflect.TypeFor[encoding.BinaryMarshaler]()) && has(reflect.TypeFor[encoding.BinaryUnmarshaler]()):
		return binaryMethods
	case has(reflect.TypeFor[encoding.TextMarshaler]()) && has(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return textMethods
	}
	return nil
}

// appendValue appends v, which is addressable and of a type that checkType accepts.
func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	switch kind := v.Kind(); {
	case kind == reflect.Bool:
		if v.Bool() {
			return append(b, 1), nil
		}
		return append(b, 0), nil
	case kind == reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...), nil
	case v.CanInt():
		return binary.AppendVarint(b, v.Int()), nil
	case v.CanUint():
		return binary.AppendUvarint(b, v.Uint()), nil
	case v.CanFloat():
		return appendFloat(b, v.Float()), nil
	case v.CanComplex():
		return appendFloat(appendFloat(b, real(v.Complex())), imag(v.Complex())), nil
	case kind == reflect.Array:
		var err error
		for i := 0; i < v.Len() && err == nil; i++ {
			b, err = appendValue(b, v.Index(i))
		}
		return b, err
	}
	if m := methodsOf(v.Type()); m != nil {
		own, err := m.marshal(v.Addr().Interface())
		return append(binary.AppendUvarint(b, uint64(len(own))), own...), err
	}
	var err error
	for _, field := range fieldsOf(v) {
		if b, err = appendValue(b, field); err != nil {
			break
		}
	}
	return b, err
}

func appendFloat(b []byte, f float64) []byte {
	if f == 0 {
		f = 0 // -0 is equal to 0
	}
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

var errShort = errors.New("it ends too early")

// parseValue sets v to the value at the start of b, and returns the rest. It is lenient, since Decode encodes the result and
// compares.
func parseValue(b []byte, v reflect.Value) (rest []byte, err error) {
	switch kind := v.Kind(); {
	case kind == reflect.Bool:
		if len(b) == 0 {
			return nil, errShort
		}
		v.SetBool(b[0] == 1)
		return b[1:], nil
	case kind == reflect.String:
		text, rest, err := cut(b)
		v.SetString(string(text))
		return rest, err
	case v.CanInt():
		i, n := binary.Varint(b)
		if n <= 0 {
			return nil, errShort
		}
		v.SetInt(i)
		return b[n:], nil
	case v.CanUint():
		u, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errShort
		}
		v.SetUint(u)
		return b[n:], nil
	case v.CanFloat():
		f, rest, err := parseFloat(b)
		v.SetFloat(f)
		return rest, err
	case v.CanComplex():
		re, rest, err := parseFloat(b)
		if err != nil {
			return nil, err
		}
		im, rest, err := parseFloat(rest)
		v.SetComplex(complex(re, im))
		return rest, err
	case kind == reflect.Array:
		for i := 0; i < v.Len() && err == nil; i++ {
			b, err = parseValue(b, v.Index(i))
		}
		return b, err
	}
	if m := methodsOf(v.Type()); m != nil {
		own, rest, err := cut(b)
		if err == nil {
			err = m.unmarshal(v.Addr().Interface(), own)
		}
		return rest, err
	}
	for _, field := range fieldsOf(v) {
		if b, err = parseValue(b, field); err != nil {
			break
		}
	}
	return b, err
}

func parseFloat(b []byte) (f float64, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, errShort
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
}

// cut returns the bytes at the start of b, which come after their length, and the rest.
func cut(b []byte) (part, rest []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, errShort
	}
	b = b[n:]
	return b[:size:size], b[size:], nil
}
