package parquet_test

import (
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

type edgeTimes struct {
	N      int64 `parquet:"n"`
	Local  int64 `parquet:"local,timestamp(nanosecond:local)"`
	UTC    int64 `parquet:"utc,timestamp(nanosecond)"`
	Micros int64 `parquet:"micros,timestamp(microsecond)"`
	Date   int32 `parquet:"date,date"`
}

// DuckDB reads some numbers as infinity, and fails on others. Values that a column accepts are finite in DuckDB, and can be printed.
func TestNoTimeIsInfiniteInDuckDB(t *testing.T) {
	var all []edgeTimes
	for _, around := range []int64{math.MaxInt64 - 5, math.MinInt64, math.MinInt64 + 1e9, -9223286400e9 - 3, 0} {
		for i := range int64(6) {
			all = append(all, edgeTimes{Local: around + i}, edgeTimes{UTC: around + i}, edgeTimes{Micros: around + i},
				edgeTimes{Date: math.MaxInt32 - int32(i)}, edgeTimes{Date: math.MinInt32 + int32(i)})
		}
	}
	w := writersOf[edgeTimes](t, parquet.Options{})()
	var taken []edgeTimes
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if n, err := w.Write(p); err == nil && n == 1 {
			p.N = int64(len(taken))
			taken = append(taken, p)
		}
	}
	if len(taken) < 12 || len(taken) == len(all) {
		t.Errorf("%d of %d are taken", len(taken), len(all))
	}
	path := save(t, encoded(t, writersOf[edgeTimes](t, parquet.Options{})(), taken))
	rows := formattest.DuckDB(t).Query(`select n, isfinite(local::timestamp) and isfinite(utc) and isfinite(micros) and isfinite(date), epoch_ns(local),
		local::varchar || utc::varchar || micros::varchar || date::varchar from read_parquet(` + formattest.Quote(path) + `) order by n`).Values
	for i, row := range rows {
		if want := fmt.Sprint(i, true, taken[i].Local); fmt.Sprint(row[:3]...) != want {
			t.Errorf("%+v is read as %v, want %s", taken[i], row, want)
		}
	}
	if len(rows) != len(taken) {
		t.Errorf("there are %d rows, want %d", len(rows), len(taken))
	}
}
