package parquet

import (
	"reflect"
	"slices"
	"strings"
)

// value checks what is neither a list nor a map: a number, text, bytes, a time, a struct, or a pointer to one of these,
// whose nil is null. options may be nil, where parquet-go knows no tag.
func (c *check) value(t reflect.Type, options *tagOptions, at string, path []string) measure {
	elem, pointer := t, t.Kind() == reflect.Pointer
	if pointer {
		elem = t.Elem()
	}
	if options.has("optional") {
		return c.refuse(at, "%s", adviceOptional)
	}
	for _, word := range options.all() {
		if advice := adviceOn(word, elem, pointer); advice != "" {
			return c.refuse(at, "%q on %s: %s", word, t, advice)
		}
	}
	var m measure
	switch kind := elem.Kind(); {
	case elem == numberType:
		return c.refuse(at, "%s: use a string or a number", t)
	case elem == rawJSONType && !pointer:
		if !options.add("json") {
			return c.refuse(at, "JSON nested so deep would be lost: put it in a struct")
		}
		m = bytesMeasure(options)
	case elem == timeType:
		if !options.has("timestamp") && !options.add("timestamp(microsecond)") {
			return c.refuse(at, "a time.Time nested so deep would be nanoseconds, and before 1678 or after 2261 a wrong time: put it in a struct")
		}
		m = checkTime
	case kind == reflect.Struct:
		m = c.structure(elem, at, path)
	case kind == reflect.String:
		m = textMeasure(options)
	case kind == reflect.Slice && elem.Elem().Kind() == reflect.Uint8:
		if pointer {
			return c.refuse(at, "%s: use a []byte without the pointer; a nil one is empty, not null", t)
		}
		m = bytesMeasure(options)
	case kind == reflect.Array && elem.Elem().Kind() == reflect.Uint8 && elem.Len() > 0:
	case kind == reflect.Bool, kind >= reflect.Int && kind <= reflect.Uint64, kind == reflect.Float32, kind == reflect.Float64:
	case pointer && kind == reflect.Pointer:
		return c.refuse(at, "%s: one pointer is enough for null", t)
	case pointer:
		return c.refuse(at, "%s: use it without the pointer", t)
	case kind == reflect.Interface:
		return c.refuse(at, "%s can hold anything, and a column cannot: use a type, or a string that holds JSON", t)
	case kind == reflect.Array:
		return c.refuse(at, "%s: use a slice", t)
	default:
		return c.refuse(at, "no column holds a %s: leave it out with a tag `parquet:\"-\"`", t)
	}
	if pointer {
		return pointerMeasure(elem, m)
	}
	return m
}

// adviceOn returns what to do instead of a tag's word on type t, or "" if the word is right.
func adviceOn(word string, t reflect.Type, pointer bool) string {
	name, args, _ := strings.Cut(word, "(")
	kind := t.Kind()
	plainInt := kind >= reflect.Int && kind <= reflect.Uint64 && t != durationType
	switch name {
	case "split":
		if kind != reflect.Float32 && kind != reflect.Float64 {
			return "DuckDB reads it for floats only"
		}
	case "id", "plain", "dict", "delta", "snappy", "gzip", "brotli", "lz4", "zstd", "uncompressed":
		if kind == reflect.Struct && t != timeType && name != "id" {
			return "a struct is no column: put it on the fields"
		}
	case "timestamp":
		if t == timeType && (!strings.HasPrefix(args, "m") || strings.HasPrefix(args, "nano")) {
			return "use timestamp(microsecond) or timestamp(millisecond); nanoseconds are wrong before 1678 and after 2261"
		}
		if t != timeType && !plainInt {
			return "use a time.Time"
		}
	case "time":
		if !plainInt {
			return "use an int64 of microseconds since midnight with time(microsecond)"
		}
	case "date":
		if kind != reflect.Int32 {
			return "the years would be wrong: use an int32 of days since 1970 with \"date\", or \"timestamp(millisecond)\""
		}
	case "decimal":
		if kind != reflect.Int32 && kind != reflect.Int64 || t == durationType {
			return "use an int32 or int64 of the smallest unit"
		}
	case "int", "uint":
		bits, signed, ok := bitsOf(word)
		if !ok || !plainInt || bits != t.Bits() || signed != (kind <= reflect.Int64) {
			return "values would be cut or made up: use the Go type that has these bits"
		}
	case "uuid":
		if kind != reflect.Array || pointer {
			return "use a [16]byte"
		}
	case "json", "string", "bytes", "enum":
		isText := kind == reflect.String || kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8
		if !isText || slices.Contains([]string{"bytes", "enum"}, name) && kind != reflect.String {
			return "the option is for text"
		}
	default:
		return "this option cannot be used"
	}
	return ""
}
