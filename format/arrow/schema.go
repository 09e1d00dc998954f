package arrow

import (
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/jetcapture/lake/schema"
)

// The metadata of schemas and fields.
const (
	fingerprintKey = "jetcapture.schema"
	fieldIDKey     = "PARQUET:field_id" // as Arrow's own readers of Parquet call it
	typeKey        = "jetcapture.type"
)

// Schema returns the Arrow schema of all files with the columns of s, whatever they hold. The package documentation says which
// type each column has.
//
// Its metadata has the fingerprint of s as jetcapture.schema; that of a field has its id as PARQUET:field_id, and for uuid
// and json the name of the type as jetcapture.type. They are not extension types of Arrow, since some readers, polars
// among them, fail on extension types that they do not know.
func Schema(s *schema.Schema) *arrow.Schema {
	metadata := arrow.NewMetadata([]string{fingerprintKey}, []string{s.Fingerprint()})
	return arrow.NewSchema(fieldsOf(s.Columns()), &metadata)
}

func fieldsOf(nodes []*schema.Node) []arrow.Field {
	fields := make([]arrow.Field, len(nodes))
	for i, n := range nodes {
		fields[i] = fieldOf(n)
	}
	return fields
}

func fieldOf(n *schema.Node) arrow.Field {
	keys, values := []string{fieldIDKey}, []string{strconv.Itoa(n.ID())}
	if k := n.Kind(); k == schema.UUID || k == schema.JSON {
		keys, values = append(keys, typeKey), append(values, k.String())
	}
	return arrow.Field{Name: n.Name(), Type: typeOf(n), Nullable: n.Nullable(), Metadata: arrow.NewMetadata(keys, values)}
}

// typeOf returns the Arrow type of a node.
func typeOf(n *schema.Node) arrow.DataType {
	t := n.Type()
	switch t.Kind {
	case schema.String, schema.JSON:
		return arrow.BinaryTypes.String
	case schema.Bytes:
		return arrow.BinaryTypes.Binary
	case schema.Fixed:
		return &arrow.FixedSizeBinaryType{ByteWidth: t.Size}
	case schema.UUID:
		return &arrow.FixedSizeBinaryType{ByteWidth: 16}
	case schema.Timestamp:
		if t.Local {
			return &arrow.TimestampType{Unit: unitOf(t.Unit)}
		}
		return &arrow.TimestampType{Unit: unitOf(t.Unit), TimeZone: "UTC"}
	case schema.TimeOfDay:
		if t.Unit == schema.Millis {
			return arrow.FixedWidthTypes.Time32ms
		}
		return &arrow.Time64Type{Unit: unitOf(t.Unit)}
	case schema.Duration:
		return arrow.FixedWidthTypes.Duration_ns
	case schema.Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	case schema.List:
		element := fieldOf(n.Element())
		element.Name = "item" // as Arrow calls it
		return arrow.ListOfField(element)
	case schema.Map:
		key, value := n.KeyValue()
		k, v := fieldOf(key), fieldOf(value)
		m := arrow.MapOfWithMetadata(k.Type, k.Metadata, v.Type, v.Metadata)
		m.SetItemNullable(v.Nullable)
		return m
	case schema.Struct:
		return arrow.StructOf(fieldsOf(n.Children())...)
	}
	return numbers[t.Kind]
}

// numbers are the types that have no parameters.
var numbers = map[schema.Kind]arrow.DataType{
	schema.Bool:    arrow.FixedWidthTypes.Boolean,
	schema.Int8:    arrow.PrimitiveTypes.Int8,
	schema.Int16:   arrow.PrimitiveTypes.Int16,
	schema.Int32:   arrow.PrimitiveTypes.Int32,
	schema.Int64:   arrow.PrimitiveTypes.Int64,
	schema.Uint8:   arrow.PrimitiveTypes.Uint8,
	schema.Uint16:  arrow.PrimitiveTypes.Uint16,
	schema.Uint32:  arrow.PrimitiveTypes.Uint32,
	schema.Uint64:  arrow.PrimitiveTypes.Uint64,
	schema.Float32: arrow.PrimitiveTypes.Float32,
	schema.Float64: arrow.PrimitiveTypes.Float64,
	schema.Date:    arrow.FixedWidthTypes.Date32,
}

func unitOf(u schema.Unit) arrow.TimeUnit {
	switch u {
	case schema.Millis:
		return arrow.Millisecond
	case schema.Micros:
		return arrow.Microsecond
	}
	return arrow.Nanosecond
}
