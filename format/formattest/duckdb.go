package formattest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Duck is a DuckDB in a process of its own, for one test. Its SQL reads files where they are: read_parquet('…'),
// read_csv('…'), read_json('…'). It never uses the network, and its time zone is UTC.
//
// Values come as nil (NULL), bool, int64 (all integers up to BIGINT), uint64 (UBIGINT), *big.Int (HUGEINT, UHUGEINT),
// float32, float64, string (VARCHAR, ENUM, UUID, DECIMAL, INTERVAL), []byte (BLOB, never nil), time.Time in UTC (DATE and
// all TIMESTAMP types), time.Duration (TIME), []any (LIST, ARRAY), []Entry (MAP), map[string]any (STRUCT).
type Duck struct {
	t       testing.TB
	mu      sync.Mutex
	process *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	last    int // id of the last request
}

// Rows is the result of a query.
type Rows struct {
	Columns []string // names
	Types   []string // as DuckDB prints them, without parameters: BIGINT, LIST(VARCHAR), MAP(VARCHAR, LIST(VARCHAR))
	Values  [][]any  // rows of columns
}

// Entry is one entry of a MAP.
type Entry struct{ Key, Value any }

// DuckDB starts a DuckDB that ends with the test. Where the readers are not installed it skips the test, and where
// they are required, because CI or JETCAPTURE_REQUIRE_TOOLS is set, it fails the test.
func DuckDB(t testing.TB) *Duck {
	t.Helper()
	dir, err := readers()
	if err != nil {
		missing(t, err)
	}
	d := &Duck{t: t, process: exec.CommandContext(context.WithoutCancel(t.Context()), "node", filepath.Join(dir, "reader.mjs"))}
	d.process.Stderr = os.Stderr
	out, err := d.process.StdoutPipe()
	if err != nil {
		t.Fatalf("start DuckDB: %v", err)
	}
	if d.in, err = d.process.StdinPipe(); err != nil {
		t.Fatalf("start DuckDB: %v", err)
	}
	if err := d.process.Start(); err != nil {
		t.Fatalf("start DuckDB: %v", err)
	}
	t.Cleanup(d.close)
	d.answers = json.NewDecoder(out)
	d.answers.UseNumber()
	return d
}

// readers returns the folder of reader.mjs, with its packages installed.
func readers() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "readers")
	binding, err := filepath.Glob(filepath.Join(dir, "node_modules", "@duckdb", "node-bindings-*"))
	if err != nil || len(binding) == 0 {
		return "", fmt.Errorf("no DuckDB for this system in %s", filepath.Join(dir, "node_modules"))
	}
	if _, err := exec.LookPath("node"); err != nil {
		return "", err
	}
	return dir, nil
}

func missing(t testing.TB, err error) {
	t.Helper()
	const loud = "NOT TESTED: no foreign reader: %v; `make tools` installs it, or `npm ci` in format/formattest/readers"
	if os.Getenv("CI") != "" || os.Getenv("JETCAPTURE_REQUIRE_TOOLS") != "" {
		t.Fatalf(loud, err)
	}
	t.Skipf(loud, err)
}

func (d *Duck) close() {
	_ = d.in.Close()
	_ = d.process.Process.Kill()
	_ = d.process.Wait()
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

// Each calls each with one row after the other, for results that are too large to be held. An error ends the test.
func (d *Duck) Each(sql string, each func(row []any)) {
	d.t.Helper()
	if _, err := d.run(sql, each); err != nil {
		d.t.Fatalf("%v\nin %s", err, sql)
	}
}

// QueryRow returns the one row that sql has. Another number of rows ends the test.
func (d *Duck) QueryRow(sql string) []any {
	d.t.Helper()
	rows := d.Query(sql).Values
	if len(rows) != 1 {
		d.t.Fatalf("%d rows instead of 1 in %s", len(rows), sql)
	}
	return rows[0]
}

// QueryInt returns the one integer that sql has. Anything else ends the test.
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

type request struct {
	ID  int    `json:"id"`
	SQL string `json:"sql"`
}

type answer struct {
	ID      int      `json:"id"`
	Columns []column `json:"columns"`
	Rows    [][]any  `json:"rows"`
	Done    bool     `json:"done"`
	Error   string   `json:"error"`
}

func (d *Duck) run(sql string, each func(row []any)) ([]column, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	if err := json.NewEncoder(d.in).Encode(request{d.last, sql}); err != nil {
		return nil, fmt.Errorf("ask DuckDB: %w", err)
	}
	var columns []column
	for {
		var a answer
		if err := d.answers.Decode(&a); err != nil {
			return nil, fmt.Errorf("DuckDB is gone: %w", err)
		}
		switch {
		case a.ID != d.last: // left over from a query whose caller did not stay for all rows
			continue
		case a.Error != "":
			return columns, errors.New(a.Error)
		case a.Done:
			return columns, nil
		case a.Columns != nil:
			columns = a.Columns
		}
		for _, row := range a.Rows {
			for i := range row {
				v, err := columns[i].Type.value(row[i])
				if err != nil {
					return columns, fmt.Errorf("column %q: %w", columns[i].Name, err)
				}
				row[i] = v
			}
			each(row)
		}
	}
}
