package parquet_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/format/parquet"
)

// A storedPage is a page as it stands in a file.
type storedPage struct {
	offset int64 // of its header
	size   int64 // with its header
	header pqformat.PageHeader
}

// pagesOf reads the headers of all pages of a chunk, one behind the other.
func pagesOf(t *testing.T, file []byte, m *pqformat.ColumnMetaData) (pages []storedPage) {
	t.Helper()
	start := m.DataPageOffset
	if m.DictionaryPageOffset > 0 {
		start = m.DictionaryPageOffset
	}
	for at := start; at < start+m.TotalCompressedSize; {
		p := storedPage{offset: at}
		reader := bytes.NewReader(file[at:])
		if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(reader)).Decode(&p.header); err != nil {
			t.Fatalf("%s: read header at %d: %v", m.PathInSchema, at, err)
		}
		p.size = int64(len(file)) - at - int64(reader.Len()) + int64(p.header.CompressedPageSize)
		pages = append(pages, p)
		at += p.size
	}
	return pages
}

// leafRow has leaves of all shapes that pages are cut by.
type leafRow struct {
	Fixed  int64   `parquet:",plain"`
	Text   string  `parquet:",plain"`
	Some   *string `parquet:",plain"`
	List   []string
	Few    string `parquet:",dict"`
	Yes    bool
	Always *int32 // always null
}

// leafRows returns rows with 8 bytes in Fixed, 16 in Text, 16 in two of three Some, and 16 in List.
func leafRows(n int) []leafRow {
	rows := make([]leafRow, n)
	for i := range rows {
		text := fmt.Sprintf("%012d", i)
		rows[i] = leafRow{Fixed: int64(i), Text: text, List: []string{text[9:], text[9:]}, Few: text[11:], Yes: i%2 == 0}
		if i%3 != 0 {
			rows[i].Some = &text
		}
	}
	return rows
}

func TestPagesEndAtTheirLimits(t *testing.T) {
	want := map[string]int64{
		"Fixed": 128, "Text": 64, "Some": 96, "List.list.element": 64, "Few": 512, "Yes": 1024, "Always": 256,
	}
	for _, version := range []int{1, 2} {
		file := encoded(t, writersOf[leafRow](t, parquet.Options{PageBytes: 1 << 10, PageVersion: version})(), leafRows(3000))
		for name, index := range offsetIndexes(t, file) {
			for page := range index.NumPages() {
				if first := index.FirstRowIndex(page); first != int64(page)*want[name] {
					t.Errorf("page %d of %s begins at row %d, want %d rows a page", page, name, first, want[name])
					break
				}
			}
		}
	}
	file := encoded(t, writersOf[leafRow](t, parquet.Options{})(), make([]leafRow, 50_000))
	for name, index := range offsetIndexes(t, file) {
		if index.NumPages() != 3 || index.FirstRowIndex(2) != 40_000 {
			t.Errorf("50,000 rows of %s are in %d pages", name, index.NumPages())
		}
	}
}

// offsetIndexes returns those of the first row group, by the columns' names.
func offsetIndexes(t *testing.T, file []byte) map[string]pq.OffsetIndex {
	t.Helper()
	f, err := pq.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	indexes := map[string]pq.OffsetIndex{}
	for i, chunk := range f.RowGroups()[0].ColumnChunks() {
		index, err := chunk.OffsetIndex()
		if err != nil {
			t.Fatal(err)
		}
		indexes[strings.Join(f.Schema().Columns()[i], ".")] = index
	}
	return indexes
}

