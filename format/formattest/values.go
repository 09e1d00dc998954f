package formattest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// String returns the type as DuckDB prints it.
func (t wireType) String() string {
	if len(t.Of) == 0 {
		return t.ID
	}
	of := make([]string, len(t.Of))
	for i, inner := range t.Of {
		of[i] = strings.TrimLeft(inner.Name+" "+inner.String(), " ")
	}
	return t.ID + "(" + strings.Join(of, ", ") + ")"
}

// value turns a value in JSON into the Go value that Duck documents.
func (t wireType) value(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch v := v.(type) {
	case bool:
		return v, nil
	case []any:
		return t.nested(v)
	case json.Number:
		return t.scalar(v.String())
	case string:
		return t.scalar(v)
	}
	return nil, fmt.Errorf("a %s came as %T", t.ID, v)
}

func (t wireType) scalar(s string) (any, error) {
	switch t.ID {
	case "VARCHAR", "ENUM", "UUID", "DECIMAL", "INTERVAL":
		return s, nil
	case "BLOB":
		b, err := base64.StdEncoding.DecodeString(s)
		return append([]byte{}, b...), err
	case "FLOAT":
		f, err := strconv.ParseFloat(s, 32)
		return float32(f), err
	case "DOUBLE":
		return strconv.ParseFloat(s, 64)
	case "UBIGINT":
		return strconv.ParseUint(s, 10, 64)
	case "HUGEINT", "UHUGEINT":
		n, ok := new(big.Int).SetString(s, 10)
		if !ok {
			return nil, fmt.Errorf("%q is no %s", s, t.ID)
		}
		return n, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no %s: %w", s, t.ID, err)
	}
	switch t.ID {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER":
		return n, nil
	case "DATE":
		return time.Unix(n*24*60*60, 0).UTC(), nil
	case "TIME", "TIME_TZ": // of a file, whose only zone is UTC
		return time.Duration(n) * time.Microsecond, nil
	case "TIMESTAMP_S":
		return time.Unix(n, 0).UTC(), nil
	case "TIMESTAMP_MS":
		return time.UnixMilli(n).UTC(), nil
	case "TIMESTAMP", "TIMESTAMP_TZ":
		return time.UnixMicro(n).UTC(), nil
	case "TIMESTAMP_NS":
		return time.Unix(0, n).UTC(), nil
	case "TIME_NS":
		return time.Duration(n), nil
	}
	return nil, fmt.Errorf("no Go value for a %s", t.ID)
}

func (t wireType) nested(items []any) (any, error) {
	switch t.ID {
	case "LIST":
		for i := range items {
			v, err := t.Of[0].value(items[i])
			if err != nil {
				return nil, err
			}
			items[i] = v
		}
		return items, nil
	case "MAP":
		entries := make([]Entry, len(items))
		for i, item := range items {
			pair, ok := item.([]any)
			if !ok || len(pair) != 2 {
				return nil, fmt.Errorf("an entry of a MAP came as %v", item)
			}
			k, err := t.Of[0].value(pair[0])
			if err != nil {
				return nil, err
			}
			v, err := t.Of[1].value(pair[1])
			if err != nil {
				return nil, err
			}
			entries[i] = Entry{k, v}
		}
		return entries, nil
	case "STRUCT":
		fields := make(map[string]any, len(items))
		for i := range items {
			v, err := t.Of[i].value(items[i])
			if err != nil {
				return nil, err
			}
			fields[t.Of[i].Name] = v
		}
		return fields, nil
	}
	return nil, fmt.Errorf("a %s came as a list", t.ID)
}
