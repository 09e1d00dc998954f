// Package destkey writes destination keys as text, from which any process can restore them.
//
// encoding/gob cannot be used: its encoding of a struct depends on what the process encoded before.
package destkey

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// maxKey limits the bytes of a destination key, which goes into a ledger once for each block.
const maxKey = 4 << 10

// prefix starts all texts, so that none is empty.
const prefix = "k"

var base64url = base64.RawURLEncoding.Strict()

// A TypeError is a problem with all destination keys of a type.
type TypeError struct{ Err error }

func (e *TypeError) Error() string { return e.Err.Error() }

// Unwrap returns the problem.
func (e *TypeError) Unwrap() error { return e.Err }

// Encode returns a text of letters, digits, "-" and "_", from which Decode restores the destination key. Keys that are equal by ==
// have the same text, in all processes. Times keep their instant and their offset from UTC, but not the name of their time zone.
func Encode[K comparable](key K) (text string, err error) {
	defer recovered(&err)
	t := reflect.TypeFor[K]()
	if err := checkType(t); err != nil {
		return "", &TypeError{fmt.Errorf("a destination key of type %s cannot be written as text: %w", t, err)}
	}
	b, err := appendValue(nil, reflect.ValueOf(&key).Elem())
	if err != nil {
		return "", err
	}
	if len(b) > maxKey {
		return "", fmt.Errorf("it has %d bytes; at most %d are possible", len(b), maxKey)
	}
	reparsed, err := parse[K](b)
	if err != nil {
		return "", fmt.Errorf("read it again: %w", err)
	}
	if plain(reparsed) != plain(key) {
		return "", fmt.Errorf("a %s does not come back as it was from its own methods, or is not equal to itself", t)
	}
	return prefix + base64url.EncodeToString(b), nil
}

// Decode returns the destination key of a text. It returns an error for every text that Encode does not return.
func Decode[K comparable](text string) (key K, err error) {
	defer recovered(&err)
	if len(text) > len(prefix)+base64url.EncodedLen(maxKey) {
		return key, fmt.Errorf("it has %d characters", len(text))
	}
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return key, fmt.Errorf("it does not start with %q", prefix)
	}
	b, err := base64url.DecodeString(encoded)
	if err != nil {
		return key, errors.New("it is not base64url")
	}
	if err := checkType(reflect.TypeFor[K]()); err != nil {
		return key, &TypeError{err}
	}
	if key, err = parse[K](b); err != nil {
		return key, err
	}
	if reparsed, err := Encode(key); err != nil || reparsed != text {
		return key, errors.New("it is not how this destination key is written")
	}
	return key, nil
}

func parse[K any](b []byte) (key K, err error) {
	rest, err := parseValue(b, reflect.ValueOf(&key).Elem())
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes are left over", len(rest))
	}
	return key, err
}

// plain returns key with its times in UTC and without monotonic clock readings: a text has neither zones nor such readings.
func plain[K any](key K) K {
	plainTimes(reflect.ValueOf(&key).Elem())
	return key
}

var timeType = reflect.TypeFor[time.Time]()

func plainTimes(v reflect.Value) {
	switch {
	case v.Type() == timeType:
		v.Set(reflect.ValueOf(v.Interface().(time.Time).UTC().Round(0)))
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			plainTimes(v.Index(i))
		}
	case v.Kind() == reflect.Struct && methodsOf(v.Type()) == nil:
		for _, field := range fieldsOf(v) {
			plainTimes(field)
		}
	}
}

// recovered turns a panic in a method of the destination key, which may be called with any bytes, into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("a method of the destination key panicked: %v", r)
	}
}
