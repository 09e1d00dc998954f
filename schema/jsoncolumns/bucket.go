package jsoncolumns

import (
	"slices"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
)

// Operation is the name of the column that says what a message does to its key in a key-value bucket: Put, Delete or Purge.
const Operation = "operation"

// The values of the column Operation.
const (
	Put    = "PUT"
	Delete = "DEL"
	Purge  = "PURGE"
)

// operationField has an id that no list of columns comes up to, so that the others keep theirs.
var operationField = schema.Field{Name: Operation, ID: 1_000_000, Type: schema.Type{Kind: schema.String}, Hints: schema.Hints{Encoding: schema.Dict}}

// operation returns what a message does to its key, as clients of buckets read it: they write KV-Operation, and servers write
// Nats-Marker-Reason where a limit removes the last value.
func operation(m *format.RawMessage) string {
	switch header(m, "KV-Operation") {
	case Delete:
		return Delete
	case Purge:
		return Purge
	}
	switch header(m, "Nats-Marker-Reason") {
	case "Remove":
		return Delete
	case "MaxAge", "Purge":
		return Purge
	}
	return Put
}

func header(m *format.RawMessage, name string) string {
	if values := m.Headers[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// hasOperation reports whether a column has the name of Operation, as readers compare names.
func hasOperation(columns []Column) bool {
	return slices.ContainsFunc(columns, func(c Column) bool { return fold(c.Name) == Operation })
}
