package jsoncolumns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/schema"
)

// plainTypes are the types of one word.
var plainTypes = map[string]schema.Type{
	"bool": {Kind: schema.Bool},
	"int8": {Kind: schema.Int8}, "int16": {Kind: schema.Int16}, "int32": {Kind: schema.Int32}, "int64": {Kind: schema.Int64},
	"uint8": {Kind: schema.Uint8}, "uint16": {Kind: schema.Uint16}, "uint32": {Kind: schema.Uint32}, "uint64": {Kind: schema.Uint64},
	"float32": {Kind: schema.Float32}, "float64": {Kind: schema.Float64},
	"string": {Kind: schema.String}, "bytes": {Kind: schema.Bytes}, "json": {Kind: schema.JSON}, "uuid": {Kind: schema.UUID},
	"date":      {Kind: schema.Date},
	"timestamp": {Kind: schema.Timestamp, Unit: schema.Micros},
	"time":      {Kind: schema.TimeOfDay, Unit: schema.Micros},
	"duration":  {Kind: schema.Duration, Unit: schema.Nanos},
}

// otherWords are what types are called elsewhere, and here.
var otherWords = map[string]string{
	"boolean": "bool", "int": "int64", "integer": "int64", "long": "int64", "bigint": "int64", "short": "int16", "smallint": "int16",
	"uint": "uint64", "byte": "uint8", "float": "float64", "double": "float64", "real": "float32", "number": "float64 or decimal(18,2)",
	"numeric": "decimal(18,2)", "decimal": "decimal(18,2)", "text": "string", "varchar": "string", "char": "string", "str": "string",
	"binary": "bytes", "blob": "bytes", "fixed": "fixed(16)", "object": "json", "array": "json", "list": "json", "map": "json",
	"struct": "json", "any": "json", "datetime": "timestamp", "timestamptz": "timestamp", "guid": "uuid",
}

const typeHelp = "write bool, int64 (or int8 to uint64), float64, float32, decimal(18,2), string, bytes, fixed(16), json, uuid, " +
	"timestamp, timestamp(seconds, millis, micros or nanos), date, time or duration"

// parseType reads a type: the words of schema.Type.String, or shorter ones.
func parseType(s string) (schema.Type, error) {
	word, args, hasArgs := strings.Cut(s, "(")
	if t, ok := plainTypes[s]; ok {
		return t, nil
	}
	if !hasArgs {
		if other, ok := otherWords[strings.ToLower(s)]; ok {
			return schema.Type{}, fmt.Errorf("type %q is not known: write %s", s, other)
		}
		if _, ok := plainTypes[strings.ToLower(s)]; ok {
			return schema.Type{}, fmt.Errorf("type %q is not known: write %s", s, strings.ToLower(s))
		}
		return schema.Type{}, fmt.Errorf("type %.50q is not known: %s", s, typeHelp)
	}
	args, closed := strings.CutSuffix(args, ")")
	if !closed {
		return schema.Type{}, fmt.Errorf("type %.50q has no closing parenthesis: in braces a comma ends it, so write it in quotes, "+
			"as in type: \"decimal(18,2)\"", s)
	}
	var parts []string
	for part := range strings.SplitSeq(args, ",") {
		parts = append(parts, strings.TrimSpace(part))
	}
	var t schema.Type
	var ok bool
	switch word {
	case "decimal":
		if t, ok = decimalType(parts); !ok {
			return t, fmt.Errorf("type %.50q: write decimal(18,2) for 18 digits of which 2 are behind the point; 38 digits are the most", s)
		}
	case "fixed":
		t.Kind = schema.Fixed
		if t.Size, ok = number(parts, 1, schema.MaxFixed); !ok {
			return t, fmt.Errorf("type %.50q: write the number of bytes, as in fixed(16)", s)
		}
	case "timestamp", "time", "duration":
		return timeType(s, word, parts)
	default:
		return t, fmt.Errorf("type %.50q is not known: %s", s, typeHelp)
	}
	return t, nil
}

// timeType reads a type that has a unit.
func timeType(s, word string, parts []string) (t schema.Type, err error) {
	t.Kind = plainTypes[word].Kind
	unit, ok := units[parts[0]]
	t.Unit = unit
	t.Local = len(parts) == 2 && parts[1] == "local" && word != "duration"
	if word == "timestamp" && len(parts) == 1 && parts[0] == EpochSeconds.String() { // numbers may have fractions
		t.Unit, ok = schema.Micros, true
	}
	switch {
	case word == "duration" && (!ok || t.Unit != schema.Nanos || len(parts) > 1):
		return t, fmt.Errorf("type %.50q: write duration, which is in nanoseconds", s)
	case !ok || len(parts) > 2 || len(parts) == 2 && !t.Local:
		seconds := ""
		if word == "timestamp" {
			seconds = "timestamp(seconds), "
		}
		return t, fmt.Errorf("type %.50q: write %s%s(millis), %[3]s(micros) or %[3]s(nanos), or %[3]s(micros, local) for a clock of no known time zone",
			s, seconds, word)
	}
	return t, nil
}

// epochOf returns the unit of numbers in a column of a type, as it is written: that in parentheses, and none for clocks of
// no known time zone.
func epochOf(typ string) Epoch {
	unit, ok := strings.CutPrefix(typ, "timestamp(")
	if i := slices.Index(epochWords[:], strings.TrimSpace(strings.TrimSuffix(unit, ")"))); ok && i > 0 {
		return Epoch(i)
	}
	return NoEpoch
}

var units = map[string]schema.Unit{"millis": schema.Millis, "micros": schema.Micros, "nanos": schema.Nanos}

// decimalType reads 18,2 and precision 18, scale 2.
func decimalType(parts []string) (t schema.Type, ok bool) {
	t.Kind = schema.Decimal
	if len(parts) == 1 {
		parts = append(parts, "0")
	}
	if len(parts) != 2 {
		return t, false
	}
	precision, long := strings.CutPrefix(parts[0], "precision ")
	scale, longToo := strings.CutPrefix(parts[1], "scale ")
	if long != longToo {
		return t, false
	}
	if t.Precision, ok = number([]string{precision}, 1, schema.MaxPrecision); ok {
		t.Scale, ok = number([]string{scale}, 0, t.Precision)
	}
	return t, ok
}

func number(parts []string, least, most int) (int, bool) {
	if len(parts) != 1 {
		return 0, false
	}
	n, err := strconv.Atoi(parts[0])
	return n, err == nil && n >= least && n <= most && strconv.Itoa(n) == parts[0]
}

// TypeText writes the type as it stands in a file.
func (c *Column) TypeText() string {
	if c.Epoch != NoEpoch {
		return "timestamp(" + c.Epoch.String() + ")"
	}
	return shortType(c.Type)
}

// shortType writes a type as a person would.
func shortType(t schema.Type) string {
	for word, plain := range plainTypes {
		if t == plain {
			return word
		}
	}
	if t.Kind == schema.Decimal {
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	}
	return t.String()
}