// TestTheFooterSaysWhatThePagesSay compares sums, offsets and counts with the headers of the pages.
func TestTheFooterSaysWhatThePagesSay(t *testing.T) {
	for _, options := range []parquet.Options{
		{PageBytes: 1 << 10, RowGroupRows: 1500},
		{PageBytes: 1 << 10, RowGroupRows: 1500, PageVersion: 2},
		{PageBytes: 1 << 10, Codec: parquet.Uncompressed, PageVersion: 2},
	} {
		file := encoded(t, writersOf[leafRow](t, options)(), leafRows(3000))
		footer := footerOf(t, file)
		next := int64(4)
		for _, g := range footer.RowGroups {
			if g.FileOffset != next {
				t.Errorf("row group %d begins at %d, says %d", g.Ordinal, next, g.FileOffset)
			}
			var bytes, compressed int64
			for i := range g.Columns {
				m := &g.Columns[i].MetaData
				checkChunk(t, m, pagesOf(t, file, m), g.NumRows)
				bytes, compressed = bytes+m.TotalUncompressedSize, compressed+m.TotalCompressedSize
			}
			if g.TotalByteSize != bytes || g.TotalCompressedSize != compressed {
				t.Errorf("row group %d has %d bytes, %d compressed, says %d and %d", g.Ordinal, bytes, compressed, g.TotalByteSize, g.TotalCompressedSize)
			}
			next += compressed
		}
		first := &footer.RowGroups[0]
		indexes := offsetIndexes(t, file)
		for i := range first.Columns {
			m := &first.Columns[i].MetaData
			pages := slices.DeleteFunc(pagesOf(t, file, m), func(p storedPage) bool { return p.header.Type == pqformat.DictionaryPage })
			index := indexes[strings.Join(m.PathInSchema, ".")]
			for j, p := range pages {
				if index.Offset(j) != p.offset || index.CompressedPageSize(j) != p.size {
					t.Errorf("page %d of %s is at %d and has %d bytes, its index says %d and %d",
						j, m.PathInSchema, p.offset, p.size, index.Offset(j), index.CompressedPageSize(j))
				}
			}
		}
	}
}

func checkChunk(t *testing.T, m *pqformat.ColumnMetaData, pages []storedPage, rows int64) {
	t.Helper()
	var values, nulls, inPages, bytes int64
	counts := map[string]int32{}
	dataOffset := int64(0)
	for _, p := range pages {
		h := &p.header
		bytes += p.size - int64(h.CompressedPageSize) + int64(h.UncompressedPageSize)
		encoding := pqformat.Plain
		switch h.Type {
		case pqformat.DataPage:
			encoding, values = h.DataPageHeader.V.Encoding, values+int64(h.DataPageHeader.V.NumValues)
		case pqformat.DataPageV2:
			v2 := &h.DataPageHeaderV2.V
			encoding, values, nulls = v2.Encoding, values+int64(v2.NumValues), nulls+int64(v2.NumNulls)
			inPages += int64(v2.NumRows)
			levels := v2.DefinitionLevelsByteLength + v2.RepetitionLevelsByteLength
			body := h.UncompressedPageSize - levels
			if !v2.IsCompressed.Valid || v2.IsCompressed.V != (body > 0 && m.Codec != pqformat.Uncompressed) {
				t.Errorf("a page of %s with %d bytes behind its levels says compressed: %+v", m.PathInSchema, body, v2.IsCompressed)
			}
		}
		if h.Type != pqformat.DictionaryPage && dataOffset == 0 {
			dataOffset = p.offset
		}
		counts[fmt.Sprint(h.Type, encoding)]++
		if !slices.Contains(m.Encoding, encoding) {
			t.Errorf("%s has a page in %s, says %s", m.PathInSchema, encoding, m.Encoding)
		}
	}
	if nullable := m.PathInSchema[0] == "Some" || m.PathInSchema[0] == "Always" || m.PathInSchema[0] == "List"; nullable != slices.Contains(m.Encoding, pqformat.RLE) {
		t.Errorf("%s says it is %s", m.PathInSchema, m.Encoding)
	}
	if m.DataPageOffset != dataOffset || m.NumValues != values || m.TotalUncompressedSize != bytes {
		t.Errorf("%s has %d values in %d bytes from %d on, says %d, %d and %d",
			m.PathInSchema, values, bytes, dataOffset, m.NumValues, m.TotalUncompressedSize, m.DataPageOffset)
	}
	if v2 := pages[len(pages)-1].header.DataPageHeaderV2.Valid; v2 && (inPages != rows || nulls != m.Statistics.NullCount) {
		t.Errorf("%s has %d rows and %d nulls, says %d and %d", m.PathInSchema, inPages, nulls, rows, m.Statistics.NullCount)
	}
	for _, s := range m.EncodingStats {
		counts[fmt.Sprint(s.PageType, s.Encoding)] -= s.Count
	}
	for kind, n := range counts {
		if n != 0 {
			t.Errorf("%s has %d more pages of %s than it says", m.PathInSchema, n, kind)
		}
	}
}
