package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/internal/staged"
	"github.com/jetcapture/lake/schema/columns"
)

// A writer holds the rows of one block as columns until they fill a row group. A full row group is encoded while Write takes the
// rows of the next; large columns have early pages even before. As long as the block is small, raw messages are staged: they are
// kept as rows.
type writer[P any] struct {
	factory      *factory[P]
	codec        Codec
	file         file
	staged       staged.Messages
	columns      *columns.Columns // nil without rows
	early        earlyColumns     // early pages of some of them
	checkEarlyAt int              // the number of rows at which pages may be encoded early
	full         *fullGroup       // that is being encoded, or nil
	metadata     map[string]string
	err          error // final
}

// A fullGroup is a row group that a goroutine of its own encodes.
type fullGroup struct {
	columns *columns.Columns
	early   earlyColumns
	held    int64 // bytes of memory of these
	pages   bytes.Buffer
	file    file // of the pages, at the offset where the writer's file continues
	err     error
	encoded chan struct{} // closed when the pages are encoded
}

// SetCompression makes c the codec of all columns that have none in their tag. The zero Codec leaves the one of Options.
func (w *writer[P]) SetCompression(c format.Codec) (err error) {
	if w.file.out != nil {
		return errors.New("parquet: SetCompression after InitNew")
	}
	w.codec, err = w.factory.options.codecFor(c)
	return err
}

// InitNew keeps out.
func (w *writer[P]) InitNew(out io.Writer) error {
	if w.file.out != nil {
		return errors.New("parquet: writer is for one block only: make a new one")
	}
	w.file.out = out
	return nil
}

// SetMetadata adds to the metadata in the footer.
func (w *writer[P]) SetMetadata(metadata map[string]string) {
	if w.metadata == nil {
		w.metadata = metadata
		return
	}
	w.metadata = maps.Clone(w.metadata)
	maps.Copy(w.metadata, metadata)
}

