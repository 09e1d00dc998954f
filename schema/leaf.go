package schema

import (
	"fmt"
	"reflect"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

// leaf completes the node of a single value, or returns nil if it is refused.
func (w *walk) leaf(n *Node, t reflect.Type, p *place) *Node {
	s := &p.tag.spec
	typ, read, err := w.leafType(t, s)
	if err != nil {
		return w.fail(p.at, err)
	}
	if err := typ.validate(); err != nil {
		return w.refuse(p.at, "%s: %w", typ.Kind, err)
	}
	if s.list {
		w.refuse(p.at, "\"list\" is for slices and arrays, not for %.200s: leave it out", t)
	}
	n.typ, n.hints = typ, s.hints
	n.source.Reader, n.source.ReplaceInvalid = read, w.opts.utf8 == ReplaceInvalid
	if n.hints.Codec == AnyCodec {
		n.hints.Codec = p.inherit
	}
	if s.form == "enum" && n.hints.Encoding == AnyEncoding {
		n.hints.Encoding = Dict
	}
	if err := n.hints.check(typ.Kind, len(w.within) > 0 && w.repeated()); err != nil {
		w.fail(p.at, err)
	}
	w.zero(n, t, p)
	return n
}

// repeated reports whether the walk is in a list or a map.
func (w *walk) repeated() bool {
	for _, t := range w.within {
		if t.Kind() != reflect.Struct {
			return true
		}
	}
	return false
}

// leafType returns the type of values of t with the words of their tag, and their reader.
func (w *walk) leafType(t reflect.Type, s *spec) (Type, gosource.Reader, error) {
	kind := t.Kind()
	bytes := (kind == reflect.Slice || kind == reflect.Array) && t.Elem().Kind() == reflect.Uint8
	switch s.form {
	case "":
		return w.plainType(t)
	case "json":
		if kind == reflect.String || kind == reflect.Slice && bytes {
			return Type{Kind: JSON}, gosource.ByKind, nil
		}
		return Type{Kind: JSON}, gosource.ByJSON, jsonProblem(t)
	case "string", "enum":
		switch {
		case kind == reflect.String || kind == reflect.Slice && bytes:
			return w.text(), gosource.ByKind, nil
		case isText(t):
			return w.text(), gosource.ByText, nil
		case implements(t, stringerType):
			return w.text(), gosource.ByStringer, nil
		}
	case "bytes":
		switch {
		case kind == reflect.String || kind == reflect.Slice && bytes:
			return Type{Kind: Bytes}, gosource.ByKind, nil
		case bytes:
			return Type{Kind: Fixed, Size: t.Len()}, gosource.ByKind, nil
		}
	case "uuid":
		if kind == reflect.String || bytes && (kind == reflect.Slice || t.Len() == 16) {
			return Type{Kind: UUID}, gosource.ByKind, nil
		}
	case "decimal":
		return decimalType(t, s)
	case "int", "uint":
		if k := goInteger(t); k != 0 && s.form == "int" {
			return Type{Kind: sized(Int8, s.bits)}, gosource.ByKind, nil
		} else if k != 0 {
			return Type{Kind: sized(Uint8, s.bits)}, gosource.ByKind, nil
		}
	case "date":
		if t == timeType {
			return Type{Kind: Date}, gosource.ByTime, nil
		} else if goInteger(t) != 0 && t != durationType {
			return Type{Kind: Date}, gosource.ByKind, nil
		}
	case "time":
		return timeOfDay(t, s)
	case "timestamp":
		return w.timestamp(t, s)
	}
	return Type{}, 0, fmt.Errorf("tag option %q does not go with %.200s: leave it out", s.word, t)
}

// plainType returns the type of values of t that have no words in their tag.
func (w *walk) plainType(t reflect.Type) (Type, gosource.Reader, error) {
	switch wk := wellKnown(t); {
	case t == timeType:
		return Type{Kind: Timestamp, Unit: w.opts.unit}, gosource.ByTime, nil
	case t == durationType:
		return Type{Kind: Duration, Unit: Nanos}, gosource.ByKind, nil
	case t == rawJSONType:
		return Type{Kind: JSON}, gosource.ByKind, nil
	case isUUID(t):
		return Type{Kind: UUID}, gosource.ByKind, nil
	case wk == protoTime:
		return Type{Kind: Timestamp, Unit: w.opts.unit}, gosource.ByProtoTime, nil
	case wk == protoSpan:
		return Type{Kind: Duration, Unit: Nanos}, gosource.ByProtoSpan, nil
	case isProtoEnum(t):
		return w.text(), gosource.ByStringer, nil
	case isText(t):
		return w.text(), gosource.ByText, nil
	}
	switch k := t.Kind(); k {
	case reflect.Bool:
		return Type{Kind: Bool}, gosource.ByKind, nil
	case reflect.Float32:
		return Type{Kind: Float32}, gosource.ByKind, nil
	case reflect.Float64:
		return Type{Kind: Float64}, gosource.ByKind, nil
	case reflect.String:
		return w.text(), gosource.ByKind, nil
	case reflect.Slice: // of bytes; the others are nested
		return Type{Kind: Bytes}, gosource.ByKind, nil
	case reflect.Array:
		return Type{Kind: Fixed, Size: t.Len()}, gosource.ByKind, nil
	case reflect.Interface:
		if w.opts.anyJSON {
			return Type{Kind: JSON}, gosource.ByJSON, nil
		}
		return Type{}, 0, fmt.Errorf("%.200s may hold values of any type, so it has no column: take a type that is one, "+
			"or make it JSON with a tag `parquet:\",json\"` or AnyAsJSON", t)
	default:
		if k := goInteger(t); k != 0 && w.opts.widen {
			return Type{Kind: Int64}, gosource.ByKind, nil
		} else if k != 0 {
			return Type{Kind: k}, gosource.ByKind, nil
		}
	}
	return Type{}, 0, fmt.Errorf("no column can hold values of %.200s: leave it out with a tag `parquet:\"-\"`", t)
}

// text returns the type of strings.
func (w *walk) text() Type {
	if w.opts.utf8 == TextAsBytes {
		return Type{Kind: Bytes}
	}
	return Type{Kind: String}
}

// jsonProblem returns an error if encoding/json has none for any value of t.
func jsonProblem(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return fmt.Errorf("there is no JSON of %.200s: leave it out with a tag `parquet:\"-\"`", t)
	}
	return nil
}

