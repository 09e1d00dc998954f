package parquet

import (
	"bytes"
	"runtime"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// earlyBytes is the least that a column holds, in the PLAIN encoding, when pages of it are encoded early.
const earlyBytes = 1 << 20

// earlyPages holds the pages of a column that are encoded before the row group is full. They begin and end where they would if
// all pages were encoded when the row group is full, so the file is the same. With early pages most of what a large block holds
// is compressed, its columns are small enough for the processor's caches, and little is left to do when it is sealed.
type earlyPages struct {
	column int
	plain  bool // whether the values are encoded as PLAIN; otherwise there are no early pages
	chunk  chunk
	pages  []page // with offsets from the first
	out    parts
	rows   int // in the pages, counted from the first row of the row group

	cut  columns.Detached // the values that a goroutine encodes
	done chan struct{}    // closed when it has encoded them; nil without a goroutine
	err  error
	held int64 // bytes of memory when no goroutine was encoding, most recently
}

// hasEarlyPages reports whether pages of the column can be encoded early. Columns of required bytes and JSON can: they have no
// bounds. Other columns take little memory, or mostly become dictionaries of the whole row group. Columns no longer have a value
// once its page is encoded, so nothing may need it afterwards: a bloom filter would, and so would the check that rows are sorted.
func (c *column) hasEarlyPages() bool {
	return c.physical == columns.PhysicalBytes && c.order == unordered && c.maxDef == 0 && !c.hasFilter() &&
		c.hints.Sort == schema.Unsorted &&
		(c.hints.Encoding == schema.AnyEncoding || c.hints.Encoding == schema.Plain)
}

// earlyColumns are the early pages of a row group.
type earlyColumns []*earlyPages

// of returns the early pages of a column, or nil if there are none.
func (all earlyColumns) of(column int) *earlyPages {
	for _, early := range all {
		if early.column == column && early.rows > 0 {
			return early
		}
	}
	return nil
}

// wait waits until no goroutine is encoding.
func (all earlyColumns) wait() error {
	for _, early := range all {
		if early.done != nil {
			<-early.done
			early.settle()
		}
		if early.err != nil {
			return early.err
		}
	}
	return nil
}

// held returns the bytes of memory that the pages hold.
func (all earlyColumns) held() (bytes int64) {
	for _, early := range all {
		bytes += early.held
	}
	return bytes
}

// encodeEarly begins to encode pages of columns that have become large, and sets the number of rows at which it is called again.
// A column is left alone as long as a goroutine encodes its pages before.
func (w *writer[P]) encodeEarly() error {
	rows := w.columns.Rows()
	w.checkEarlyAt = rows + maxPageRows
	for _, column := range w.factory.table.early {
		l := w.columns.Leaf(column)
		v, n := valuesOf(l), l.Len()
		size := v.bytes(n)
		if size < w.factory.earlyBytes {
			w.checkEarlyAt = min(w.checkEarlyAt, rows+1+(w.factory.earlyBytes-size)/(size/max(n, 1)+1)) // if rows stay as large
			continue
		}
		w.checkEarlyAt = min(w.checkEarlyAt, rows+1+n/4)
		early := w.earlyPagesOf(column, &v, n)
		if !early.plain || !early.isDone() {
			continue
		}
		if early.err != nil {
			return early.err
		}
		if full := early.full(&v, n, &w.factory.table.columns[column], w.factory.options.PageBytes); full > 0 {
			if err := w.begin(early, full); err != nil {
				return err
			}
		}
	}
	return nil
}

// earlyPagesOf returns the early pages of a column, and chooses its encoding the first time.
func (w *writer[P]) earlyPagesOf(column int, v *values, n int) *earlyPages {
	for _, early := range w.early {
		if early.column == column {
			return early
		}
	}
	f := w.factory
	c := &f.table.columns[column]
	e := encoders.Get().(*encoder)
	early := &earlyPages{column: column, plain: e.choose(c, v, n) == pqformat.Plain}
	e.release()
	early.chunk = chunk{version: f.options.PageVersion, encoding: pqformat.Plain, codec: c.compressor(f.compressor(w.codec))}
	w.early = append(w.early, early)
	return early
}

// full returns how many of n values fill whole pages.
func (p *earlyPages) full(v *values, n int, c *column, limit int) (values int) {
	for s := (span{}); s.rowEnd < n; {
		values = s.rowEnd
		s = s.next(&p.chunk, c, v, nil, nil, n, limit)
	}
	return values
}

// earlyEncoders counts the goroutines that encode early pages, at most one for each processor, since each needs an encoder.
var earlyEncoders = make(chan struct{}, runtime.GOMAXPROCS(0))

// begin encodes the first n values of the column in a goroutine of its own, unless there are enough of these already.
func (w *writer[P]) begin(early *earlyPages, n int) error {
	select {
	case earlyEncoders <- struct{}{}:
	default:
		return nil
	}
	f := w.factory
	cut, err := w.columns.Detach(early.column, n)
	if err != nil {
		<-earlyEncoders
		return err
	}
	early.cut, early.done = cut, make(chan struct{})
	early.held = early.out.size + cut.Held()
	go func() {
		defer func() { <-earlyEncoders; close(early.done) }()
		early.err = noPanic(func() error { return early.encode(&f.table.columns[early.column], f.options.PageBytes) })
	}()
	return nil
}

// encode encodes the pages of the cut.
func (p *earlyPages) encode(c *column, limit int) error {
	e := encoders.Get().(*encoder)
	e.file, e.only, e.pages = &file{out: &p.out, offset: p.out.size}, false, e.pages[:0]
	v, n := values{physical: columns.PhysicalBytes}, p.cut.Len()
	v.offsets, v.data = p.cut.Bytes()
	if err := e.dataPages(&p.chunk, c, &v, nil, nil, n, p.rows, limit); err != nil {
		return err
	}
	if err := e.flushAll(); err != nil {
		return err
	}
	p.pages = append(p.pages, e.pages...)
	p.rows += n
	e.release()
	p.cut.Release()
	return nil
}

// isDone reports whether no goroutine is encoding.
func (p *earlyPages) isDone() bool {
	if p.done == nil {
		return true
	}
	select {
	case <-p.done:
		p.settle()
		return true
	default:
		return false
	}
}

func (p *earlyPages) settle() {
	p.done, p.cut = nil, columns.Detached{}
	p.held = p.out.size
}

// insert writes early pages, as the first of a chunk.
func (e *encoder) insert(k *chunk, early *earlyPages) error {
	if err := e.flushAll(); err != nil {
		return err
	}
	*k = early.chunk
	for _, p := range early.pages {
		p.offset += e.file.offset
		e.pages = append(e.pages, p)
	}
	for _, p := range early.out.all {
		if err := e.file.write(p); err != nil {
			return err
		}
	}
	return nil
}

// parts keeps what is written to it, in pieces that do not move when more is written.
type parts struct {
	all  [][]byte
	size int64
}

// Write keeps a copy of p.
func (p *parts) Write(part []byte) (n int, err error) {
	p.all = append(p.all, bytes.Clone(part))
	p.size += int64(len(part))
	return len(part), nil
}
