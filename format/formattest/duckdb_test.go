package formattest_test

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jetcapture/lake/format/formattest"
)

func TestValuesOfDuckDBLoseNothing(t *testing.T) {
	duck := formattest.DuckDB(t)
	big1, _ := new(big.Int).SetString("170141183460469231731687303715884105727", 10)
	for sql, want := range map[string]any{
		"9223372036854775807::BIGINT":                      int64(math.MaxInt64),
		"(-9223372036854775807-1)::BIGINT":                 int64(math.MinInt64),
		"18446744073709551615::UBIGINT":                    uint64(math.MaxUint64),
		"170141183460469231731687303715884105727::HUGEINT": big1,
		"(-128)::TINYINT":                                  int64(-128),
		"0.1::DOUBLE":                                      0.1,
		"'-0'::DOUBLE":                                     math.Copysign(0, -1),
		"'inf'::DOUBLE":                                    math.Inf(1),
		"0.1::FLOAT":                                       float32(0.1),
		"true":                                             true,
		"NULL":                                             nil,
		"'a''b\u2028\u00e9😀'":                              "a'b\u2028é😀",
		"chr(0) || 'x'":                                    "\x00x",
		"'\\x00\\xFF'::BLOB":                               []byte{0, 255},
		"''::BLOB":                                         []byte{},
		"12.50::DECIMAL(9,2)":                              "12.50",
		"DATE '1969-12-31'":                                time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC),
		"TIMESTAMPTZ '2026-01-02 03:04:05.678901+02'":  time.Date(2026, 1, 2, 1, 4, 5, 678901000, time.UTC),
		"TIMESTAMP '2026-01-02 03:04:05.678901'":       time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		"TIMESTAMP_NS '2026-01-02 03:04:05.678901234'": time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC),
		"TIMESTAMP_MS '2026-01-02 03:04:05.678'":       time.Date(2026, 1, 2, 3, 4, 5, 678000000, time.UTC),
		"TIMESTAMP_S '2026-01-02 03:04:05'":            time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"TIME '00:00:01.5'":                            1500 * time.Millisecond,
		"[1, NULL, 3]":                                 []any{int64(1), nil, int64(3)},
		"MAP {'b': ['x'], 'a': []}":                    []formattest.Entry{{"b", []any{"x"}}, {"a", []any{}}},
		"{'a': 1, 'b': {'c': NULL::BLOB}}":             map[string]any{"a": int64(1), "b": map[string]any{"c": nil}},
	} {
		if got := duck.QueryRow("SELECT " + sql)[0]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %T %v, want %T %v", sql, got, got, want, want)
		}
	}
	if nan := duck.QueryRow("SELECT 'nan'::DOUBLE")[0].(float64); !math.IsNaN(nan) {
		t.Errorf("NaN is %v", nan)
	}
}

func TestResultsLargerThanAPipeArriveWhole(t *testing.T) {
	duck := formattest.DuckDB(t)
	rows, sum := 0, int64(0)
	duck.Each("SELECT i, repeat('x', 100)::BLOB, 'subject.' || i FROM range(200000) r(i)", func(row []any) {
		rows++
		sum += row[0].(int64)
		if len(row[1].([]byte)) != 100 {
			t.Fatalf("a blob of %d bytes", len(row[1].([]byte)))
		}
	})
	if rows != 200_000 || sum != 200_000*199_999/2 {
		t.Errorf("%d rows with the sum %d", rows, sum)
	}
	if n := duck.QueryInt("SELECT sum(length(b)) FROM (SELECT repeat('x', 20000000) b)"); n != 20_000_000 {
		t.Errorf("sum is %d", n)
	}
	if row := duck.QueryRow("SELECT repeat('y', 20000000)"); len(row[0].(string)) != 20_000_000 {
		t.Errorf("a large value has %d bytes", len(row[0].(string)))
	}
}

func TestABadQueryIsAnErrorAndTheNextOneWorks(t *testing.T) {
	duck := formattest.DuckDB(t)
	if _, err := duck.Try("SELECT nothing FROM nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error is %v", err)
	}
	if n := duck.QueryInt("SELECT 42"); n != 42 {
		t.Errorf("the next query returned %d", n)
	}
}

func TestAQueryThatIsLeftEarlyDoesNotDisturbTheNext(t *testing.T) {
	duck := formattest.DuckDB(t)
	left := make(chan struct{})
	go func() {
		defer close(left)
		duck.Each("SELECT i FROM range(100000) r(i)", func([]any) { runtime.Goexit() })
	}()
	<-left
	if n := duck.QueryInt("SELECT 42"); n != 42 {
		t.Errorf("the next query returned %d", n)
	}
}

func TestTypesAreNamed(t *testing.T) {
	duck := formattest.DuckDB(t)
	rows := duck.Query("SELECT MAP {'a': [1]} AS m, {'x': 1::BIGINT} AS s")
	if want := []string{"MAP(VARCHAR, LIST(INTEGER))", "STRUCT(x BIGINT)"}; !reflect.DeepEqual(rows.Types, want) {
		t.Errorf("types are %q, want %q", rows.Types, want)
	}
	if want := []string{"m", "s"}; !reflect.DeepEqual(rows.Columns, want) {
		t.Errorf("columns are %q, want %q", rows.Columns, want)
	}
}

func TestDuckDBStaysOffTheNetwork(t *testing.T) {
	duck := formattest.DuckDB(t)
	row := duck.QueryRow("SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')")
	if !reflect.DeepEqual(row, []any{false, false}) {
		t.Errorf("it installs extensions %v, loads them %v", row[0], row[1])
	}
	if _, err := duck.Try("SELECT * FROM read_parquet('https://example.com/x.parquet')"); err == nil {
		t.Error("a file was read from the network")
	}
}

func TestNothingIsLeftOfDuckDB(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("used", func(t *testing.T) { formattest.DuckDB(t).QueryInt("SELECT 1") })
	goleak.VerifyNone(t, before)
}

func TestTheLockFileNamesNoHost(t *testing.T) {
	lock, err := os.ReadFile("readers/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), "://") || strings.Contains(string(lock), `"resolved"`) {
		t.Error("package-lock.json names a registry: run npm with the .npmrc of its folder")
	}
}

func TestAFileThatIsWrittenAnewIsReadAnew(t *testing.T) {
	duck, path := formattest.DuckDB(t), filepath.Join(t.TempDir(), "a.parquet")
	var files [][]byte
	for i := range 20 {
		duck.Query(fmt.Sprintf("COPY (SELECT %d AS n%d FROM range(%d)) TO %s (FORMAT parquet)", i, i, i, formattest.Quote(path)))
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for i := range 1000 {
		k := i % len(files)
		if err := os.WriteFile(path, files[k], 0o600); err != nil {
			t.Fatal(err)
		}
		rows := duck.Query("SELECT * FROM read_parquet(" + formattest.Quote(path) + ")")
		if len(rows.Values) != k || rows.Columns[0] != fmt.Sprintf("n%d", k) {
			t.Fatalf("%d: the file has %d rows, and %d of %s were read", i, k, len(rows.Values), rows.Columns)
		}
	}
}
