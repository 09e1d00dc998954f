package schema_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/schema/internal/rowtest"
)

var badTypes = []reflect.Type{
	reflect.TypeFor[chan int](), reflect.TypeFor[func()](), reflect.TypeFor[complex64](), reflect.TypeFor[any](), reflect.TypeFor[tree](),
	reflect.TypeFor[loop](), reflect.TypeFor[sliceLoop](), reflect.TypeFor[mapLoop](), reflect.TypeFor[Ring](), reflect.TypeFor[empty](),
	reflect.TypeFor[uintptr](), reflect.TypeFor[[0]int](), reflect.TypeFor[Event](), reflect.TypeFor[Timestamp](), reflect.TypeFor[error](),
	reflect.TypeFor[[0]byte](), reflect.TypeFor[*json.Marshaler](), reflect.TypeFor[struct{}](), reflect.TypeFor[reflect.Type](),
}

var fuzzWords = []string{
	"optional", "snappy", "gzip", "brotli", "lz4", "zstd", "uncompressed", "plain", "dict", "delta", "split", "list", "enum", "bytes",
	"string", "json", "uuid", "decimal(2:9)", "decimal(0:38)", "decimal(9:2)", "date", "time", "time(microsecond:local)", "timestamp",
	"timestamp(nanosecond)", "timestamp(x)", "int(8)", "int(64)", "uint(32)", "int(9)", "id(7)", "id(0)", "variant", "-", "", "wat(",
}

func FuzzSchemasOfAnyTypeAreSound(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, "")
	}
	f.Add(uint64(1), `parquet:"a,decimal(2:9)" json:"-"`)
	f.Fuzz(func(t *testing.T, seed uint64, tag string) {
		r := rowtest.Random{Rand: rand.New(rand.NewPCG(seed, 1)), Types: badTypes, Words: fuzzWords}
		rowType := r.StructType(4)
		if tag != "" {
			rowType = reflect.StructOf([]reflect.StructField{{Name: "A", Type: r.AnyType(2), Tag: reflect.StructTag(tag)}})
		}
		s, err := schema.OfType(rowType)
		if err != nil {
			return
		}
		data, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back schema.Schema
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s\n%s: %v", s, data, err)
		}
		if back.String() != s.String() {
			t.Errorf("schema is\n%s\nafter JSON\n%s", s, &back)
		}
		c := columns.New(s)
		plan, err := columns.Compile[any](s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Append(c, reflect.New(rowType).Interface()); err == nil && len(rowtest.Assemble(c)) != 1 {
			t.Errorf("a zero value is not one row of\n%s", s)
		}
	})
}

func FuzzSchemasFromJSONAreSound(f *testing.F) {
	data, err := json.Marshal(of[kinds](f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"columns":[{"name":"a","id":1,"type":"list","columns":[{"name":"element","id":2,"type":"fixed(3)"}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s schema.Schema
		if json.Unmarshal(data, &s) != nil {
			return
		}
		reencoded, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		var back schema.Schema
		if err := json.Unmarshal(reencoded, &back); err != nil || back.Fingerprint() != s.Fingerprint() {
			t.Errorf("%s is not what it was: %v", reencoded, err)
		}
		if len(s.Leaves()) == 0 {
			t.Errorf("%s has no leaves", reencoded)
		}
		made, err := schema.New(describe(s.Columns())...)
		if err != nil || made.String() != s.String() {
			t.Fatalf("%s is not what it was, made of fields: %v", reencoded, err)
		}
		c := columns.New(made)
		for range 2 {
			rows, err := c.AppendRow(func(r *columns.Row) error { return setAny(r, made.Columns()) })
			if flat := len(made.Leaves()) == len(made.Columns()) && !nests(made); flat != (err == nil) || c.Rows() != len(rowtest.Assemble(c)) {
				t.Fatalf("%s: %d rows with the error %v", reencoded, rows, err)
			}
		}
	})
}

func describe(nodes []*schema.Node) (fields []schema.Field) {
	for _, n := range nodes {
		fields = append(fields, schema.Field{n.Name(), n.ID(), n.Type(), n.Nullable(), n.Hints(), describe(n.Children())})
	}
	return fields
}

func nests(s *schema.Schema) bool {
	return slices.ContainsFunc(s.Columns(), func(n *schema.Node) bool { return !n.Kind().IsLeaf() })
}

// setAny sets each column to the first of some values that it takes.
func setAny(r *columns.Row, columns []*schema.Node) error {
	for i, n := range columns {
		if n.Nullable() && i%2 == 0 {
			if err := r.Null(i); err != nil {
				return err
			}
			continue
		}
		if r.Int(i, 1) != nil && r.Text(i, "1") != nil && r.Bytes(i, make([]byte, n.Type().Size)) != nil && r.Bool(i, true) != nil &&
			r.Float(i, 1) != nil {
			if err := r.Text(i, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"); err != nil {
				return err
			}
		}
	}
	return nil
}

func randomSchema(t testing.TB, seed uint64) *schema.Schema {
	t.Helper()
	r := rowtest.Random{Rand: rand.New(rand.NewPCG(seed, 2))}
	s, err := schema.OfType(r.StructType(4))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
