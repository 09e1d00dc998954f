package parquet

import (
	"cmp"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
)

// A footerWriter writes the indexes and the footer, which follow the row groups of a file. The numbers of fields are those of
// parquet.thrift.
//
// https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
type footerWriter struct {
	thriftWriter
	file  *file
	table *table
}

// structureAt writes a structure and returns its location in the file.
func (w *footerWriter) structureAt(fields func()) location {
	start := len(w.b)
	w.begin()
	fields()
	w.end()
	return location{w.file.offset + int64(start), int32(len(w.b) - start)}
}

// columnIndexes writes the bounds of the pages, for chunks all of whose pages have bounds. Readers look into every page of others.
func (w *footerWriter) columnIndexes(g *rowGroup) {
	for i := range g.chunks {
		k := &g.chunks[i]
		if !k.index || len(k.pages) == 0 {
			continue
		}
		k.columnIndex = w.structureAt(func() {
			w.list(1, thriftTrue, len(k.pages))
			for _, p := range k.pages {
				w.boolean(!p.bounds.known) // all are null
			}
			w.list(2, thriftBinary, len(k.pages))
			for _, p := range k.pages {
				w.binary(p.bounds.min)
			}
			w.list(3, thriftBinary, len(k.pages))
			for _, p := range k.pages {
				w.binary(p.bounds.max)
			}
			w.i32(4, int32(boundaryOrder(w.table.columns[i].order, k.pages)))
			w.list(5, thriftI64, len(k.pages))
			for _, p := range k.pages {
				w.varint(p.nulls)
			}
		})
	}
}

// boundaryOrder returns how the bounds of pages rise or fall. Pages of nulls do not count.
func boundaryOrder(o order, pages []page) pqformat.BoundaryOrder {
	rise, fall := true, true
	var last *bounds
	for i := range pages {
		b := &pages[i].bounds
		if !b.known {
			continue
		}
		if last != nil {
			least, greatest := o.compare(last.min, b.min), o.compare(last.max, b.max)
			rise = rise && least <= 0 && greatest <= 0
			fall = fall && least >= 0 && greatest >= 0
		}
		last = b
	}
	switch {
	case rise:
		return pqformat.Ascending
	case fall:
		return pqformat.Descending
	}
	return pqformat.Unordered
}

// offsetIndexes writes the locations of the pages.
func (w *footerWriter) offsetIndexes(g *rowGroup) {
	for i := range g.chunks {
		k := &g.chunks[i]
		k.offsetIndex = w.structureAt(func() {
			w.list(1, thriftStructure, len(k.pages))
			for _, p := range k.pages {
				w.begin()
				w.i64(1, p.offset)
				w.i32(2, p.size)
				w.i64(3, p.row)
				w.end()
			}
		})
	}
}

func (w *footerWriter) footer(metadata map[string]string) {
	w.begin()
	w.i32(1, 1) // the version, which no reader looks at
	w.list(2, thriftStructure, w.table.count)
	w.b = append(w.b, w.table.elements...)
	w.i64(3, w.file.rows)
	w.list(4, thriftStructure, len(w.file.groups))
	for i, g := range w.file.groups {
		w.begin()
		w.rowGroup(i, g)
		w.end()
	}
	w.metadata(metadata)
	w.string(6, createdBy)
	w.list(7, thriftStructure, len(w.table.columns))
	for range w.table.columns { // all are ordered as their type says
		w.begin()
		w.empty(1)
		w.end()
	}
	w.end()
}

func (w *footerWriter) metadata(metadata map[string]string) {
	all := make(map[string]string, len(metadata)+len(w.table.metadata))
	maps.Copy(all, metadata)
	maps.Copy(all, w.table.metadata) // wins over what somebody set
	w.list(5, thriftStructure, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.begin()
		w.string(1, name)
		w.string(2, all[name])
		w.end()
	}
}

