package formattest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/schema"
)

var unitsByName = map[string]schema.Unit{"millis": schema.Millis, "micros": schema.Micros, "nanos": schema.Nanos}

// canonical makes a canonical value of JSON whose type wire.mjs described.
func (t wireType) canonical(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, t.want("bool")
	case []any:
		return t.canonicalNested(v)
	case json.Number:
		return t.canonicalScalar(v.String())
	case string:
		return t.canonicalScalar(v)
	}
	return nil, fmt.Errorf("a %s came as %T", t.ID, v)
}

func (t wireType) want(id string) error {
	if t.ID != id {
		return fmt.Errorf("a %s came as %s", t.ID, id)
	}
	return nil
}

func (t wireType) canonicalScalar(s string) (any, error) {
	switch t.ID {
	case "int":
		return Int(s), nil
	case "text":
		return Text(s), nil
	case "json":
		return JSON(s), nil
	case "decimal":
		return Dec(s, t.Scale), nil
	case "float32":
		f, err := strconv.ParseFloat(s, 32)
		return F32(float32(f)), err
	case "float64":
		f, err := strconv.ParseFloat(s, 64)
		return F64(f), err
	case "bytes":
		b, err := base64.StdEncoding.DecodeString(s)
		return Bytes(b), err
	case "uuid":
		var u UUID
		b, err := base64.StdEncoding.DecodeString(s)
		if copy(u[:], b) != len(u) {
			return nil, fmt.Errorf("a UUID of %d bytes", len(b))
		}
		return u, err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no %s: %w", s, t.ID, err)
	}
	unit := unitsByName[t.Unit]
	switch {
	case t.ID == "date":
		return Date(n), nil
	case t.ID == "timestamp" && unit != 0:
		return Timestamp{n, unit, t.UTC}, nil
	case t.ID == "time" && unit != 0:
		return TimeOfDay{n, unit, t.UTC}, nil
	case t.ID == "duration" && unit == schema.Nanos:
		return Duration(n), nil
	}
	return nil, fmt.Errorf("no canonical value for a %s in %s", t.ID, t.Unit)
}

func (t wireType) canonicalNested(items []any) (any, error) {
	return t.nest(items, wireType.canonical)
}

// nest makes a canonical value of a list in JSON; of makes the values of its elements.
func (t wireType) nest(items []any, of func(wireType, any) (any, error)) (any, error) {
	switch strings.ToLower(t.ID) {
	case "list":
		list := make(List, len(items))
		for i := range items {
			var err error
			if list[i], err = of(t.Of[0], items[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	case "map":
		entries := make(Map, len(items))
		for i := range items {
			pair, ok := items[i].([]any)
			if !ok || len(pair) != 2 {
				return nil, fmt.Errorf("an entry of a map came as %v", items[i])
			}
			var err error
			if entries[i].Key, err = of(t.Of[0], pair[0]); err != nil {
				return nil, err
			}
			if entries[i].Value, err = of(t.Of[1], pair[1]); err != nil {
				return nil, err
			}
		}
		return entries, nil
	case "struct":
		fields := make(Struct, len(items))
		for i := range items {
			v, err := of(t.Of[i], items[i])
			if err != nil {
				return nil, err
			}
			fields[i] = Field{t.Of[i].Name, v}
		}
		return fields, nil
	}
	return nil, fmt.Errorf("a %s came as a list", t.ID)
}

// ofDuckDB makes a canonical value of a value of DuckDB.
func (t wireType) ofDuckDB(v any) (any, error) {
	var s string
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, t.want("BOOLEAN")
	case []any:
		return t.nest(v, wireType.ofDuckDB)
	case json.Number:
		s = v.String()
	case string:
		s = v
	default:
		return nil, fmt.Errorf("a %s came as %T", t.ID, v)
	}
	switch t.ID {
	case "VARCHAR", "ENUM":
		if t.Alias == "JSON" {
			return JSON(s), nil
		}
		return Text(s), nil
	case "DECIMAL":
		return Decimal(s), nil
	case "UUID":
		var u UUID
		_, err := hex.Decode(u[:], []byte(strings.ReplaceAll(s, "-", "")))
		return u, err
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT":
		return Int(s), nil
	}
	inner, ok := duckTypes[t.ID]
	if !ok {
		return nil, fmt.Errorf("no canonical value for a %s", t.ID)
	}
	return inner.canonicalScalar(s)
}

// duckTypes maps types of DuckDB to the names of wire.mjs.
var duckTypes = map[string]wireType{
	"BLOB": {ID: "bytes"}, "FLOAT": {ID: "float32"}, "DOUBLE": {ID: "float64"}, "DATE": {ID: "date"},
	"TIME": {ID: "time", Unit: "micros"}, "TIME_TZ": {ID: "time", Unit: "micros", UTC: true},
	"TIME_NS": {ID: "time", Unit: "nanos"}, "TIMESTAMP_MS": {ID: "timestamp", Unit: "millis"},
	"TIMESTAMP":    {ID: "timestamp", Unit: "micros"},
	"TIMESTAMP_TZ": {ID: "timestamp", Unit: "micros", UTC: true}, "TIMESTAMP_NS": {ID: "timestamp", Unit: "nanos"},
}
