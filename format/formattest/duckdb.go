package formattest

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
)

// Duck is a DuckDB in a process of its own, for one test. Its SQL reads files by their paths: read_parquet('…'),
// read_csv('…'), read_json('…'). It never uses the network, and its time zone is UTC.
//
// Values come as nil (NULL), bool, int64 (all integers up to BIGINT), uint64 (UBIGINT), *big.Int (HUGEINT, UHUGEINT),
// float32, float64, string (VARCHAR, ENUM, UUID, DECIMAL, INTERVAL), []byte (BLOB, never nil), time.Time in UTC (DATE and
// all TIMESTAMP types), time.Duration (TIME), []any (LIST, ARRAY), []Entry (MAP), map[string]any (STRUCT).
type Duck struct {
	t    testing.TB
	node *node
}

// Rows is the result of a query.
type Rows struct {
	Columns []string // names
	Types   []string // as DuckDB prints them, without parameters: BIGINT, LIST(VARCHAR), MAP(VARCHAR, LIST(VARCHAR))
	Values  [][]any  // rows of columns
}

// DuckDB starts a DuckDB that ends with the test. Where the readers are not installed it skips the test, and where
// they are required, because CI or JETCAPTURE_REQUIRE_TOOLS is set, it fails the test.
func DuckDB(t testing.TB) *Duck {
	t.Helper()
	return &Duck{t, startNode(t)}
}

// Query returns all rows of the last statement in sql. An error ends the test.
func (d *Duck) Query(sql string) *Rows {
	d.t.Helper()
	rows, err := d.Try(sql)
	if err != nil {
		d.t.Fatalf("%v\nin %s", err, sql)
	}
	return rows
}

// Try is Query for SQL that may fail.
func (d *Duck) Try(sql string) (*Rows, error) {
	rows := new(Rows)
	columns, err := d.run(sql, func(row []any) { rows.Values = append(rows.Values, row) })
	for _, c := range columns {
		rows.Columns = append(rows.Columns, c.Name)
		rows.Types = append(rows.Types, c.Type.String())
	}
	return rows, err
}

// Each calls each with one row after the other, for results that are too large for memory. An error ends the test.
func (d *Duck) Each(sql string, each func(row []any)) {
	d.t.Helper()
	if _, err := d.run(sql, each); err != nil {
		d.t.Fatalf("%v\nin %s", err, sql)
	}
}

// QueryRow returns the only row of a result. Another number of rows ends the test.
func (d *Duck) QueryRow(sql string) []any {
	d.t.Helper()
	rows := d.Query(sql).Values
	if len(rows) != 1 {
		d.t.Fatalf("%d rows instead of 1 in %s", len(rows), sql)
	}
	return rows[0]
}

// QueryInt returns the only value of a result, an integer. Anything else ends the test.
func (d *Duck) QueryInt(sql string) int64 {
	d.t.Helper()
	switch v := d.QueryRow(sql)[0].(type) {
	case int64:
		return v
	case *big.Int: // sum() of a BIGINT
		if v.IsInt64() {
			return v.Int64()
		}
	}
	d.t.Fatalf("not an integer of 64 bits in %s", sql)
	return 0
}

// Quote returns s, such as the path of a file, as a string of SQL.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (d *Duck) run(sql string, each func(row []any)) ([]column, error) {
	var columns []column
	err := d.node.ask(request{Reader: "duckdb", SQL: sql}, func(c []column) { columns = c }, func(row []any) error {
		for i := range row {
			v, err := columns[i].Type.value(row[i])
			if err != nil {
				return fmt.Errorf("column %q: %w", columns[i].Name, err)
			}
			row[i] = v
		}
		each(row)
		return nil
	})
	return columns, err
}
