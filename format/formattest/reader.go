package formattest

import (
	"fmt"
	"testing"
)

// A Reader reads files with a library of others.
type Reader struct {
	name   string
	read   func(path string) (*Table, error)
	limits []limit
}

// Table has the rows that a Reader read from a file.
type Table struct {
	Columns []string
	Rows    []Struct
}

// Name returns the reader's name.
func (r Reader) Name() string { return r.name }

// Read returns the rows of the file in their order, in canonical values.
func (r Reader) Read(path string) (*Table, error) {
	table, err := r.read(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return table, nil
}

// ParquetReaders returns all readers of Parquet, in this order: parquet-go, DuckDB, Rust's parquet, hyparquet and polars. All
// but the first live in a process that ends with the test. Where they are not installed, it skips or fails the test, as
// DuckDB does. With the race detector it skips the test.
func ParquetReaders(t testing.TB) []Reader {
	t.Helper()
	skipMatrix(t)
	n := startNode(t)
	return []Reader{
		ParquetGo(), duckReader(n), nodeReader(n, "parquet-wasm", limitsOfParquetWASM),
		nodeReader(n, "hyparquet", limitsOfHyparquet), nodeReader(n, "polars", limitsOfPolars),
	}
}

// ArrowReaders returns all readers of Arrow IPC files and streams: Arrow's own JavaScript, and polars. See ParquetReaders.
func ArrowReaders(t testing.TB) []Reader {
	t.Helper()
	skipMatrix(t)
	n := startNode(t)
	return []Reader{nodeReader(n, "apache-arrow", limitsOfArrowJS), nodeReader(n, "polars", limitsOfPolarsArrow)}
}

// Reader returns the Duck as a reader of Parquet files.
func (d *Duck) Reader() Reader { return duckReader(d.node) }

func duckReader(n *node) Reader {
	return Reader{"duckdb", func(path string) (*Table, error) {
		sql := "SELECT * FROM read_parquet(" + Quote(path) + ")"
		return n.table(request{Reader: "duckdb", SQL: sql}, wireType.ofDuckDB)
	}, limitsOfDuckDB}
}

func nodeReader(n *node, name string, limits []limit) Reader {
	return Reader{name, func(path string) (*Table, error) {
		return n.table(request{Reader: name, Path: path}, wireType.canonical)
	}, limits}
}

// table makes a Table of the answer to r.
func (n *node) table(r request, value func(wireType, any) (any, error)) (*Table, error) {
	table := new(Table)
	var columns []column
	err := n.ask(r, func(c []column) {
		columns = c
		for i := range c {
			table.Columns = append(table.Columns, c[i].Name)
		}
	}, func(values []any) error {
		row := make(Struct, len(columns))
		for i := range columns {
			v, err := value(columns[i].Type, values[i])
			if err != nil {
				return fmt.Errorf("column %q: %w", columns[i].Name, err)
			}
			row[i] = Field{columns[i].Name, v}
		}
		table.Rows = append(table.Rows, row)
		return nil
	})
	return table, err
}

// Check returns the differences between the table and the rows that were written to the file, one line for each value, except those
// that the reader's limits explain. It ends with the row that brings it to five lines.
func (r Reader) Check(table *Table, columns []string, rows []Struct) []string {
	var found []string
	if fmt.Sprint(table.Columns) != fmt.Sprint(columns) {
		found = append(found, fmt.Sprintf("%s: columns are %q, want %q", r.name, table.Columns, columns))
	}
	if len(table.Rows) != len(rows) {
		found = append(found, fmt.Sprintf("%s: %d rows, want %d", r.name, len(table.Rows), len(rows)))
	}
	for i := range min(len(rows), len(table.Rows)) {
		want := r.sees(rows[i])
		for c := range min(len(want), len(table.Rows[i])) {
			at := fmt.Sprintf("%s: row %d, %s", r.name, i, want[c].Name)
			if d := difference(at, table.Rows[i][c].Value, want[c].Value); d != "" {
				found = append(found, d)
			}
		}
		if len(found) >= 5 {
			break
		}
	}
	return found
}