// Write appends the payload's rows, and begins to encode a row group when it is full. If encoding the one before failed, it breaks
// the writer.
func (w *writer[P]) Write(payload P) (rows int, err error) {
	if w.err == nil && w.file.out == nil {
		w.err = fmt.Errorf("%w: InitNew was not called", format.ErrBroken)
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.full != nil && w.full.isEncoded() {
		if err := w.guard(w.collect); err != nil {
			return 0, err
		}
	}
	if rows, err = w.append(payload); err != nil {
		return 0, err
	}
	o := &w.factory.options
	switch {
	case w.rows() >= o.RowGroupRows || w.held() >= o.RowGroupBytes:
		err = w.guard(w.encodeFull)
	case w.columns != nil && w.columns.Rows() >= w.checkEarlyAt:
		err = w.guard(w.encodeEarly)
	}
	if err != nil {
		return 0, err
	}
	return rows, nil
}

// append stages the payload's row, or appends its rows to the columns.
func (w *writer[P]) append(payload P) (rows int, err error) {
	if w.stages() {
		m := w.factory.raw(payload)
		if err := m.Validate(); err != nil {
			return 0, err
		}
		if w.staged.Add(&m) {
			return 1, nil
		}
	}
	if w.columns == nil {
		if err := w.guard(w.unstage); err != nil {
			return 0, err
		}
	}
	rows, err = w.factory.plan.Append(w.columns, payload)
	if errors.Is(err, columns.ErrFull) && w.columns.Rows() > 0 {
		if err := w.guard(w.encodeFull); err != nil {
			return 0, err
		}
		return w.append(payload)
	}
	return rows, err
}

// stages reports whether rows are to be staged. They are, as long as the block has few. As columns they take up to twice the
// memory, which must not exceed a row group's.
func (w *writer[P]) stages() bool {
	return w.factory.raw != nil && w.columns == nil && w.full == nil && len(w.file.groups) == 0 &&
		w.staged.Size() < w.factory.options.RowGroupBytes/2
}

// unstage moves the staged rows to the columns, which it makes if there are none.
func (w *writer[P]) unstage() error {
	if w.columns == nil {
		w.columns = w.factory.newColumns()
	}
	if w.staged.Len() == 0 {
		return nil
	}
	if err := w.staged.AppendTo(w.columns); err != nil {
		return fmt.Errorf("make columns of small rows: %w", err)
	}
	w.staged.Release()
	return nil
}

// rows returns the number of rows held, which are in no row group yet.
func (w *writer[P]) rows() int {
	if w.columns == nil {
		return w.staged.Len()
	}
	return w.columns.Rows()
}

// held returns the bytes of the rows held.
func (w *writer[P]) held() int64 {
	if w.columns == nil {
		return w.staged.Buffered()
	}
	return w.columns.Buffered() + w.early.held()
}

// encodeFull waits for the row group before, and begins to encode the rows held in a goroutine.
func (w *writer[P]) encodeFull() error {
	if err := w.collect(); err != nil {
		return err
	}
	if err := w.unstage(); err != nil {
		return err
	}
	if err := w.file.begin(); err != nil {
		return err
	}
	g := &fullGroup{columns: w.columns, early: w.early, held: w.held(), encoded: make(chan struct{})}
	g.file = file{out: &g.pages, offset: w.file.offset}
	w.columns, w.early, w.checkEarlyAt, w.full = nil, nil, 0, g
	go func(f *factory[P], codec Codec) {
		defer close(g.encoded)
		g.err = noPanic(func() error { return f.encode(&g.file, codec, g.columns, g.early, false) })
	}(w.factory, w.codec)
	return nil
}

func (g *fullGroup) isEncoded() bool {
	select {
	case <-g.encoded:
		return true
	default:
		return false
	}
}

// collect waits for the row group that is being encoded, if there is one, and writes it.
func (w *writer[P]) collect() error {
	g := w.full
	if g == nil {
		return nil
	}
	<-g.encoded
	if g.err != nil {
		return g.err
	}
	w.full = nil
	w.factory.release(g.columns)
	if err := w.file.write(g.pages.Bytes()); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	return w.file.add(g.file.groups[0])
}

// Buffered returns the bytes of the rows held.
func (w *writer[P]) Buffered() int64 {
	if w.full != nil {
		return w.held() + w.full.held
	}
	return w.held()
}

// Spill writes the rows held as a row group.
func (w *writer[P]) Spill() error { return w.spill(false) }

func (w *writer[P]) spill(last bool) error {
	return w.guard(func() error {
		if err := w.collect(); err != nil {
			return err
		}
		if w.rows() == 0 {
			return nil
		}
		if err := w.unstage(); err != nil {
			return err
		}
		if err := w.file.begin(); err != nil {
			return err
		}
		if err := w.factory.encode(&w.file, w.codec, w.columns, w.early, last); err != nil {
			return err
		}
		w.release()
		return nil
	})
}

func (w *writer[P]) release() {
	w.staged.Release()
	if w.columns != nil {
		w.factory.release(w.columns)
		w.columns, w.early, w.checkEarlyAt = nil, nil, 0
	}
}

// Flush writes the rows held and the footer.
func (w *writer[P]) Flush() error {
	if err := w.spill(true); err != nil {
		return err
	}
	err := w.guard(func() error { return w.file.end(w.factory.table, w.metadata) })
	if err == nil {
		w.release()
		w.err = fmt.Errorf("%w: it was flushed", format.ErrBroken)
	}
	return err
}

// guard calls f unless the writer is broken. An error or a panic breaks it, and the rows are dropped.
func (w *writer[P]) guard(f func() error) error {
	if w.err == nil && w.file.out == nil {
		w.err = fmt.Errorf("%w: InitNew was not called", format.ErrBroken)
	}
	if w.err != nil {
		return w.err
	}
	if err := noPanic(f); err != nil {
		w.err = fmt.Errorf("%w: parquet: %w", format.ErrBroken, err)
		w.staged.Release()
		w.columns, w.early, w.full, w.file.groups = nil, nil, nil, nil // not to be reused: their state is unknown
		return w.err
	}
	return nil
}

func noPanic(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return f()
}

// Columns returns the names of the columns.
func (w *writer[P]) Columns() []string { return w.factory.plan.Schema().Names() }

// Suffix returns "parquet".
func (w *writer[P]) Suffix() string { return "parquet" }

// Attributes returns the fingerprint of the schema.
func (w *writer[P]) Attributes() map[string]string {
	return map[string]string{"schema": w.factory.table.metadata[fingerprintKey]}
}
