package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	pqformat "github.com/parquet-go/parquet-go/format"
)

// maxDepth is the greatest depth of a schema, and of any structure of a footer, that is read.
const maxDepth = 64

// A leaf is an element of a schema that has values.
type leaf struct {
	element *pqformat.SchemaElement
	path    []string // from the root
}

// describeSchema returns the schema as text, and its leaves.
func describeSchema(elements []pqformat.SchemaElement) (text string, leaves []leaf, err error) {
	if len(elements) == 0 {
		return "", nil, errors.New("no schema")
	}
	d := schemaDescriber{rest: elements[1:]}
	fmt.Fprintf(&d.text, "message %s {\n", printable(elements[0].Name))
	if err := d.children(&elements[0], 1); err != nil {
		return "", nil, err
	}
	d.text.WriteString("}\n")
	if len(d.rest) > 0 {
		return "", nil, fmt.Errorf("%d elements too many in the schema", len(d.rest))
	}
	return d.text.String(), d.leaves, nil
}

type schemaDescriber struct {
	rest   []pqformat.SchemaElement
	text   strings.Builder
	leaves []leaf
	path   []string
}

func (d *schemaDescriber) children(parent *pqformat.SchemaElement, depth int) error {
	if depth > maxDepth {
		return errors.New("the schema is too deep")
	}
	for range parent.NumChildren.V {
		if len(d.rest) == 0 {
			return errors.New("the schema is cut off")
		}
		e := &d.rest[0]
		d.rest = d.rest[1:]
		group := e.NumChildren.Valid && e.NumChildren.V > 0
		if !group && !e.Type.Valid {
			return fmt.Errorf("element %q of the schema has no type", e.Name)
		}
		d.text.WriteString(strings.Repeat("  ", depth))
		fmt.Fprintf(&d.text, "%s %s %s", strings.ToLower(e.RepetitionType.V.String()), typeText(e, group), printable(e.Name))
		if logical := logicalText(e); logical != "" {
			fmt.Fprintf(&d.text, " (%s)", logical)
		}
		if e.FieldID != 0 {
			fmt.Fprintf(&d.text, " = %d", e.FieldID)
		}
		if !group {
			d.text.WriteString(";\n")
			d.leaves = append(d.leaves, leaf{e, append(slices.Clone(d.path), e.Name)})
			continue
		}
		d.path = append(d.path, e.Name)
		d.text.WriteString(" {\n")
		if err := d.children(e, depth+1); err != nil {
			return err
		}
		d.path = d.path[:len(d.path)-1]
		d.text.WriteString(strings.Repeat("  ", depth) + "}\n")
	}
	return nil
}

// printable escapes a name that has characters which are not printable: a terminal could take them for commands.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) || !utf8.ValidString(name) {
		quoted := strconv.Quote(name)
		return quoted[1 : len(quoted)-1]
	}
	return name
}

func typeText(e *pqformat.SchemaElement, group bool) string {
	switch {
	case group:
		return "group"
	case e.Type.V == pqformat.ByteArray:
		return "binary"
	case e.Type.V == pqformat.FixedLenByteArray:
		return fmt.Sprintf("fixed_len_byte_array(%d)", e.TypeLength.V)
	}
	return strings.ToLower(e.Type.V.String())
}

func logicalText(e *pqformat.SchemaElement) string {
	if s, ok := e.LogicalType.Value.(fmt.Stringer); ok {
		return s.String()
	}
	if n := int(e.ConvertedType.V); e.ConvertedType.Valid && n >= 0 && n < len(convertedTypes) {
		return convertedTypes[n]
	}
	return ""
}

// convertedTypes are the logical types of older files, by their number in the specification.
var convertedTypes = [...]string{
	"UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS",
	"TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32", "UINT_64",
	"INT_8", "INT_16", "INT_32", "INT_64", "JSON", "BSON", "INTERVAL",
}

// boundOf returns a bound in the statistics of a leaf as a Go value, or its bytes if they do not encode one.
func boundOf(e *pqformat.SchemaElement, b []byte) any {
	if b == nil {
		return nil
	}
	switch e.Type.V {
	case pqformat.Boolean:
		if len(b) == 1 {
			return b[0] != 0
		}
	case pqformat.Int32:
		if len(b) == 4 {
			return integerOf(e, int64(int32(binary.LittleEndian.Uint32(b))), math.MaxUint32)
		}
	case pqformat.Int64:
		if len(b) == 8 {
			return integerOf(e, int64(binary.LittleEndian.Uint64(b)), math.MaxUint64)
		}
	case pqformat.Float:
		if len(b) == 4 {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	case pqformat.Double:
		if len(b) == 8 {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
	case pqformat.ByteArray:
		switch logicalText(e) {
		case "STRING", "UTF8", "ENUM", "JSON":
			return string(b)
		}
	}
	return b
}

// integerOf returns n as the type that the logical type says: unsigned integers have only the bits of mask.
func integerOf(e *pqformat.SchemaElement, n int64, mask uint64) any {
	switch logical := e.LogicalType.Value.(type) {
	case *pqformat.IntType:
		if !logical.IsSigned {
			return uint64(n) & mask
		}
	case *pqformat.DateType:
		return time.Unix(n*24*60*60, 0).UTC()
	case *pqformat.TimestampType:
		switch logical.Unit.Value.(type) {
		case *pqformat.MilliSeconds:
			return time.UnixMilli(n).UTC()
		case *pqformat.MicroSeconds:
			return time.UnixMicro(n).UTC()
		case *pqformat.NanoSeconds:
			return time.Unix(0, n).UTC()
		}
	}
	return n
}
