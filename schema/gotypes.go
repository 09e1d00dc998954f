package schema

import (
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"time"

	"github.com/jetcapture/lake/schema/internal/gosource"
)

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	rawJSONType  = reflect.TypeFor[json.RawMessage]()
	bigIntType   = reflect.TypeFor[big.Int]()
	bigRatType   = reflect.TypeFor[big.Rat]()
	zeroerType   = reflect.TypeFor[zeroer]()

	appenderType      = reflect.TypeFor[encoding.TextAppender]()
	marshalerType     = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshalerType = reflect.TypeFor[json.Marshaler]()
	valuerType        = reflect.TypeFor[driver.Valuer]()
	stringerType      = reflect.TypeFor[fmt.Stringer]()
	scaledType        = reflect.TypeFor[gosource.ScaledNumber]()
)

// implements reports whether values of t that can be addressed have the methods.
func implements(t, methods reflect.Type) bool {
	return t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(methods)
}

// isText reports whether values of t have methods that return their text.
//
// A struct has the methods of what it embeds, although they know nothing of its other fields; they do not count.
func isText(t reflect.Type) bool {
	return implementsText(t) && (t.Kind() != reflect.Struct || !embedsText(t))
}

func implementsText(t reflect.Type) bool {
	return implements(t, marshalerType) || implements(t, appenderType)
}

func embedsText(t reflect.Type) bool {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.Anonymous {
			continue
		}
		if f.Type.Kind() == reflect.Interface && (f.Type.Implements(marshalerType) || f.Type.Implements(appenderType)) {
			return true
		}
		if f.Type.Kind() == reflect.Pointer {
			f.Type = f.Type.Elem()
		}
		if implementsText(f.Type) {
			return true
		}
	}
	return false
}

// isLeafStruct reports whether the struct t is one value and not several.
func isLeafStruct(t reflect.Type) bool {
	return t == timeType || isNull(t) || isText(t) || wellKnown(t) != notKnown || unwrap(t) != t
}

// unwrap returns what t is called another name for, by embedding it and nothing else: type Stamp struct{ time.Time }.
func unwrap(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Anonymous {
		inner := t.Field(0).Type
		if inner.Kind() != reflect.Struct || !isLeafStruct(inner) {
			break
		}
		t = inner
	}
	return t
}

// isNull reports whether t is a value and whether it is not null.
func isNull(t reflect.Type) bool {
	_, _, ok := nullFields(t)
	return ok
}

// nullFields returns the fields of sql.Null, its older siblings, and what other packages make of that shape: uuid.NullUUID,
// decimal.NullDecimal, pgtype.Text. These have methods that tell them from a struct of two columns.
func nullFields(t reflect.Type) (value, valid reflect.StructField, ok bool) {
	if t.Kind() != reflect.Struct || t.NumField() != 2 {
		return value, valid, false
	}
	value, valid = t.Field(0), t.Field(1)
	if value.Name == "Valid" {
		value, valid = valid, value
	}
	if valid.Name != "Valid" || valid.Type.Kind() != reflect.Bool || !value.IsExported() || value.Anonymous {
		return value, valid, false
	}
	isOne := implements(t, valuerType) || implements(t, jsonMarshalerType) || implementsText(t)
	return value, valid, isOne
}

// isUUID reports whether t is a UUID by its name, as in github.com/google/uuid and github.com/gofrs/uuid.
func isUUID(t reflect.Type) bool {
	return t.Name() == "UUID" && t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8
}

// isProto reports whether t is generated from a protocol buffer.
func isProto(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	_, ok := reflect.PointerTo(t).MethodByName("ProtoReflect")
	return ok
}

// isProtoEnum reports whether t is an enum of a protocol buffer, whose values have names.
func isProtoEnum(t reflect.Type) bool {
	_, ok := t.MethodByName("EnumDescriptor")
	return ok && t.Kind() == reflect.Int32 && implements(t, stringerType)
}

// A protoKind is what a well-known message of protocol buffers stands for.
type protoKind uint8

const (
	notKnown protoKind = iota
	protoTime
	protoSpan
	protoWrapper // of its field Value
)

// wellKnown tells a message by its name and its fields, as this package links no protocol buffers.
func wellKnown(t reflect.Type) protoKind {
	if t.Kind() != reflect.Struct || !isProto(t) {
		return notKnown
	}
	seconds, s := t.FieldByName("Seconds")
	nanos, n := t.FieldByName("Nanos")
	stamp := s && n && seconds.Type.Kind() == reflect.Int64 && nanos.Type.Kind() == reflect.Int32 &&
		len(seconds.Index) == 1 && len(nanos.Index) == 1
	value, v := t.FieldByName("Value")
	switch {
	case stamp && t.Name() == "Timestamp":
		return protoTime
	case stamp && t.Name() == "Duration":
		return protoSpan
	case v && len(value.Index) == 1 && wrappers[t.Name()]:
		return protoWrapper
	}
	return notKnown
}

var wrappers = map[string]bool{
	"BoolValue": true, "BytesValue": true, "DoubleValue": true, "FloatValue": true, "Int32Value": true,
	"Int64Value": true, "StringValue": true, "UInt32Value": true, "UInt64Value": true,
}
