package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/schema/columns"
)

type encodings struct {
	Few      string
	Many     string
	Sequence int64
	At       time.Time
	Small    int32
	Price    float64
	Yes      bool
	Plain    string  `parquet:",plain"`
	Dict     string  `parquet:",dict"`
	Delta    string  `parquet:",delta"`
	Split    float32 `parquet:",split"`
	SplitInt int64   `parquet:",split"`
	Snappy   string  `parquet:",snappy"`
	Raw      string  `parquet:",uncompressed"`
}

func encodingRows(n int) []encodings {
	r := rand.New(rand.NewPCG(3, 4))
	rows := make([]encodings, n)
	for i := range rows {
		many := fmt.Sprintf("%016x", r.Uint64())
		rows[i] = encodings{
			Few: fmt.Sprint("kind-", r.IntN(20)), Many: many, Sequence: int64(i), At: time.UnixMicro(int64(i) * 731), Small: r.Int32N(5),
			Price: r.Float64(), Yes: i%3 == 0, Plain: "same", Dict: many, Delta: many, Split: r.Float32(), SplitInt: int64(i), Snappy: many, Raw: many,
		}
	}
	return rows
}

func TestEncodingsFitTheValuesUnlessTagsChoose(t *testing.T) {
	want := map[string]string{
		"Few": "PLAIN RLE_DICTIONARY", "Many": "PLAIN", "Sequence": "DELTA_BINARY_PACKED", "At": "DELTA_BINARY_PACKED",
		"Small": "PLAIN RLE_DICTIONARY", "Price": "PLAIN", "Yes": "PLAIN", "Plain": "PLAIN", "Dict": "PLAIN RLE_DICTIONARY",
		"Delta": "DELTA_LENGTH_BYTE_ARRAY", "Split": "BYTE_STREAM_SPLIT", "SplitInt": "DELTA_BINARY_PACKED", "Snappy": "PLAIN", "Raw": "PLAIN",
	}
	codecs := map[string]string{"Snappy": "SNAPPY", "Raw": "UNCOMPRESSED"}
	for _, c := range inspect(t, encoded(t, writersOf[encodings](t, parquet.Options{})(), encodingRows(5000))).RowGroups[0].Columns {
		name := c.Path[0]
		if got := strings.Join(c.Encodings, " "); got != want[name] {
			t.Errorf("%s is %s, want %s", name, got, want[name])
		}
		if codec := codecs[name]; c.Codec != codec && (codec != "" || c.Codec != "ZSTD") {
			t.Errorf("%s is compressed by %s", name, c.Codec)
		}
	}
}

func TestEveryCodecAndPageVersionIsRead(t *testing.T) {
	duck := formattest.DuckDB(t)
	rows := encodingRows(3000)
	read := func(options parquet.Options) string {
		path := save(t, encoded(t, writersOf[encodings](t, options)(), rows))
		return fmt.Sprint(duck.QueryRow("SELECT count(*), count(DISTINCT Many), sum(hash(t)) FROM read_parquet(" + formattest.Quote(path) + ") t"))
	}
	want := read(parquet.Options{Codec: parquet.Uncompressed})
	for _, options := range []parquet.Options{
		{},
		{Level: 1},
		{Level: 19},
		{Codec: parquet.ZstdBetter},
		{Codec: parquet.Snappy},
		{Codec: parquet.GZip},
		{Codec: parquet.GZip, Level: 9},
		{Codec: parquet.LZ4},
		{Codec: parquet.Brotli},
		{Codec: parquet.Brotli, Level: 5},
	} {
		for _, version := range []int{1, 2} {
			options.PageVersion, options.PageBytes = version, 4096
			if got := read(options); got != want {
				t.Errorf("with %+v the rows are %s, want %s", options, got, want)
			}
		}
	}
}

// TestAColumnHasOneCodecInAllRowGroups is for readers, parquet-go among them, that look at the first only.
func TestAColumnHasOneCodecInAllRowGroups(t *testing.T) {
	rows := orders(11)
	for _, g := range inspect(t, encoded(t, writersOf[*order](t, parquet.Options{RowGroupRows: 10})(), rows)).RowGroups {
		for _, c := range g.Columns {
			if c.Codec != "ZSTD" {
				t.Errorf("%s is %s in a row group of %d rows", c.Path, c.Codec, g.Rows)
			}
		}
	}
	small := inspect(t, encoded(t, writersOf[*order](t, parquet.Options{RowGroupRows: 10})(), rows[:1])).RowGroups[0].Columns[0]
	if small.Codec != "UNCOMPRESSED" {
		t.Errorf("16 bytes are compressed by %s", small.Codec)
	}
}

func TestLevelsMakeSmallerFiles(t *testing.T) {
	messages := manyMessages(5000)
	size := func(o parquet.Options) int { return len(encoded(t, rawWriters(t, o)(), messages)) }
	for codec, level := range map[parquet.Codec]int{parquet.Zstd: 22, parquet.GZip: 9, parquet.Brotli: 9} {
		fast, slow := size(parquet.Options{Codec: codec, Level: 1}), size(parquet.Options{Codec: codec, Level: level})
		if slow >= fast {
			t.Errorf("%s makes %d bytes at level 1, %d at level %d", codec, fast, slow, level)
		}
	}
}

