package parquet_test

import (
	"math"
	"testing"

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
