package parquet_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/jetcapture/lake/format/parquet"
)

// TestNullsAndNaNInAnyColumnAreNoOrder has rows that the first column orders, until it has equal values.
func TestNullsAndNaNInAnyColumnAreNoOrder(t *testing.T) {
	type row struct {
		A int32   `lake:"ascending"`
		B *int32  `lake:"ascending"`
		C float32 `lake:"descending"`
	}
	n := func(n int32) *int32 { return &n }
	nan := float32(math.NaN())
	for name, test := range map[string]struct {
		rows []row
		want bool
	}{
		"null before a greater first column": {[]row{{1, nil, 0}, {2, n(5), 0}, {2, n(7), 0}}, true},
		"out of order behind a null":         {[]row{{1, nil, 0}, {2, n(7), 0}, {2, n(5), 0}}, false},
		"null before a value":                {[]row{{1, nil, 0}, {1, n(7), 0}}, false},
		"null after a value":                 {[]row{{1, n(7), 0}, {1, nil, 0}, {1, nil, 0}}, true},
		"both null, the third decides":       {[]row{{1, nil, 1}, {1, nil, 0}}, true},
		"both null, the third out of order":  {[]row{{1, nil, 0}, {1, nil, 1}}, false},
		"NaN":                                {[]row{{1, n(1), 1}, {1, n(1), nan}}, false},
		"NaN where the first decides":        {[]row{{1, n(1), nan}, {2, n(1), 1}}, false},
	} {
		sorted := footerOf(t, encoded(t, writersOf[row](t, parquet.Options{})(), test.rows)).RowGroups[0].SortingColumns
		if got := len(sorted) == 3; got != test.want {
			t.Errorf("%s: the row group is sorted by %v", name, sorted)
		}
	}
}

// TestRowsThatALargeColumnOrdersAreWritten has columns of which pages could be made long before the row group is full, but for
// the values of all rows, which are compared at its end.
func TestRowsThatALargeColumnOrdersAreWritten(t *testing.T) {
	type ofBytes struct {
		Body []byte `lake:"required,ascending"`
	}
	type ofJSON struct {
		ID   int64           `lake:"ascending"`
		Body json.RawMessage `lake:"required,descending"`
	}
	const rows = 3_000
	r := rand.New(rand.NewPCG(1, 2))
	body := func(i int) string { // about 1 KiB that is no dictionary, in order
		b := fmt.Appendf(nil, `"%06d`, i)
		for range 1 << 10 {
			b = append(b, "0123456789abcdef"[r.IntN(16)])
		}
		return string(append(b, '"'))
	}
	up := make([]ofBytes, rows)
	down := make([]ofJSON, rows)
	for i := range rows {
		up[i].Body, down[i].Body = []byte(body(i)), json.RawMessage(body(rows-i))
	}
	mixed := slices.Clone(up)
	mixed[rows/2], mixed[rows/2+1] = mixed[rows/2+1], mixed[rows/2]
	for _, options := range []parquet.Options{
		{}, {PageBytes: 4 << 10, RowGroupRows: 2_000}, parquet.EarlyBytes(parquet.Options{PageBytes: 4 << 10}, 16<<10),
	} {
		checkLargeSorted(t, options, up, func(row ofBytes) string { return string(row.Body) }, true)
		checkLargeSorted(t, options, mixed, func(row ofBytes) string { return string(row.Body) }, false)
		checkLargeSorted(t, options, down, func(row ofJSON) string { return string(row.Body) }, true)
	}
}

// checkLargeSorted writes rows, reads their bodies back and looks whether all row groups are sorted.
func checkLargeSorted[P any](t *testing.T, options parquet.Options, rows []P, body func(P) string, sorted bool) {
	t.Helper()
	file := encoded(t, writersOf[P](t, options)(), rows)
	inOrder := true
	for _, g := range footerOf(t, file).RowGroups {
		inOrder = inOrder && len(g.SortingColumns) > 0
	}
	if inOrder != sorted {
		t.Errorf("%T: the footer says that rows are sorted: %t, want %t", rows, inOrder, sorted)
	}
	got, err := pq.Read[struct {
		Body []byte `parquet:"Body"`
	}](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(rows) {
		t.Fatalf("%T: %d rows, want %d", rows, len(got), len(rows))
	}
	for i := range rows {
		if string(got[i].Body) != body(rows[i]) {
			t.Fatalf("%T: row %d is %.20q", rows, i, got[i].Body)
		}
	}
}
