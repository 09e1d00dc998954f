package parquet

import (
	"bytes"
	"runtime"

	pqformat "github.com/parquet-go/parquet-go/format"

	"github.com/jetcapture/lake/schema"
)

// aheadBytes is how much a column is to have at least, in the PLAIN encoding, before pages of it are made ahead.
const aheadBytes = 1 << 20

// An ahead is the pages of a column that were made while the row group still takes rows. Where they begin and end does not
// depend on when: a row group is the same as if all had been made at its end. What a block holds is compressed for the most part
// then, its columns are small enough for the caches of the processor, and little is left to do when it is sealed.
type ahead struct {
	column int
	plain  bool // the encoding of its values; there are no pages if it is not
	chunk  chunk
	pages  []page // with offsets from the first
	out    parts
	rows   int // that they have, from the first of the row group

	cut  schema.Cut    // of which a goroutine makes pages
	done chan struct{} // closed when it has made them; nil if there is none
	err  error
	held int64 // bytes of memory, as of the last time that nothing was being made
}

// isEarly reports whether pages of the column may be made ahead: of required bytes and JSON, which have no bounds. Other
// columns take little, or mostly become dictionaries of the whole row group. Nothing may need a value after its page was made:
// the columns have it no more. So a column with a bloom filter is out, and one that the rows are to be sorted by.
func (c *column) isEarly() bool {
	return c.physical == schema.PhysicalBytes && c.order == unordered && c.maxDef == 0 && !c.hasFilter() &&
		c.hints.Sort == schema.Unsorted &&
		(c.hints.Encoding == schema.AnyEncoding || c.hints.Encoding == schema.Plain)
}

// aheads are those of a row group.
type aheads []*ahead

// of returns the pages of a column, or nil if there are none.
func (all aheads) of(column int) *ahead {
	for _, a := range all {
		if a.column == column && a.rows > 0 {
			return a
		}
	}
	return nil
}

// wait waits until nothing is being made.
func (all aheads) wait() error {
	for _, a := range all {
		if a.done != nil {
			<-a.done
			a.settle()
		}
		if a.err != nil {
			return a.err
		}
	}
	return nil
}

// held returns the bytes of memory that they hold.
func (all aheads) held() (bytes int64) {
	for _, a := range all {
		bytes += a.held
	}
	return bytes
}

// lookAhead begins to make pages of columns that have become large, and sets when to look again. A column is left alone as
// long as its pages before are being made.
func (w *writer[P]) lookAhead() error {
	rows := w.columns.Rows()
	w.look = rows + maxPageRows
	for _, column := range w.factory.table.early {
		l := w.columns.Leaf(column)
		v, n := valuesOf(l), l.Len()
		size := v.bytes(n)
		if size < w.factory.aheadBytes {
			w.look = min(w.look, rows+1+(w.factory.aheadBytes-size)/(size/max(n, 1)+1)) // if the rows go on like that
			continue
		}
		w.look = min(w.look, rows+1+n/4)
		a := w.aheadOf(column, &v, n)
		if !a.plain || !a.isDone() {
			continue
		}
		if a.err != nil {
			return a.err
		}
		if full := a.full(&v, n, &w.factory.table.columns[column], w.factory.options.PageBytes); full > 0 {
			w.begin(a, full)
		}
	}
	return nil
}

// aheadOf returns the pages of a column, none if it had none.
func (w *writer[P]) aheadOf(column int, v *values, n int) *ahead {
	for _, a := range w.ahead {
		if a.column == column {
			return a
		}
	}
	f := w.factory
	c := &f.table.columns[column]
	e := encoders.Get().(*encoder)
	a := &ahead{column: column, plain: e.choose(c, v, n) == pqformat.Plain}
	e.release()
	a.chunk = chunk{version: f.options.PageVersion, encoding: pqformat.Plain, codec: c.compressor(f.compressor(w.codec))}
	w.ahead = append(w.ahead, a)
	return a
}

// full returns how many of n values are in full pages.
func (a *ahead) full(v *values, n int, c *column, limit int) (values int) {
	for s := (span{}); s.rowEnd < n; {
		values = s.rowEnd
		s = s.next(&a.chunk, c, v, nil, nil, n, limit)
	}
	return values
}

// makers are the goroutines that make pages ahead: as many as there are processors, as each takes an encoder.
var makers = make(chan struct{}, runtime.GOMAXPROCS(0))

// begin makes the pages of the first n values of the column, in a goroutine of its own, unless there are enough of these.
func (w *writer[P]) begin(a *ahead, n int) {
	select {
	case makers <- struct{}{}:
	default:
		return
	}
	f, cut := w.factory, w.columns.Cut(a.column, n)
	a.cut, a.done = cut, make(chan struct{})
	a.held = a.out.size + cut.Held()
	go func() {
		defer func() { <-makers; close(a.done) }()
		a.err = noPanic(func() error { return a.encode(&f.table.columns[a.column], f.options.PageBytes) })
	}()
}

// encode makes pages of the cut.
func (a *ahead) encode(c *column, limit int) error {
	e := encoders.Get().(*encoder)
	e.file, e.only, e.pages = &file{out: &a.out, offset: a.out.size}, false, e.pages[:0]
	v, n := values{physical: schema.PhysicalBytes}, a.cut.Len()
	v.offsets, v.data = a.cut.Bytes()
	if err := e.dataPages(&a.chunk, c, &v, nil, nil, n, a.rows, limit); err != nil {
		return err
	}
	if err := e.flushAll(); err != nil {
		return err
	}
	a.pages = append(a.pages, e.pages...)
	a.rows += n
	e.release()
	a.cut.Release()
	return nil
}

// isDone reports whether nothing is being made.
func (a *ahead) isDone() bool {
	if a.done == nil {
		return true
	}
	select {
	case <-a.done:
		a.settle()
		return true
	default:
		return false
	}
}

func (a *ahead) settle() {
	a.done, a.cut = nil, schema.Cut{}
	a.held = a.out.size
}

// insert writes pages that were made ahead, as the first of a chunk.
func (e *encoder) insert(k *chunk, a *ahead) error {
	if err := e.flushAll(); err != nil {
		return err
	}
	*k = a.chunk
	for _, p := range a.pages {
		p.offset += e.file.offset
		e.pages = append(e.pages, p)
	}
	for _, p := range a.out.all {
		if err := e.file.write(p); err != nil {
			return err
		}
	}
	return nil
}

// parts are what was written to them, in pieces that nothing moves when more comes.
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
