package parquet_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

type event struct {
	Sequence int64     `lake:"ascending"`
	Time     time.Time `json:"time"`
	ID       string    `json:"id" lake:"bloom"`
	Device   int32     `json:"device" lake:"bloom"`
	Value    float64   `json:"value"`
	Kind     *string   `json:"kind" lake:"bloom"`
}

var firstEvent = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// millionEvents makes a file of a million rows, one each 10 ms.
func millionEvents(t *testing.T) (path string) {
	t.Helper()
	const rows = 1_000_000
	var file bytes.Buffer
	w := writersOf[*event](t, parquet.Options{})()
	if err := w.InitNew(&file); err != nil {
		t.Fatal(err)
	}
	kinds := []string{"start", "stop", "alarm"}
	for i := range rows {
		e := &event{
			Sequence: int64(i + 1), Time: firstEvent.Add(time.Duration(i) * 10 * time.Millisecond), ID: eventID(i),
			Device: int32(i*7919%5000) * 2, Value: float64(i%1000) / 8,
		}
		if i%4 != 0 {
			e.Kind = &kinds[i%len(kinds)]
		}
		if _, err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return save(t, file.Bytes())
}

func eventID(i int) string { return fmt.Sprintf("%016x", uint64(i)*0x9E3779B97F4A7C15) }

func TestAMillionRowsAreScannedByTheirStatisticsAndFilters(t *testing.T) {
	duck := formattest.DuckDB(t)
	path := millionEvents(t)
	file := formattest.Quote(path)

	t.Run("a filter on time reads one row group", func(t *testing.T) {
		from, to := firstEvent.Add(5000*time.Second), firstEvent.Add(5010*time.Second)
		where := fmt.Sprintf(" WHERE time >= '%s' AND time < '%s'", from.Format(time.RFC3339), to.Format(time.RFC3339))
		query := "SELECT sum(value) FROM read_parquet(" + file + ")"
		if all := groupsRead(t, duck, path, query); len(all) != 9 {
			t.Errorf("a query of all rows reads row groups %v", all)
		}
		if some := groupsRead(t, duck, path, query+where); !slices.Equal(some, []int{4}) { // row 500,000 is in the fifth
			t.Errorf("a query of 1,000 rows reads row groups %v", some)
		}
		if n := duck.QueryInt("SELECT count(*) FROM read_parquet(" + file + ")" + where); n != 1000 {
			t.Errorf("the filter finds %d rows", n)
		}
	})
	t.Run("the statistics are those of the data", func(t *testing.T) { checkStatistics(t, duck, file) })
	t.Run("bloom filters exclude row groups, and none that has the value", func(t *testing.T) { probe(t, duck, file) })
	t.Run("row groups say that they are sorted", func(t *testing.T) {
		f, err := pq.OpenFile(openFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range f.RowGroups() {
			if s := g.SortingColumns(); len(s) != 1 || s[0].Path()[0] != "Sequence" || s[0].Descending() {
				t.Errorf("row group %d is sorted by %v", i, s)
			}
		}
	})
}

// groupsRead returns the row groups of a file that a query reads something of, by DuckDB's log of the file's reads.
func groupsRead(t *testing.T, duck *formattest.Duck, path, sql string) (groups []int) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	footer := footerOf(t, file)
	duck.Query("CALL truncate_duckdb_logs()")
	duck.Query("CALL enable_logging('FileSystem')")
	duck.Query(sql)
	duck.Query("CALL disable_logging()")
	duck.Each("SELECT pos FROM duckdb_logs_parsed('FileSystem') WHERE op = 'READ'", func(row []any) {
		for i, g := range footer.RowGroups {
			if at := row[0].(int64) - g.FileOffset; at >= 0 && at < g.TotalCompressedSize && !slices.Contains(groups, i) {
				groups = append(groups, i)
			}
		}
	})
	slices.Sort(groups)
	return groups
}

// checkStatistics compares what the footer says of each row group with what the row group has.
func checkStatistics(t *testing.T, duck *formattest.Duck, file string) {
	stats := map[string]string{}
	duck.Each("SELECT row_group_id, path_in_schema, num_values, coalesce(stats_null_count, -1), coalesce(stats_min_value, '-'), coalesce(stats_max_value, '-') "+
		"FROM parquet_metadata("+file+")", func(row []any) {
		stats[fmt.Sprint(row[0], " ", row[1])] = fmt.Sprint(row[2:]...)
	})
	if len(stats) != 9*6 {
		t.Fatalf("%d statistics of 9 row groups with 6 columns", len(stats))
	}
	for _, column := range []string{"Sequence", "time", "id", "device", "value", "kind"} {
		text := fmt.Sprintf("min(%[1]s)::VARCHAR, max(%[1]s)::VARCHAR", column)
		duck.Each(fmt.Sprintf("SELECT file_row_number // 122880 AS g, count(*), count(*) FILTER (%s IS NULL), %s FROM read_parquet(%s, file_row_number = true) GROUP BY g",
			column, text, file), func(row []any) {
			want := strings.ReplaceAll(fmt.Sprint(row[1:]...), "-0.0", "0.0")
			got := strings.ReplaceAll(stats[fmt.Sprint(row[0], " ", column)], "-0.0", "0.0")
			if got != want {
				t.Errorf("row group %d of %s has %s, its statistics say %s", row[0], column, want, got)
			}
		})
	}
}

// probe asks the bloom filters for values that are there, and for others.
func probe(t *testing.T, duck *formattest.Duck, file string) {
	excluded := func(column, value string) (groups []any) {
		duck.Each(fmt.Sprintf("SELECT row_group_id FROM parquet_bloom_probe(%s, '%s', %s) WHERE bloom_filter_excludes ORDER BY ALL", file, column, value),
			func(row []any) { groups = append(groups, row[0]) })
		return groups
	}
	wrong := 0
	for i := 0; i < 1_000_000; i += 99_991 {
		group := int64(i / 122_880)
		out := excluded("id", formattest.Quote(eventID(i)))
		for _, g := range out {
			if g == group {
				t.Errorf("the id of row %d is excluded from its row group %d", i, group)
			}
		}
		wrong += 8 - len(out)
	}
	if wrong > 6 {
		t.Errorf("%d of 88 row groups are not excluded, though they have not got the id", wrong)
	}
	if out := excluded("device", "7918::INTEGER"); len(out) > 0 {
		t.Errorf("device 7918 is excluded from row groups %v", out)
	}
	if out := excluded("device", "7917::INTEGER"); len(out) < 8 {
		t.Errorf("a device that is nowhere is excluded from row groups %v only", out)
	}
	if out := excluded("kind", "'alarm'"); len(out) > 0 {
		t.Errorf("kind alarm is excluded from row groups %v", out)
	}
	if out := excluded("kind", "'other'"); len(out) < 8 {
		t.Errorf("a kind that is nowhere is excluded from row groups %v only", out)
	}
}

func TestFiltersFindRowsOfEveryTypeThroughBloomFilters(t *testing.T) {
	duck := formattest.DuckDB(t)
	type row struct {
		I8    int8      `lake:"bloom"`
		U8    uint8     `lake:"bloom"`
		I16   int16     `lake:"bloom"`
		U16   uint16    `lake:"bloom"`
		I32   int32     `lake:"bloom"`
		U32   uint32    `lake:"bloom"`
		I64   int64     `lake:"bloom"`
		U64   uint64    `lake:"bloom"`
		F     float64   `lake:"bloom"`
		S     string    `lake:"bloom"`
		B     []byte    `lake:"bloom"` // without effect, as of Fixed and F: DuckDB would miss rows
		ID    [16]byte  `parquet:",uuid" lake:"bloom"`
		Fixed [3]byte   `lake:"bloom"`
		Day   time.Time `parquet:",date" lake:"bloom"`
		Milli time.Time `parquet:",timestamp(millisecond)" lake:"bloom"`
		Dec   int64     `parquet:",decimal(2:18)" lake:"bloom"`
		Big   string    `parquet:",decimal(2:30)" lake:"bloom"`
		List  []string  `lake:"bloom"`
	}
	rows := make([]row, 200)
	for i := range rows {
		n := i*7919%256 - 128
		text := fmt.Sprint("value ", i)
		rows[i] = row{
			int8(n), uint8(i), int16(-i), uint16(65535 - i), int32(-i << 20), uint32(1<<32 - 1 - i), int64(i) << 50, math.MaxUint64 - uint64(i),
			float64(-i), text,
			[]byte{0xff, byte(i)},
			[16]byte{byte(i)},
			[3]byte{0xff, byte(i)},
			firstEvent.AddDate(0, 0, -i), firstEvent.Add(time.Duration(i) * time.Millisecond),
			int64(i), fmt.Sprint(i),
			[]string{text},
		}
	}
	for name, options := range map[string]parquet.Options{"one group": {}, "many": {RowGroupRows: 20}} {
		file := "read_parquet(" + formattest.Quote(save(t, encoded(t, writersOf[row](t, options)(), rows))) + ")"
		for _, c := range duck.Query("SELECT * FROM " + file + " LIMIT 0").Columns {
			n := duck.QueryInt(fmt.Sprintf(`SELECT count(*) FROM (SELECT DISTINCT %[1]q v FROM %[2]s) a WHERE NOT EXISTS (SELECT 1 FROM %[2]s b WHERE b.%[1]q = a.v)`, c, file))
			for _, i := range []int{0, 77, 199} {
				found := duck.QueryInt(fmt.Sprintf(`SELECT count(*) FROM %[2]s WHERE %[1]q = (SELECT %[1]q FROM %[2]s LIMIT 1 OFFSET %[3]d)`, c, file, i))
				literal := duck.QueryRow(fmt.Sprintf(`SELECT %[1]q::VARCHAR, typeof(%[1]q) FROM %[2]s LIMIT 1 OFFSET %[3]d`, c, file, i))
				direct := duck.QueryInt(fmt.Sprintf(`SELECT count(*) FROM %s WHERE %q = %s::%s`, file, c, formattest.Quote(literal[0].(string)), literal[1]))
				if n > 0 || found == 0 || direct == 0 {
					t.Errorf("%s: row %d is not found by its %s %s", name, i, c, literal[0])
				}
			}
		}
	}
}

func TestOnlyOrderThatIsThereIsClaimed(t *testing.T) {
	type row struct {
		A *int32  `lake:"descending"`
		B float64 `lake:"ascending"`
		C string  `lake:"ascending"`
	}
	n := func(n int32) *int32 { return &n }
	for name, test := range map[string]struct {
		rows []row
		want bool
	}{
		"by the first":                {[]row{{A: n(3)}, {A: n(2), B: -1}, {A: n(1)}}, true},
		"by the second where equal":   {[]row{{A: n(3), B: 1}, {A: n(3), B: 2}, {A: n(1)}}, true},
		"by the third where equal":    {[]row{{A: n(3), C: "a"}, {A: n(3), C: "b"}, {A: n(3), C: "b"}}, true},
		"nulls last":                  {[]row{{A: n(3)}, {B: 1}, {B: 2}}, true},
		"nulls first":                 {[]row{{}, {A: n(3)}}, false},
		"out of order":                {[]row{{A: n(1)}, {A: n(2)}}, false},
		"out of order by the second":  {[]row{{A: n(1), B: 2}, {A: n(1), B: 1}}, false},
		"out of order by the third":   {[]row{{C: "b"}, {C: "a"}}, false},
		"NaN has no order":            {[]row{{B: 1}, {B: math.NaN()}}, false},
		"NaN where the first decides": {[]row{{A: n(2), B: math.NaN()}, {A: n(1)}, {A: n(1), B: 1}}, false},
	} {
		sorted := footerOf(t, encoded(t, writersOf[row](t, parquet.Options{})(), test.rows)).RowGroups[0].SortingColumns
		if got := len(sorted) == 3; got != test.want || len(sorted)%3 != 0 {
			t.Errorf("%s: the row group is sorted by %v", name, sorted)
		} else if got && (!sorted[0].Descending || sorted[1].Descending || sorted[0].NullsFirst || sorted[2].ColumnIdx != 2) {
			t.Errorf("%s: the row group is sorted by %+v", name, sorted)
		}
	}
}
