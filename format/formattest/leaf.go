package formattest

import (
	"reflect"
)

// A leaf is a kind of field that has one value: a Go type with the words of its tag, and some of its values, with all edge cases,
// and their values in a file.
type leaf struct {
	name     string
	shape    shape
	count    int             // of the values
	rejected []reflect.Value // by Append
}

// is has a value and its value in a file.
type is[T any] struct {
	value T
	want  any
}

// leafOf returns a leaf of the type T. random may be nil.
func leafOf[T any](name, words string, values []is[T], random func(s *source) (T, any), rejected ...T) leaf {
	l := leaf{name: name, count: len(values)}
	l.shape = shape{reflect.TypeFor[T](), words, "", nil, func(s *source) (reflect.Value, any) {
		var v T
		var want any
		switch {
		case s.depth == 0 && !s.random:
			v, want = values[s.row%len(values)].value, values[s.row%len(values)].want
		case random != nil && s.IntN(2) == 0:
			v, want = random(s)
		default:
			chosen := values[s.IntN(len(values))]
			v, want = chosen.value, chosen.want
		}
		return reflect.ValueOf(&v).Elem(), want // not of v: T may be an interface
	}}
	for i := range rejected {
		l.rejected = append(l.rejected, reflect.ValueOf(&rejected[i]).Elem())
	}
	return l
}

// leaves returns all leaves.
func leaves() []leaf {
	var all []leaf
	for _, some := range [][]leaf{
		integerLeaves(), floatLeaves(), decimalLeaves(), textLeaves(), jsonLeaves(), byteLeaves(), timeLeaves(), otherLeaves(),
	} {
		all = append(all, some...)
	}
	return all
}