func TestOptionsThatAreNotValidAreNamed(t *testing.T) {
	_, err := parquet.RawWriters[*formattest.Message](parquet.Options{
		Codec: "lzo", PageVersion: 3, RowGroupRows: -1, RowGroupBytes: -1, PageBytes: 5,
	})
	for _, word := range []string{`Codec: unknown codec "lzo"`, "PageVersion 3", "RowGroupRows -1", "RowGroupBytes -1", "PageBytes 5"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %s: %v", word, err)
		}
	}
	for _, o := range []parquet.Options{{Level: 23}, {Level: -1}, {Codec: parquet.Snappy, Level: 1}, {Codec: parquet.Brotli, Level: 12}} {
		if _, err := parquet.RawWriters[*formattest.Message](o); err == nil || !strings.Contains(err.Error(), "Level") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestPagesHaveTheirChecksums reads all pages from the first to the last byte before the indexes.
func TestPagesHaveTheirChecksums(t *testing.T) {
	for _, version := range []int{1, 2} {
		file := encoded(t, rawWriters(t, parquet.Options{PageVersion: version, PageBytes: 8 << 10, RowGroupRows: 1000})(), manyMessages(2500))
		kinds := map[string]int{}
		sum := int64(0)
		footer := footerOf(t, file)
		for _, g := range footer.RowGroups {
			for _, c := range g.Columns {
				start := c.MetaData.DataPageOffset
				if c.MetaData.DictionaryPageOffset > 0 {
					start = c.MetaData.DictionaryPageOffset
				}
				rest := file[start : start+c.MetaData.TotalCompressedSize]
				for len(rest) > 0 {
					header := new(pqformat.PageHeader)
					reader := bytes.NewReader(rest)
					if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(reader)).Decode(header); err != nil {
						t.Fatal(err)
					}
					body := rest[len(rest)-reader.Len():][:header.CompressedPageSize]
					if crc := int32(crc32.ChecksumIEEE(body)); crc != header.CRC {
						t.Fatalf("a page of %s has the checksum %x, its header says %x", c.MetaData.PathInSchema, crc, header.CRC)
					}
					kinds[header.Type.String()]++
					rest = rest[len(rest)-reader.Len()+len(body):]
				}
				sum += c.MetaData.TotalCompressedSize
			}
		}
		if data := "DATA_PAGE" + []string{"", "", "_V2"}[version]; kinds[data] < 30 || len(kinds) > 2 {
			t.Errorf("version %d has pages %v", version, kinds)
		}
		if first := footer.RowGroups[0].FileOffset; first != 4 || sum > int64(len(file)) {
			t.Errorf("row groups begin at %d and have %d bytes of %d", first, sum, len(file))
		}
	}
}

// scripted is a plan that returns ErrFull, as if its columns could hold only some rows.
type scripted struct {
	columns.Appender[*order]
	most int
}

func (s scripted) Append(c *columns.Columns, o *order) (int, error) {
	if c.Rows() >= s.most {
		return 0, fmt.Errorf("column id: %w", columns.ErrFull)
	}
	return s.Appender.Append(c, o)
}

func TestColumnsThatAreFullBecomeARowGroup(t *testing.T) {
	plan, err := columns.PlanOf[*order]()
	if err != nil {
		t.Fatal(err)
	}
	newWriter, err := parquet.PlanWriters(scripted{plan, 3}, parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var groups []int64
	for _, g := range inspect(t, encoded(t, newWriter(), orders(7))).RowGroups {
		groups = append(groups, g.Rows)
	}
	if !slices.Equal(groups, []int64{3, 3, 1}) {
		t.Errorf("the row groups have %d rows", groups)
	}
	newWriter, err = parquet.PlanWriters(scripted{plan, 0}, parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWriter()
	if err := w.InitNew(io.Discard); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(orders(1)[0]); err == nil || errors.Is(err, format.ErrBroken) {
		t.Errorf("a row that never fits is %v", err)
	}
	if err := w.Flush(); err != nil {
		t.Errorf("the block is worthless after a row that never fits: %v", err)
	}
}

func TestOnePayloadBecomesSeveralRows(t *testing.T) {
	duck := formattest.DuckDB(t)
	plan, err := columns.PlanOf[item]()
	if err != nil {
		t.Fatal(err)
	}
	newWriter, err := parquet.PlanWriters(columns.Rows(plan, func(o *order) []item { return o.Items }), parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := newWriter()
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for _, o := range []*order{{Items: []item{{"a", 1}, {"b", 2}}}, {}, {Items: []item{{"c", 3}}}} {
		if n, err := w.Write(o); n != len(o.Items) || err != nil {
			t.Errorf("%d rows of %d items, %v", n, len(o.Items), err)
		}
	}
	if n, err := w.Write(&order{Items: []item{{"d", 4}, {"\xff", 5}}}); n != 0 || err == nil {
		t.Errorf("%d rows of a payload that is not valid, %v", n, err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(duck.Query("SELECT * FROM read_parquet(" + formattest.Quote(save(t, out.Bytes())) + ")").Values)
	if want := "[[a 1] [b 2] [c 3]]"; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
}
