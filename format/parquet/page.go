package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema/columns"
)

// A span is the part of a leaf that becomes a page: where its levels and values begin and end in their slices, and its rows.
type span struct{ levels, levelsEnd, values, valuesEnd, row, rowEnd int }

// next returns the span of the page after s, of a leaf with the given number of rows. It ends with the row that brings it to limit
// bytes or to maxPageRows. Values of a dictionary count as their indexes.
func (s span) next(k *chunk, c *column, v *values, def, rep []byte, rows, limit int) span {
	s.levels, s.values, s.row = s.levelsEnd, s.valuesEnd, s.rowEnd
	width := v.fixedWidth()
	if k.encoding == pqformat.RLEDictionary {
		width = 2
	}
	most := min(rows, s.row+maxPageRows)
	switch {
	case c.maxRep > 0:
		return s.nextRepeated(c, v, def, rep, width, most, limit)
	case width > 0: // nulls count as values
		s.rowEnd = min(most, s.row+max(limit/width, 1))
	case c.maxDef == 0:
		end := uint64(v.offsets[s.values]) + uint64(limit)
		for s.rowEnd < most && uint64(v.offsets[s.rowEnd])+4*uint64(s.rowEnd-s.row) < end {
			s.rowEnd++
		}
	default:
		for size := 0; s.rowEnd < most && size < limit; s.rowEnd++ {
			if def[s.rowEnd] == c.maxDef {
				size += v.width(s.valuesEnd)
				s.valuesEnd++
			}
		}
		s.levelsEnd = s.rowEnd
		return s
	}
	s.levelsEnd, s.valuesEnd = s.rowEnd, s.rowEnd
	if c.maxDef > 0 {
		s.valuesEnd = s.values + bytes.Count(def[s.levels:s.levelsEnd], []byte{c.maxDef})
	}
	return s
}

// nextRepeated is next for leaves in lists, where a row may have many values. width is 0 if values differ in it.
func (s span) nextRepeated(c *column, v *values, def, rep []byte, width, most, limit int) span {
	for size := 0; s.levelsEnd < len(def); s.levelsEnd++ {
		if rep[s.levelsEnd] == 0 {
			if size >= limit || s.rowEnd == most {
				break
			}
			s.rowEnd++
		}
		size++ // about a level
		if def[s.levelsEnd] != c.maxDef {
			continue
		}
		if width > 0 {
			size += width
		} else {
			size += v.width(s.valuesEnd)
		}
		s.valuesEnd++
	}
	return s
}

// A page has what the indexes say about a page.
type page struct {
	offset int64 // of its header in the file
	size   int32 // with its header
	row    int64 // its first in the row group
	nulls  int64
	bounds bounds
}

// A header is the header of a page.
type header struct {
	kind                   pqformat.PageType
	values, nulls, rows    int // nulls and rows of data pages
	repetition, definition int // bytes of levels, which a DataPageV2 has before the compressed part
	compressed             bool
}

// dataPages encodes the pages of a leaf, and appends them to e.out. first is the number of its first row in the row group.
func (e *encoder) dataPages(k *chunk, c *column, v *values, def, rep []byte, rows, first, limit int) error {
	for s := (span{}); s.rowEnd < rows; {
		s = s.next(k, c, v, def, rep, rows, limit)
		if err := e.dataPage(k, c, v, def, rep, s); err != nil {
			return err
		}
		e.pages[len(e.pages)-1].row += int64(first)
	}
	return nil
}

// dataPage encodes the page of a span, and appends it to e.out.
func (e *encoder) dataPage(k *chunk, c *column, v *values, def, rep []byte, s span) (err error) {
	h := header{kind: pqformat.DataPage, values: s.valuesEnd - s.values, rows: s.rowEnd - s.row}
	if k.version == 2 {
		h.kind = pqformat.DataPageV2
	}
	e.raw = e.raw[:0]
	if c.maxRep > 0 {
		if h.repetition, err = e.levels(rep[s.levels:s.levelsEnd], c.maxRep, k.version); err != nil {
			return fmt.Errorf("encode repetition levels: %w", err)
		}
	}
	if c.maxDef > 0 {
		h.values = s.levelsEnd - s.levels
		h.nulls = h.values - (s.valuesEnd - s.values)
		if h.definition, err = e.levels(def[s.levels:s.levelsEnd], c.maxDef, k.version); err != nil {
			return fmt.Errorf("encode definition levels: %w", err)
		}
	}
	if k.encoding == pqformat.RLEDictionary {
		d := &e.dictionary
		e.raw, e.scratch, err = encodeIndexes(e.raw, e.scratch, d.indexes[s.values:s.valuesEnd], len(d.firsts))
	} else {
		e.raw, e.scratch, err = v.encode(e.raw, e.scratch, k.encoding, s.values, s.valuesEnd)
	}
	if err != nil {
		return fmt.Errorf("encode values: %w", err)
	}
	p := page{row: int64(s.row), nulls: int64(h.nulls), bounds: e.pageBounds(k, c, v, s)}
	if p.offset, p.size, err = e.page(k, h); err != nil {
		return err
	}
	e.pages = append(e.pages, p)
	k.values += int64(h.values)
	k.nulls += p.nulls
	return nil
}

