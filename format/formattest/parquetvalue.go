package formattest

import (
	"fmt"
	"math/big"
	"strconv"

	"github.com/parquet-go/parquet-go"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
)

// canonicalOfParquet returns the canonical value of a value with its physical and logical type.
func canonicalOfParquet(c *parquet.Column, v parquet.Value) (any, error) {
	kind := v.Kind()
	switch logical := logicalOf(c).(type) {
	case *pqformat.StringType, *pqformat.EnumType:
		return Text(v.ByteArray()), nil
	case *pqformat.JsonType:
		return JSON(v.ByteArray()), nil
	case *pqformat.UUIDType:
		return UUID(v.ByteArray()), nil
	case *pqformat.DecimalType:
		switch kind {
		case parquet.Int32:
			return Dec(strconv.Itoa(int(v.Int32())), int(logical.Scale)), nil
		case parquet.Int64:
			return Dec(strconv.FormatInt(v.Int64(), 10), int(logical.Scale)), nil
		}
		return Dec(twosComplement(v.ByteArray()).String(), int(logical.Scale)), nil
	case *pqformat.DateType:
		return Date(v.Int32()), nil
	case *pqformat.TimestampType:
		return Timestamp{v.Int64(), unitOf(logical.Unit), logical.IsAdjustedToUTC}, nil
	case *pqformat.TimeType:
		if kind == parquet.Int32 {
			return TimeOfDay{int64(v.Int32()), unitOf(logical.Unit), logical.IsAdjustedToUTC}, nil
		}
		return TimeOfDay{v.Int64(), unitOf(logical.Unit), logical.IsAdjustedToUTC}, nil
	case *pqformat.IntType:
		switch {
		case !logical.IsSigned && kind == parquet.Int32:
			return U(v.Uint32()), nil
		case !logical.IsSigned:
			return U(v.Uint64()), nil
		}
	}
	switch kind {
	case parquet.Boolean:
		return v.Boolean(), nil
	case parquet.Int32:
		return I(v.Int32()), nil
	case parquet.Int64:
		return I(v.Int64()), nil
	case parquet.Float:
		return F32(v.Float()), nil
	case parquet.Double:
		return F64(v.Double()), nil
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return Bytes(v.ByteArray()), nil
	}
	return nil, fmt.Errorf("no canonical value for %s of column %q", kind, c.Path())
}

// logicalOf returns the annotation of a node of the schema, or nil.
func logicalOf(c *parquet.Column) pqformat.LogicalTypeValue {
	if t := c.Type().LogicalType(); t != nil {
		return t.Value
	}
	return nil
}

func unitOf(u pqformat.TimeUnit) schema.Unit {
	switch u.Value.(type) {
	case *pqformat.MilliSeconds:
		return schema.Millis
	case *pqformat.MicroSeconds:
		return schema.Micros
	}
	return schema.Nanos
}

// twosComplement returns the number in bytes, the highest first.
func twosComplement(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}
