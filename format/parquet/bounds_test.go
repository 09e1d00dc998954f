package parquet_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	pq "github.com/parquet-go/parquet-go"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
)

// FuzzCutBoundsHoldTheText checks what no reader could find out: a bound that is too tight hides rows.
func FuzzCutBoundsHoldTheText(f *testing.F) {
	for _, text := range []string{
		"", "short", strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("é", 40), strings.Repeat("日", 30),
		strings.Repeat("😀", 20), strings.Repeat("\U0010FFFF", 20), strings.Repeat("a", 60) + strings.Repeat("\U0010FFFF", 20),
		strings.Repeat("a", 61) + "\uD7FF" + "tail", strings.Repeat("\x7f", 70), strings.Repeat("\u07ff", 40), strings.Repeat("\uffff", 30),
		"a" + strings.Repeat("\U0010FFFF", 30),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		least, exact := parquet.CutLeast([]byte(text))
		if bytes.Compare(least, []byte(text)) > 0 || len(least) > 64 || !utf8.Valid(least) || exact != (string(least) == text) {
			t.Errorf("%q is said to be at least %q, exactly: %t", text, least, exact)
		}
		greatest, exact := parquet.CutGreatest([]byte(text))
		if greatest == nil {
			if text != "" && strings.Trim(text[:min(64, len(text))], "\U0010FFFF") != "" {
				t.Errorf("%q has no upper bound", text)
			}
			return
		}
		if bytes.Compare(greatest, []byte(text)) < 0 || len(greatest) > 67 || !utf8.Valid(greatest) || exact != (string(greatest) == text) {
			t.Errorf("%q is said to be at most %q, exactly: %t", text, greatest, exact)
		}
	})
}

func TestBoundsHoldAllValuesOrThereAreNone(t *testing.T) {
	type row struct {
		F     float64
		F32   float32
		NaN   *float64
		U     uint64
		D     int64    `parquet:",decimal(2:9)"`
		Big   [16]byte `parquet:",decimal(0:38)"`
		S     string
		Top   string
		Null  *int32
		B     bool
		Bytes []byte
		At    time.Time
		Few   string `parquet:",dict"`
		Empty string
	}
	negative, nan := math.Copysign(0, -1), math.NaN()
	one := 1.0
	rows := []row{
		{F: 0, F32: 3, NaN: &one, U: 1, D: -5, S: "b", Few: "y", At: time.Unix(-1, 5000)},
		{F: negative, F32: -2, NaN: &nan, U: math.MaxUint64, D: 7, S: strings.Repeat("ü", 100), Top: strings.Repeat("\U0010FFFF", 50), Few: "x"},
		{F: negative, F32: 9, U: 5, D: 0, S: "a" + strings.Repeat("z", 100), B: true, Bytes: []byte{1}, Few: "z", At: time.Unix(9, 0)},
	}
	rows[0].Big[0], rows[1].Big[15] = 0xff, 1 // a number below 0, and 1
	info := inspect(t, encoded(t, writersOf[row](t, parquet.Options{})(), rows))
	want := map[string][2]any{
		"F":     {negative, 0.0},
		"F32":   {-2.0, 9.0},
		"NaN":   {nil, nil}, // who looks for NaN must find the row
		"U":     {uint64(1), uint64(math.MaxUint64)},
		"D":     {int64(-5), int64(7)},
		"S":     {"a" + strings.Repeat("z", 63), strings.Repeat("ü", 31) + "ý"},
		"Top":   {nil, nil}, // no short text is above
		"Null":  {nil, nil},
		"B":     {false, true},
		"Bytes": {nil, nil},
		"At":    {time.Time{}, time.Unix(9, 0).UTC()},
		"Few":   {"x", "z"},
		"Empty": {"", ""}, // which is a value, unlike null
	}
	for _, c := range info.RowGroups[0].Columns {
		if c.Path[0] == "Big" {
			if least, ok := c.Min.([]byte); !ok || least[0] != 0xff || c.Max.([]byte)[15] != 1 {
				t.Errorf("the bounds of a decimal are %x and %x", c.Min, c.Max)
			}
			continue
		}
		w := want[c.Path[0]]
		if fmt.Sprintf("%T %v", c.Min, c.Min) != fmt.Sprintf("%T %v", w[0], w[0]) || fmt.Sprintf("%T %v", c.Max, c.Max) != fmt.Sprintf("%T %v", w[1], w[1]) {
			t.Errorf("%s is %v to %v, want %v to %v", c.Path[0], c.Min, c.Max, w[0], w[1])
		}
	}
}

