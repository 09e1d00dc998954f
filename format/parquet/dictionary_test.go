package parquet_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"

	"github.com/jetcapture/lake/format/parquet"
)

// TestDictionariesTellTextsApartByOneByteOrTheLength has all texts of up to 20 letters of which one differs.
func TestDictionariesTellTextsApartByOneByteOrTheLength(t *testing.T) {
	type row struct {
		Text string `parquet:",dict"`
	}
	var rows []row
	for n := range 21 {
		text := strings.Repeat("a", n)
		rows = append(rows, row{text})
		for i := range n {
			rows = append(rows, row{text[:i] + "b" + text[i+1:]})
		}
	}
	rows = append(rows, rows...)
	file := encoded(t, writersOf[row](t, parquet.Options{})(), rows)
	if c := inspect(t, file).RowGroups[0].Columns[0]; !slices.Contains(c.Encodings, "RLE_DICTIONARY") {
		t.Errorf("the texts are %s", c.Encodings)
	}
	got, err := pq.Read[row](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, rows) {
		t.Errorf("texts are mixed up: %v", got)
	}
}

func TestDictionariesThatGrowLargeAreGivenUp(t *testing.T) {
	type row struct {
		Long  string `parquet:",dict"` // 2 MB of entries
		Bytes []byte `parquet:",dict"` // 140,000 entries
		Int   int64  `parquet:",dict"`
	}
	rows := make([]row, 140_000)
	for i := range rows {
		rows[i] = row{strings.Repeat("x", 2000*(i%1000/999)) + fmt.Sprint(i/1000), []byte{byte(i), byte(i >> 8), byte(i >> 16)}, int64(i)}
	}
	for i := range 1100 {
		rows[i].Long = fmt.Sprintf("%02000d", i)
	}
	for _, c := range inspect(t, encoded(t, writersOf[row](t, parquet.Options{RowGroupRows: len(rows)})(), rows)).RowGroups[0].Columns {
		if slices.Contains(c.Encodings, "RLE_DICTIONARY") {
			t.Errorf("%s is %s", c.Path[0], c.Encodings)
		}
	}
}

// TestValuesThatHardlyRepeatGetNoDictionary has values that come 2.5 or 12 times.
func TestValuesThatHardlyRepeatGetNoDictionary(t *testing.T) {
	type row struct {
		Text, OftenText string
		Int, OftenInt   int64
	}
	r := rand.New(rand.NewPCG(5, 6))
	rows := make([]row, 20_000)
	for i := range rows {
		rows[i] = row{
			fmt.Sprintf("%016x", r.Uint64N(8000)), fmt.Sprintf("%016x", r.Uint64N(1600)), r.Int64N(1600) << 40, r.Int64N(600) << 40,
		}
	}
	want := map[string]string{
		"Text": "PLAIN", "OftenText": "PLAIN RLE_DICTIONARY", "Int": "DELTA_BINARY_PACKED", "OftenInt": "PLAIN RLE_DICTIONARY",
	}
	newWriter := writersOf[row](t, parquet.Options{})
	for _, c := range inspect(t, encoded(t, newWriter(), rows)).RowGroups[0].Columns {
		if got := strings.Join(c.Encodings, " "); got != want[c.Path[0]] {
			t.Errorf("%s is %s, want %s", c.Path[0], got, want[c.Path[0]])
		}
	}
	for _, c := range inspect(t, encoded(t, newWriter(), make([]row, 31))).RowGroups[0].Columns {
		if got := strings.Join(c.Encodings, " "); got != "PLAIN" {
			t.Errorf("31 zeros of %s are %s", c.Path[0], got)
		}
	}
}
