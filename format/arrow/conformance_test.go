package arrow_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// maker makes Writers with options.
func maker(o arrow.Options) formattest.Maker {
	return func(plan columns.Appender[any]) (func() format.Writer[any], error) { return arrow.PlanWriters(plan, o) }
}

// ways are those in which cases are written.
var ways = []struct {
	name    string
	options arrow.Options
}{
	{"file", arrow.Options{}},
	{"file of small batches", arrow.Options{BatchRows: 7}},
	{"zstd", arrow.Options{Codec: arrow.Zstd, BatchRows: 50}},
	{"lz4", arrow.Options{Codec: arrow.LZ4}},
	{"stream", arrow.Options{Stream: true, BatchRows: 11}},
}

func TestForeignReadersReadWhatWasWritten(t *testing.T) {
	readers := formattest.ArrowReaders(t)
	for i, c := range slices.Concat(formattest.Matrix(), formattest.Traps(), formattest.Patterns()) {
		t.Run(c.Name, func(t *testing.T) {
			conforms(t, c, ways[0].options, readers)
			conforms(t, c, ways[1+i%(len(ways)-1)].options, readers) // all would take long
		})
	}
}

func TestForeignReadersReadRandomTypes(t *testing.T) {
	readers := formattest.ArrowReaders(t)
	for seed := range uint64(60) {
		c := formattest.Random(seed)
		way := ways[seed%uint64(len(ways))]
		t.Run(fmt.Sprintf("%s as %s", c.Name, way.name), func(t *testing.T) { conforms(t, c, way.options, readers) })
	}
}

// conforms writes the case, and has each reader read it back.
func conforms(t *testing.T, c *formattest.Case, o arrow.Options, readers []formattest.Reader) {
	t.Helper()
	s, err := schema.OfType(c.Type, c.Options...)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "case")
	if err := c.Write(path, maker(o)); err != nil {
		t.Fatal(err)
	}
	for _, r := range readers {
		in := *c
		in.Want = make([]formattest.Struct, len(c.Want))
		for i := range c.Want {
			in.Want[i] = arrowFields(s.Columns(), c.Want[i], r.Name() == "polars")
		}
		for _, difference := range in.Differences(path, []formattest.Reader{r}) {
			t.Error(difference)
		}
	}
}

// arrowValue makes v, of a node, the value that Arrow has for it: JSON is text, and a UUID is bytes. Polars forgets which
// maps are null, those of Arrow's own writers too: they are empty.
func arrowValue(n *schema.Node, v any, polars bool) any {
	if v == nil && polars && n.Kind() == schema.Map {
		return formattest.Map{}
	}
	switch v := v.(type) {
	case formattest.JSON:
		return formattest.Text(v)
	case formattest.UUID:
		return formattest.Bytes(v[:])
	case formattest.List:
		list := make(formattest.List, len(v))
		for i := range v {
			list[i] = arrowValue(n.Element(), v[i], polars)
		}
		return list
	case formattest.Map:
		key, value := n.KeyValue()
		entries := make(formattest.Map, len(v))
		for i, e := range v {
			entries[i] = formattest.Entry{Key: arrowValue(key, e.Key, polars), Value: arrowValue(value, e.Value, polars)}
		}
		return entries
	case formattest.Struct:
		return arrowFields(n.Children(), v, polars)
	}
	return v
}

func arrowFields(nodes []*schema.Node, values formattest.Struct, polars bool) formattest.Struct {
	fields := make(formattest.Struct, len(values))
	for i, f := range values {
		fields[i] = formattest.Field{Name: f.Name, Value: arrowValue(nodes[i], f.Value, polars)}
	}
	return fields
}

func TestForeignReadersReadRawMessages(t *testing.T) {
	readers := formattest.ArrowReaders(t)
	messages := formattest.Messages()
	for _, way := range ways {
		path := filepath.Join(t.TempDir(), "raw")
		if err := os.WriteFile(path, encoded(t, rawFactory(t, way.options)(), messages...), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range readers {
			table, err := r.Read(path)
			if err != nil {
				t.Errorf("%s: %v", way.name, err)
				continue
			}
			var want []formattest.Struct
			for _, m := range messages {
				want = append(want, canonicalRaw(m))
			}
			for _, difference := range r.Check(table, format.RawColumns(), want) {
				t.Errorf("%s: %s", way.name, difference)
			}
		}
	}
}

// canonicalRaw returns the columns of a message as foreign readers are to see them.
func canonicalRaw(m *formattest.Message) formattest.Struct {
	row := rawRow(m)
	row[2] = headersOf(m)
	values := formattest.Struct{}
	for i, name := range format.RawColumns() {
		v := row[i]
		switch s, isText := v.(string); {
		case name == "data":
			v = formattest.Bytes(s)
		case name == "timestamp":
			v = formattest.Timestamp{Count: m.Timestamp.UnixMicro(), Unit: schema.Micros, UTC: true}
		case isText && i >= 6:
			v = formattest.Int(s)
		case isText:
			v = formattest.Text(s)
		}
		values = append(values, formattest.Field{Name: name, Value: v})
	}
	return values
}

func headersOf(m *formattest.Message) formattest.Map {
	headers := formattest.Map{}
	for name, values := range m.Headers {
		list := formattest.List{}
		for _, v := range values {
			list = append(list, formattest.Text(v))
		}
		headers = append(headers, formattest.Entry{Key: formattest.Text(name), Value: list})
	}
	slices.SortFunc(headers, func(a, b formattest.Entry) int {
		x, _ := a.Key.(formattest.Text)
		y, _ := b.Key.(formattest.Text)
		return cmp.Compare(x, y)
	})
	return headers
}