// pageBounds returns the bounds of a page's values.
func (e *encoder) pageBounds(k *chunk, c *column, v *values, s span) bounds {
	if k.encoding == pqformat.RLEDictionary && (v.physical == columns.PhysicalBytes || v.physical == columns.PhysicalFixed) {
		return e.entryBounds(c.order, v, s.values, s.valuesEnd)
	}
	return e.boundsOf(c.order, v, s.values, s.valuesEnd)
}

// levels appends levels to the page, after their length if the page's version has it, and returns the number of bytes.
func (e *encoder) levels(levels []byte, most uint8, version int) (size int, err error) {
	start := len(e.raw)
	if version == 1 {
		e.raw = append(e.raw, 0, 0, 0, 0)
	}
	if e.raw, e.scratch, err = encodeLevels(e.raw, e.scratch, levels, most); err != nil {
		return 0, err
	}
	if version == 1 {
		binary.LittleEndian.PutUint32(e.raw[start:], uint32(len(e.raw)-start-4))
	}
	return len(e.raw) - start, nil
}

// dictionaryPage encodes e.dictionary, and appends it to e.out.
func (e *encoder) dictionaryPage(k *chunk, v *values) (err error) {
	e.raw = e.dictionary.plain(e.raw[:0], v)
	k.dictionaryOffset, _, err = e.page(k, header{kind: pqformat.DictionaryPage, values: len(e.dictionary.firsts)})
	return err
}

// page compresses e.raw and appends its header and it to e.out. It returns the offset of the header in the file, and the size of
// both.
func (e *encoder) page(k *chunk, h header) (offset int64, size int32, err error) {
	levels := 0
	if h.kind == pqformat.DataPageV2 {
		levels = h.repetition + h.definition
	}
	body := e.raw[levels:]
	if h.compressed = len(body) > 0 && k.codec.CompressionCodec() != pqformat.Uncompressed; h.compressed {
		if e.packed, err = k.codec.Encode(e.packed, body, h.values); err != nil {
			return 0, 0, fmt.Errorf("compress page: %w", err)
		}
		body = e.packed
	}
	if len(e.raw) > math.MaxInt32 || levels+len(body) > math.MaxInt32-maxHeader {
		return 0, 0, fmt.Errorf("a page of %d bytes is too large: a row has too much in one column", len(e.raw))
	}
	start := len(e.out)
	w := &e.thrift
	w.b = e.out
	w.begin()
	w.i32(1, int32(h.kind))
	w.i32(2, int32(len(e.raw)))
	w.i32(3, int32(levels+len(body)))
	w.i32(4, int32(crc32.Update(crc32.ChecksumIEEE(e.raw[:levels]), crc32.IEEETable, body)))
	h.encode(w, k)
	w.end()
	k.uncompressed += int64(len(w.b) - start + len(e.raw))
	e.out = append(append(w.b, e.raw[:levels]...), body...)
	k.compressed += int64(len(e.out) - start)
	offset = e.file.offset + int64(start)
	return offset, int32(len(e.out) - start), e.flush()
}

// maxHeader is larger than any header.
const maxHeader = 100

// encode writes the part that differs from kind to kind.
func (h header) encode(w *thriftWriter, k *chunk) {
	switch h.kind {
	case pqformat.DictionaryPage:
		w.structure(7)
		w.i32(1, int32(h.values))
		w.i32(2, int32(pqformat.Plain))
	case pqformat.DataPage:
		w.structure(5)
		w.i32(1, int32(h.values))
		w.i32(2, int32(k.encoding))
		w.i32(3, int32(pqformat.RLE))
		w.i32(4, int32(pqformat.RLE))
	default:
		w.structure(8)
		w.i32(1, int32(h.values))
		w.i32(2, int32(h.nulls))
		w.i32(3, int32(h.rows))
		w.i32(4, int32(k.encoding))
		w.i32(5, int32(h.definition))
		w.i32(6, int32(h.repetition))
		w.bool(7, h.compressed)
	}
	w.end()
}