func TestCutBoundsSayThatTheyAreNotExact(t *testing.T) {
	duck := formattest.DuckDB(t)
	type row struct{ Short, Least, Most, Both string }
	long := strings.Repeat("a", 70)
	path := save(t, encoded(t, writersOf[row](t, parquet.Options{})(), []row{{"a", long, "a", long}, {"b", "b", long, long}}))
	got := fmt.Sprint(duck.Query("SELECT path_in_schema, min_is_exact, max_is_exact FROM parquet_metadata(" + formattest.Quote(path) + ")").Values)
	if want := "[[Short true true] [Least false true] [Most true false] [Both false false]]"; got != want {
		t.Errorf("exact are %s, want %s", got, want)
	}
}

// TestEveryPageIsWithinItsBounds reads pages one by one, and what the index says of each.
func TestEveryPageIsWithinItsBounds(t *testing.T) {
	type row struct {
		Rising  int64
		Falling int32
		Random  uint64
		Text    string
		Few     string
		Some    *int64
		F       float64
		ID      [16]byte `parquet:",uuid"`
		List    []uint32
	}
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]row, 30_000)
	for i := range rows {
		rows[i] = row{
			Rising: int64(i), Falling: int32(-i), Random: r.Uint64(), Text: fmt.Sprint(r.Uint64()), Few: string(rune('a' + i/3000)),
			F: r.NormFloat64(), List: make([]uint32, r.IntN(3)),
		}
		rows[i].ID[0] = byte(r.IntN(256))
		if i > 8000 && i%3 == 0 { // the first pages are all null
			n := r.Int64() - r.Int64()
			rows[i].Some = &n
		}
		for j := range rows[i].List {
			rows[i].List[j] = r.Uint32()
		}
	}
	file := encoded(t, writersOf[row](t, parquet.Options{PageBytes: 16 << 10})(), rows)
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	orders := map[string]string{}
	for i, chunk := range f.RowGroups()[0].ColumnChunks() {
		name := f.Schema().Columns()[i][0]
		index, err := chunk.ColumnIndex()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		orders[name] = fmt.Sprint(index.IsAscending(), index.IsDescending())
		pages := chunk.Pages()
		n := 0
		for ; ; n++ {
			page, err := pages.ReadPage()
			if err != nil {
				break
			}
			nulls := checkPage(t, name, n, page, index, chunk.Type())
			if index.NullCount(n) != nulls || index.NullPage(n) != (nulls == page.NumValues()) {
				t.Errorf("page %d of %s has %d nulls, its index says %d", n, name, nulls, index.NullCount(n))
			}
		}
		_ = pages.Close()
		if n != index.NumPages() || n < 2 {
			t.Errorf("%s has %d pages, %d in its index", name, n, index.NumPages())
		}
	}
	if orders["Rising"] != "true false" || orders["Falling"] != "false true" || orders["Random"] != "false false" || orders["Few"] != "true false" {
		t.Errorf("the orders of pages are %v", orders)
	}
}

func checkPage(t *testing.T, name string, n int, page pq.Page, index pq.ColumnIndex, typ pq.Type) (nulls int64) {
	values := make([]pq.Value, page.NumValues())
	if got, err := page.Values().ReadValues(values); got < len(values) {
		t.Fatalf("read page %d of %s: %d values, %v", n, name, got, err)
	}
	for _, v := range values {
		if v.IsNull() {
			nulls++
		} else if typ.Compare(v, index.MinValue(n)) < 0 || typ.Compare(v, index.MaxValue(n)) > 0 {
			t.Fatalf("page %d of %s is %v to %v, but has %v", n, name, index.MinValue(n), index.MaxValue(n), v)
		}
	}
	return nulls
}
