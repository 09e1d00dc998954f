package formattest

import "testing"

// A Lake is a folder of Parquet files in name=value folders, which is read as a whole. Its readers live in a process that ends
// with the test.
type Lake struct {
	t    testing.TB
	dir  string
	node *node
}

// NewLake returns the Lake of a folder. Where the readers are not installed it skips or fails the test, as DuckDB does.
func NewLake(t testing.TB, dir string) *Lake {
	t.Helper()
	return &Lake{t, dir, startNode(t)}
}

// DuckDB returns the rows of a query in DuckDB, whose columns must be text.
func (l *Lake) DuckDB(sql string) [][]any {
	l.t.Helper()
	return l.texts(request{Reader: "duckdb", SQL: sql})
}

// ClickHouse returns the rows of a query in ClickHouse, each value as text or nil. Names of files are relative to the Lake.
func (l *Lake) ClickHouse(sql string) [][]any {
	l.t.Helper()
	return l.texts(request{Reader: "clickhouse", SQL: sql, Path: l.dir})
}

// Polars returns the values that polars reads in the columns of all files, then in the name=value folders of the given names, which
// must be all. They are text by a schema, with
//
//	pl.scan_parquet("…/**/*.parquet", hive_schema={"name": pl.String, …}, try_parse_hive_dates=False)
func (l *Lake) Polars(folders ...string) [][]any {
	l.t.Helper()
	return l.texts(request{Reader: "polars", Path: l.dir + "/**/*.parquet", Folders: folders})
}

// texts returns the rows of a reader whose values are strings or nil.
func (l *Lake) texts(r request) (rows [][]any) {
	l.t.Helper()
	err := l.node.ask(r, func([]column) {}, func(row []any) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		l.t.Fatalf("%s: %v\nin %s", r.Reader, err, r.SQL)
	}
	return rows
}