// goInteger returns the kind of the integers of t, or 0 if they are none.
func goInteger(t reflect.Type) Kind {
	switch k := t.Kind(); k {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return sized(Int8, t.Bits())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return sized(Uint8, t.Bits())
	}
	return 0
}

// sized returns the kind of bits bits in the family of base, which is Int8 or Uint8.
func sized(base Kind, bits int) Kind {
	for ; bits > 8; bits /= 2 {
		base++
	}
	return base
}

// decimalType takes integers as numbers without their point, and all other types by their value.
func decimalType(t reflect.Type, s *spec) (Type, gosource.Reader, error) {
	typ := Type{Kind: Decimal, Precision: s.precision, Scale: s.scale}
	kind := t.Kind()
	switch {
	case t == bigIntType:
		return typ, gosource.ByBigInt, nil
	case t == bigRatType:
		return typ, gosource.ByBigRat, nil
	case implements(t, scaledType):
		return typ, gosource.ByScaled, nil
	case isText(t):
		return typ, gosource.ByText, nil
	case goInteger(t) != 0, kind == reflect.String:
		return typ, gosource.ByKind, nil
	case (kind == reflect.Slice || kind == reflect.Array) && t.Elem().Kind() == reflect.Uint8:
		return typ, gosource.ByKind, nil
	}
	return Type{}, 0, fmt.Errorf("tag option %q does not go with %.200s: "+
		"take an integer, a string, big.Int, big.Rat or a decimal type", s.word, t)
}

func timeOfDay(t reflect.Type, s *spec) (Type, gosource.Reader, error) {
	typ := Type{Kind: TimeOfDay, Unit: s.unit, Local: s.local}
	if typ.Unit == 0 {
		typ.Unit = Millis // as parquet-go has it
	}
	switch {
	case t == timeType:
		return typ, gosource.ByTime, nil
	case goInteger(t) != 0: // a Duration too
		return typ, gosource.ByKind, nil
	}
	return Type{}, 0, fmt.Errorf("tag option %q does not go with %.200s: take a time.Duration since midnight", s.word, t)
}

func (w *walk) timestamp(t reflect.Type, s *spec) (Type, gosource.Reader, error) {
	typ := Type{Kind: Timestamp, Unit: s.unit, Local: s.local}
	isTime := t == timeType || wellKnown(t) == protoTime
	switch {
	case typ.Unit == 0 && isTime:
		typ.Unit = w.opts.unit
	case typ.Unit == 0:
		typ.Unit = Millis // as parquet-go has it
	}
	switch {
	case t == timeType:
		return typ, gosource.ByTime, nil
	case isTime:
		return typ, gosource.ByProtoTime, nil
	case goInteger(t) != 0 && t != durationType:
		return typ, gosource.ByKind, nil
	}
	return Type{}, 0, fmt.Errorf("tag option %q does not go with %.200s: take a time.Time or an integer", s.word, t)
}
