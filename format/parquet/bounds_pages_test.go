package parquet_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/jetcapture/lake/format/parquet"
)

// columnIndexes returns those of the first row group by the columns' names, without those that are not there.
func columnIndexes(t *testing.T, file []byte) map[string]pq.ColumnIndex {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	indexes := map[string]pq.ColumnIndex{}
	for i, chunk := range f.RowGroups()[0].ColumnChunks() {
		if index, err := chunk.ColumnIndex(); err == nil {
			indexes[strings.Join(f.Schema().Columns()[i], ".")] = index
		}
	}
	return indexes
}

// TestOnePageWithoutBoundsLeavesTheColumnWithoutThem is for readers that skip a page of which nothing is known as if it were
// all null.
func TestOnePageWithoutBoundsLeavesTheColumnWithoutThem(t *testing.T) {
	type row struct {
		F     float64
		F32   float32
		Known float64
		Text  string `parquet:",plain"`
	}
	for _, at := range []int{0, 200, 383} {
		rows := make([]row, 384)
		for i := range rows {
			rows[i] = row{float64(i), float32(i), float64(i), "text"}
		}
		rows[at].F, rows[at].F32 = math.NaN(), float32(math.NaN())
		rows[at].Text = strings.Repeat("\U0010FFFF", 17) // no short text is above
		file := encoded(t, writersOf[row](t, parquet.Options{PageBytes: 1 << 10})(), rows)
		indexes := columnIndexes(t, file)
		for _, c := range inspect(t, file).RowGroups[0].Columns {
			known := c.Path[0] == "Known"
			if has := c.Min != nil || c.Max != nil; has != known {
				t.Errorf("with row %d unknown, %s is %v to %v", at, c.Path[0], c.Min, c.Max)
			}
			if has := indexes[c.Path[0]] != nil; has != known {
				t.Errorf("with row %d unknown, %s has a column index: %t", at, c.Path[0], has)
			}
		}
	}
}

// TestZerosAreBetweenBothZeros is for readers that hold -0 less than 0, as much as for those that hold them equal.
func TestZerosAreBetweenBothZeros(t *testing.T) {
	type row struct {
		Positive, Negative     float64
		Positive32, Negative32 float32
	}
	negative := math.Copysign(0, -1)
	rows := []row{{0, negative, 0, float32(negative)}, {0, negative, 0, float32(negative)}}
	for _, c := range inspect(t, encoded(t, writersOf[row](t, parquet.Options{})(), rows)).RowGroups[0].Columns {
		if got := fmt.Sprint(c.Min, " ", c.Max); got != "-0 0" {
			t.Errorf("%s is %s", c.Path[0], got)
		}
	}
}

func TestFixedBytesHaveShortBoundsOrNone(t *testing.T) {
	type row struct {
		Short [64]byte
		Long  [65]byte
	}
	columns := inspect(t, encoded(t, writersOf[row](t, parquet.Options{})(), make([]row, 2))).RowGroups[0].Columns
	if columns[0].Min == nil || columns[1].Min != nil || columns[1].Max != nil {
		t.Errorf("64 bytes are at least %x, 65 bytes %x to %x", columns[0].Min, columns[1].Min, columns[1].Max)
	}
}

// TestPagesInNoOrderClaimNone has two pages of 128 rows, whose least and greatest are those of the first two rows of each.
func TestPagesInNoOrderClaimNone(t *testing.T) {
	type row struct {
		A int64 `parquet:",plain"`
	}
	for want, bounds := range map[string][4]int64{
		"true false":   {0, 5, 5, 9},
		"false true":   {5, 9, 0, 5},
		"false false":  {0, 9, 1, 8},
		"false false ": {1, 8, 0, 9},
	} {
		rows := make([]row, 256)
		for i := range rows {
			rows[i].A = bounds[i/128*2+i%2]
		}
		index := columnIndexes(t, encoded(t, writersOf[row](t, parquet.Options{PageBytes: 1 << 10})(), rows))["A"]
		if got := fmt.Sprint(index.IsAscending(), " ", index.IsDescending()); index.NumPages() != 2 || got != strings.TrimSpace(want) {
			t.Errorf("%d pages of %d to %d and %d to %d are in order: %s", index.NumPages(), bounds[0], bounds[1], bounds[2], bounds[3], got)
		}
	}
}

// TestPagesOfADictionaryHaveTheirOwnBounds reads columns after one whose entries are all in its first page, which has left
// its marks in the encoder.
func TestPagesOfADictionaryHaveTheirOwnBounds(t *testing.T) {
	type row struct {
		First  string `parquet:",dict"`
		Rising string `parquet:",dict"`
	}
	rows := make([]row, 10*512)
	for i := range rows {
		rows[i] = row{"a", string(rune('a' + i/512))}
		if i < 512 {
			rows[i].First = string(rune('a' + i%10))
		}
	}
	index := columnIndexes(t, encoded(t, writersOf[row](t, parquet.Options{PageBytes: 1 << 10})(), rows))["Rising"]
	for page := range index.NumPages() {
		want := string(rune('a' + page))
		if least, most := index.MinValue(page).String(), index.MaxValue(page).String(); least != want || most != want {
			t.Errorf("page %d of 10 is %s to %s, want %s", page, least, most, want)
		}
	}
}