func (w *footerWriter) rowGroup(ordinal int, g *rowGroup) {
	var uncompressed, compressed int64
	w.list(1, thriftStructure, len(g.chunks))
	for i := range g.chunks {
		k := &g.chunks[i]
		uncompressed, compressed = uncompressed+k.uncompressed, compressed+k.compressed
		w.begin()
		w.i64(2, 0) // the place of the metadata in older files
		w.structure(3)
		w.chunk(&w.table.columns[i], k)
		w.end()
		w.location(4, k.offsetIndex)
		w.location(6, k.columnIndex)
		w.end()
	}
	w.i64(2, uncompressed)
	w.i64(3, g.rows)
	if g.sorted {
		w.list(4, thriftStructure, len(w.table.sorted))
		for _, leaf := range w.table.sorted {
			w.begin()
			w.i32(1, int32(leaf))
			w.bool(2, w.table.columns[leaf].hints.Sort == schema.Descending)
			w.bool(3, false) // nulls come last
			w.end()
		}
	}
	w.i64(5, g.offset)
	w.i64(6, compressed)
	w.i16(7, int16(ordinal)) // file.add keeps it in 15 bits
}

// location writes the fields id and id+1, unless the location is empty.
func (w *footerWriter) location(id int, at location) {
	if at.length > 0 {
		w.i64(id, at.offset)
		w.i32(id+1, at.length)
	}
}

func (w *footerWriter) chunk(c *column, k *chunk) {
	encodings := make([]pqformat.Encoding, 0, 3)
	if k.dictionaryOffset > 0 {
		encodings = append(encodings, pqformat.Plain)
	}
	encodings = append(encodings, k.encoding)
	if c.maxDef > 0 {
		encodings = append(encodings, pqformat.RLE)
	}
	w.i32(1, int32(c.parquet))
	w.list(2, thriftI32, len(encodings))
	for _, e := range encodings {
		w.varint(int64(e))
	}
	w.list(3, thriftBinary, len(c.path))
	for _, name := range c.path {
		w.text(name)
	}
	w.i32(4, int32(k.codec.CompressionCodec()))
	w.i64(5, k.values)
	w.i64(6, k.uncompressed)
	w.i64(7, k.compressed)
	if len(k.pages) > 0 {
		w.i64(9, k.pages[0].offset)
	} else {
		w.i64(9, 0)
	}
	if k.dictionaryOffset > 0 {
		w.i64(11, k.dictionaryOffset)
	}
	w.structure(12)
	w.i64(3, k.nulls)
	if k.bounds.known {
		w.bytes(5, k.bounds.max)
		w.bytes(6, k.bounds.min)
		w.bool(7, k.bounds.maxExact)
		w.bool(8, k.bounds.minExact)
	}
	w.end()
	w.encodingStats(k)
	w.location(14, k.bloom)
}

// encodingStats writes the number of pages of each encoding, so that readers know whether all pages use the dictionary.
func (w *footerWriter) encodingStats(k *chunk) {
	pages, kind := 1, pqformat.DataPage
	if k.version == 2 {
		kind = pqformat.DataPageV2
	}
	if k.dictionaryOffset > 0 {
		pages++
	}
	w.list(13, thriftStructure, pages)
	if k.dictionaryOffset > 0 {
		w.pageCount(pqformat.DictionaryPage, pqformat.Plain, 1)
	}
	w.pageCount(kind, k.encoding, len(k.pages))
}

func (w *footerWriter) pageCount(kind pqformat.PageType, encoding pqformat.Encoding, pages int) {
	w.begin()
	w.i32(1, int32(kind))
	w.i32(2, int32(encoding))
	w.i32(3, int32(pages)) // fits: a page has at least one row
	w.end()
}

// createdBy has the form that the Parquet specification asks for. Readers look in it for writers with known bugs.
var createdBy = func() string {
	const module = "github.com/jetcapture/lake"
	versions := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range append(info.Deps, &info.Main) {
			versions[dep.Path] = dep.Version
		}
	}
	return fmt.Sprintf("%s version %s", module, cmp.Or(versions[module], "(devel)"))
}()
