package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Kind is the kind of the values of a node.
type Kind uint8

// The kinds. Each stands for one logical type of Parquet and of Arrow.
const (
	Bool Kind = iota + 1
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float32
	Float64
	String    // UTF-8, or rejected, see UTF8Policy
	Bytes     // any bytes
	Fixed     // any bytes, Type.Size of them
	Timestamp // Type.Unit since 1970-01-01T00:00:00, in UTC or on the wall clock where Type.Local is set
	Date      // days since 1970-01-01
	TimeOfDay // Type.Unit since midnight
	Duration  // Type.Unit, always Nanos
	Decimal   // a whole number times 10^-Type.Scale
	UUID      // 16 bytes, the first digit first
	JSON      // UTF-8, one JSON value
	List      // of the only child, "element"
	Map       // of the children "key", which is never null, and "value"
	Struct    // of the children
)

var kindNames = [...]string{
	Bool: "bool", Int8: "int8", Int16: "int16", Int32: "int32", Int64: "int64",
	Uint8: "uint8", Uint16: "uint16", Uint32: "uint32", Uint64: "uint64", Float32: "float32", Float64: "float64",
	String: "string", Bytes: "bytes", Fixed: "fixed", Timestamp: "timestamp", Date: "date", TimeOfDay: "time",
	Duration: "duration", Decimal: "decimal", UUID: "uuid", JSON: "json", List: "list", Map: "map", Struct: "struct",
}

// String returns the kind's name in lower case, as it stands in the JSON of a schema.
func (k Kind) String() string { return name(kindNames[:], k) }

// IsLeaf reports whether nodes of the kind have values of their own and no children.
func (k Kind) IsLeaf() bool { return k >= Bool && k < List }

// IsSigned reports whether the kind is Int8, Int16, Int32 or Int64.
func (k Kind) IsSigned() bool { return k >= Int8 && k <= Int64 }

// IsUnsigned reports whether the kind is Uint8, Uint16, Uint32 or Uint64.
func (k Kind) IsUnsigned() bool { return k >= Uint8 && k <= Uint64 }

func (k Kind) isInteger() bool { return k.IsSigned() || k.IsUnsigned() }

// Unit is the unit in which times are counted.
type Unit uint8

// The units. Kinds without a unit have the zero Unit.
const (
	Millis Unit = iota + 1
	Micros
	Nanos
)

var unitNames = [...]string{Millis: "millis", Micros: "micros", Nanos: "nanos"}

// String returns "millis", "micros" or "nanos".
func (u Unit) String() string { return name(unitNames[:], u) }

// Duration returns the length of the unit.
func (u Unit) Duration() time.Duration {
	switch u {
	case Millis:
		return time.Millisecond
	case Micros:
		return time.Microsecond
	}
	return time.Nanosecond
}

// name returns what names has at i, which is neither 0 nor beyond the end.
func name[I ~uint8](names []string, i I) string {
	if int(i) < len(names) && names[i] != "" {
		return names[i]
	}
	return "invalid(" + strconv.Itoa(int(i)) + ")"
}

// MaxPrecision is the largest number of digits of a Decimal, that of DuckDB, Spark and Arrow's decimal128.
const MaxPrecision = 38

// MaxFixed is the largest Size of a Fixed.
const MaxFixed = 1 << 20

// Type is a Kind with its parameters. Types are equal if they are ==.
type Type struct {
	Kind      Kind
	Unit      Unit // of Timestamp, TimeOfDay and Duration
	Local     bool // a Timestamp or TimeOfDay on the wall clock, of an unknown time zone
	Precision int  // of a Decimal, its digits: 1 to MaxPrecision
	Scale     int  // of a Decimal, its digits behind the point: 0 to Precision
	Size      int  // of a Fixed, in bytes: 1 to MaxFixed
}

// String returns the type as it stands in the JSON of a schema, such as
//
//	int64  fixed(12)  timestamp(micros)  timestamp(nanos, local)  decimal(precision 18, scale 2)
func (t Type) String() string {
	switch t.Kind {
	case Fixed:
		return fmt.Sprintf("fixed(%d)", t.Size)
	case Decimal:
		return fmt.Sprintf("decimal(precision %d, scale %d)", t.Precision, t.Scale)
	case Timestamp, TimeOfDay, Duration:
		if t.Local {
			return fmt.Sprintf("%s(%s, local)", t.Kind, t.Unit)
		}
		return fmt.Sprintf("%s(%s)", t.Kind, t.Unit)
	}
	return t.Kind.String()
}

// parseType is the inverse of Type.String.
func parseType(s string) (Type, error) {
	var t Type
	word, args, _ := strings.Cut(s, "(")
	for k, name := range kindNames {
		if name == word && name != "" {
			t.Kind = Kind(k)
		}
	}
	switch t.Kind {
	case Fixed:
		_, _ = fmt.Sscanf(args, "%d)", &t.Size) // what is wrong shows below
	case Decimal:
		_, _ = fmt.Sscanf(args, "precision %d, scale %d)", &t.Precision, &t.Scale)
	case Timestamp, TimeOfDay, Duration:
		t.Local = strings.HasSuffix(args, ", local)")
		for u, name := range unitNames {
			if name != "" && strings.HasPrefix(args, name) {
				t.Unit = Unit(u)
			}
		}
	}
	if err := t.validate(); err != nil {
		return t, fmt.Errorf("type %.50q: %w", s, err)
	}
	if t.String() != s {
		return t, fmt.Errorf("type %.50q is not known", s)
	}
	return t, nil
}

// validate returns an error if no node can have the type.
func (t Type) validate() error {
	switch k := t.Kind; {
	case k < Bool || k > Struct:
		return fmt.Errorf("there is no such kind")
	case k == Fixed && (t.Size < 1 || t.Size > MaxFixed):
		return fmt.Errorf("the size is 1 to %d bytes, not %d", MaxFixed, t.Size)
	case k == Decimal && (t.Precision < 1 || t.Precision > MaxPrecision):
		return fmt.Errorf("the precision is 1 to %d digits, not %d", MaxPrecision, t.Precision)
	case k == Decimal && (t.Scale < 0 || t.Scale > t.Precision):
		return fmt.Errorf("the scale is 0 to the precision, %d, not %d", t.Precision, t.Scale)
	case (k == Timestamp || k == TimeOfDay) && (t.Unit < Millis || t.Unit > Nanos):
		return fmt.Errorf("the unit is millis, micros or nanos")
	case k == Duration && (t.Unit != Nanos || t.Local):
		return fmt.Errorf("a duration is counted in nanos")
	}
	return nil
}
