package parquet

import (
	"fmt"
	"sync"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema/columns"
)

// An encoder turns columns into pages. It has only buffers, so that one encoder serves all blocks, one after the other.
type encoder struct {
	file   *file
	only   bool   // the row group is the only one of the file
	out    []byte // pages that are not yet in the file
	thrift thriftWriter

	raw     []byte // a page before compression
	packed  []byte // the page after compression
	scratch []byte // a part of a page
	pages   []page // of the chunk
	numbers []byte // their bounds

	dictionary dictionary
	sample     sample
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

// release gives an encoder to other blocks, without buffers that grew very large.
func (e *encoder) release() {
	const most = 16 << 20
	for _, b := range []*[]byte{&e.out, &e.raw, &e.packed, &e.scratch, &e.numbers} {
		if cap(*b) > most {
			*b = nil
		}
	}
	clear(e.pages) // they refer to values
	e.dictionary.release()
	e.file, e.out, e.pages = nil, e.out[:0], e.pages[:0]
	encoders.Put(e)
}

// flushBytes is about the number of bytes that are written to a file at once.
const flushBytes = 1 << 20

// flush writes the pages to the file if there are many.
func (e *encoder) flush() error {
	if len(e.out) < flushBytes {
		return nil
	}
	return e.flushAll()
}

func (e *encoder) flushAll() error {
	err := e.file.write(e.out)
	e.out = e.out[:0]
	return err
}

// A chunk has what the footer says about a column of a row group.
type chunk struct {
	codec    compressor
	encoding pqformat.Encoding

	version int // of data pages

	values, nulls            int64 // of the values, with the nulls
	uncompressed, compressed int64 // bytes, with the headers

	dictionaryOffset int64 // 0 if there is none
	bloom            location

	bounds chunkBounds
	pages  []page // their bounds share no memory
	index  bool   // whether the pages have bounds, or are all null

	columnIndex, offsetIndex location
}

// A location is a range of the file. Its length is 0 for something that the file does not have.
type location struct {
	offset int64
	length int32
}

// A rowGroup has what the footer says about a row group.
type rowGroup struct {
	offset int64
	rows   int64
	chunks []chunk
	sorted bool // by the table's columns
}

// rowGroup writes the columns as a row group. Some of them may have early pages.
func (e *encoder) rowGroup(t *table, o *Options, codec compressor, c *columns.Columns, early earlyColumns) (*rowGroup, error) {
	g := &rowGroup{
		offset: e.file.offset, rows: int64(c.Rows()), chunks: make([]chunk, len(t.columns)), sorted: isSorted(t, c),
	}
	var filters []filter
	for i := range t.columns {
		column := &t.columns[i]
		k := &g.chunks[i]
		k.codec = column.compressor(codec)
		v := valuesOf(c.Leaf(i))
		if err := e.chunk(k, column, &v, c.Leaf(i), c.Rows(), o, early.of(i)); err != nil {
			return nil, fmt.Errorf("column %s: %w", column.name(), err)
		}
		if column.hasFilter() {
			filters = append(filters, e.filter(k, &v))
		}
	}
	for _, f := range filters {
		e.bloom(f)
		if err := e.flush(); err != nil {
			return nil, err
		}
	}
	return g, e.flushAll()
}

// chunk appends the pages of a column to e.out, after its early pages, if there are any.
func (e *encoder) chunk(k *chunk, c *column, v *values, l *columns.Leaf, rows int, o *Options, early *earlyPages) error {
	e.pages, e.numbers = e.pages[:0], e.numbers[:0]
	first := 0
	if early != nil {
		if err := e.insert(k, early); err != nil {
			return err
		}
		first = early.rows
	} else {
		n := l.Len()
		k.version, k.encoding = o.PageVersion, e.choose(c, v, n)
		if e.only && v.bytes(n)+len(l.Definitions()) < minCompressed {
			k.codec = plainCodec
		}
	}
	if k.encoding == pqformat.RLEDictionary {
		if err := e.dictionaryPage(k, v); err != nil {
			return err
		}
	}
	if err := e.dataPages(k, c, v, l.Definitions(), l.Repetitions(), rows-first, first, o.PageBytes); err != nil {
		return err
	}
	e.keep(k, c)
	return nil
}

// keep stores the pages and their bounds in the chunk.
func (e *encoder) keep(k *chunk, c *column) {
	var all bounds
	k.index = c.order != unordered
	k.pages = make([]page, len(e.pages))
	for i, p := range e.pages {
		all.merge(c.order, p.bounds)
		if p.bounds.unknown {
			k.index = false
		}
		k.pages[i] = p
	}
	k.bounds = all.keep(c.order)
	for i := range k.pages {
		p := &k.pages[i]
		kept := p.bounds.keep(c.order)
		if p.bounds.known && !kept.known {
			k.index = false // a bound that cannot be cut
		}
		p.bounds = bounds{min: kept.min, max: kept.max, known: kept.known}
	}
	if !k.index {
		for i := range k.pages {
			k.pages[i].bounds = bounds{}
		}
	}
}

// minCompressed is the number of bytes below which a chunk is not worth compressing. It is for files of one row group only:
// parquet-go takes the codec of a column in the first row group for the codec in all.
const minCompressed = 128

var plainCodec = newCodec(Uncompressed, 0)
