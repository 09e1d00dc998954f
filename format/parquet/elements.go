package parquet

import (
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A tree has the elements of the footer for a schema's nodes, parents first, and the paths of the leaves, with the names of the
// levels between.
type tree struct {
	elements []pqformat.SchemaElement
	leaves   [][]string
}

// treeOf gives lists and maps the three levels that the Parquet specification asks for.
func treeOf(s *schema.Schema, name string) *tree {
	columns := s.Columns()
	root := pqformat.SchemaElement{Name: name}
	root.NumChildren.Set(int32(len(columns)))
	t := &tree{elements: []pqformat.SchemaElement{root}}
	for _, n := range columns {
		t.add(n, nil)
	}
	return t
}

// add adds n and the nodes below it. path leads to n.
func (t *tree) add(n *schema.Node, path []string) {
	e := pqformat.SchemaElement{Name: n.Name(), FieldID: int32(n.ID())}
	e.RepetitionType.Set(pqformat.Required)
	if n.Nullable() {
		e.RepetitionType.Set(pqformat.Optional)
	}
	annotate(&e, n.Type())
	path = append(slices.Clone(path), n.Name())
	children := n.Children()
	switch n.Kind() {
	case schema.List:
		e.NumChildren.Set(1)
		t.elements = append(t.elements, e, repeated("list", 1))
		path = append(path, "list")
	case schema.Map:
		e.NumChildren.Set(1)
		t.elements = append(t.elements, e, repeated("key_value", 2))
		path = append(path, "key_value")
	case schema.Struct:
		e.NumChildren.Set(int32(len(children)))
		t.elements = append(t.elements, e)
	default:
		t.elements = append(t.elements, e)
		t.leaves = append(t.leaves, path)
	}
	for _, child := range children {
		t.add(child, path)
	}
}

func repeated(name string, children int32) pqformat.SchemaElement {
	e := pqformat.SchemaElement{Name: name}
	e.RepetitionType.Set(pqformat.Repeated)
	e.NumChildren.Set(children)
	return e
}

var physicalTypes = map[columns.Physical]pqformat.Type{
	columns.PhysicalBool: pqformat.Boolean, columns.PhysicalInt32: pqformat.Int32, columns.PhysicalInt64: pqformat.Int64,
	columns.PhysicalFloat32: pqformat.Float, columns.PhysicalFloat64: pqformat.Double,
	columns.PhysicalBytes: pqformat.ByteArray, columns.PhysicalFixed: pqformat.FixedLenByteArray,
}

// annotate sets the physical type of a leaf, and the logical type with its older form, for readers that know only that one.
func annotate(e *pqformat.SchemaElement, t schema.Type) {
	if physical, size := columns.PhysicalOf(t); physical != 0 {
		e.Type.Set(physicalTypes[physical])
		if size > 0 {
			e.TypeLength.Set(int32(size)) // MaxFixed fits
		}
	}
	switch k := t.Kind; k {
	case schema.Int8, schema.Int16, schema.Int32, schema.Int64, schema.Duration:
		integer(e, t, true)
	case schema.Uint8, schema.Uint16, schema.Uint32, schema.Uint64:
		integer(e, t, false)
	case schema.String:
		logical(e, new(pqformat.StringType), deprecated.UTF8)
	case schema.JSON:
		logical(e, new(pqformat.JsonType), deprecated.Json)
	case schema.Date:
		logical(e, new(pqformat.DateType), deprecated.Date)
	case schema.List:
		logical(e, new(pqformat.ListType), deprecated.List)
	case schema.Map:
		logical(e, new(pqformat.MapType), deprecated.Map)
	case schema.UUID:
		e.LogicalType.Value = new(pqformat.UUIDType)
	case schema.Decimal:
		scale, precision := int32(t.Scale), int32(t.Precision) // MaxPrecision fits
		logical(e, &pqformat.DecimalType{Scale: scale, Precision: precision}, deprecated.Decimal)
		e.Scale.Set(scale)
		e.Precision.Set(precision)
	case schema.TimeOfDay:
		e.LogicalType.Value = &pqformat.TimeType{IsAdjustedToUTC: !t.Local, Unit: units[t.Unit]}
		older(e, t, map[schema.Unit]deprecated.ConvertedType{
			schema.Millis: deprecated.TimeMillis, schema.Micros: deprecated.TimeMicros,
		})
	case schema.Timestamp:
		e.LogicalType.Value = &pqformat.TimestampType{IsAdjustedToUTC: !t.Local, Unit: units[t.Unit]}
		older(e, t, map[schema.Unit]deprecated.ConvertedType{
			schema.Millis: deprecated.TimestampMillis, schema.Micros: deprecated.TimestampMicros,
		})
	}
}

var units = map[schema.Unit]pqformat.TimeUnit{
	schema.Millis: {Value: new(pqformat.MilliSeconds)},
	schema.Micros: {Value: new(pqformat.MicroSeconds)},
	schema.Nanos:  {Value: new(pqformat.NanoSeconds)},
}

func logical(e *pqformat.SchemaElement, t pqformat.LogicalTypeValue, converted deprecated.ConvertedType) {
	e.LogicalType.Value = t
	e.ConvertedType.Set(converted)
}

// older sets the older form of a time, which means UTC.
func older(e *pqformat.SchemaElement, t schema.Type, byUnit map[schema.Unit]deprecated.ConvertedType) {
	if converted, ok := byUnit[t.Unit]; ok && !t.Local {
		e.ConvertedType.Set(converted)
	}
}

func integer(e *pqformat.SchemaElement, t schema.Type, signed bool) {
	bits, first := int8(64), deprecated.Int64
	switch t.Kind {
	case schema.Int8, schema.Uint8:
		bits, first = 8, deprecated.Int8
	case schema.Int16, schema.Uint16:
		bits, first = 16, deprecated.Int16
	case schema.Int32, schema.Uint32:
		bits, first = 32, deprecated.Int32
	}
	if !signed {
		first -= deprecated.Int8 - deprecated.Uint8
	}
	logical(e, &pqformat.IntType{BitWidth: bits, IsSigned: signed}, first)
}

// encode returns the elements one after the other, as the list in every footer has them.
func (t *tree) encode() (encoded []byte, err error) {
	for i := range t.elements {
		b, err := thrift.Marshal(new(thrift.CompactProtocol), &t.elements[i])
		if err != nil {
			return nil, fmt.Errorf("encode column %q: %w", t.elements[i].Name, err)
		}
		encoded = append(encoded, b...)
	}
	return encoded, nil
}
