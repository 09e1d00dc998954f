package parquet

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
)

// A writer holds the rows of one block as columns until they are a row group.
type writer[P any] struct {
	factory  *factory[P]
	codec    Codec
	file     file
	columns  *schema.Columns // nil without rows
	metadata map[string]string
	err      error // final
}

// SetCompression makes c the codec of all pages that have none in their tag. None leaves that of Options.
func (w *writer[P]) SetCompression(c format.Compression) (err error) {
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
		w.metadata = map[string]string{}
	}
	maps.Copy(w.metadata, metadata)
}

// Write appends the payload's rows to the columns, and writes a row group when there are enough.
func (w *writer[P]) Write(payload P) (rows int, err error) {
	if w.err == nil && w.file.out == nil {
		w.err = fmt.Errorf("%w: InitNew was not called", format.ErrBroken)
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.columns == nil {
		w.columns = w.factory.plan.Schema().NewColumns()
	}
	rows, err = w.factory.plan.Append(w.columns, payload)
	if errors.Is(err, schema.ErrFull) && w.columns.Rows() > 0 {
		if err := w.Spill(); err != nil {
			return 0, err
		}
		return w.Write(payload)
	}
	if err != nil {
		return 0, err
	}
	o := &w.factory.options
	if w.columns.Rows() >= o.RowGroupRows || w.columns.Buffered() >= o.RowGroupBytes {
		if err := w.Spill(); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

// Buffered returns the bytes of the rows held.
func (w *writer[P]) Buffered() int64 {
	if w.columns == nil {
		return 0
	}
	return w.columns.Buffered()
}

// Spill writes the rows held as a row group.
func (w *writer[P]) Spill() error { return w.spill(false) }

func (w *writer[P]) spill(last bool) error {
	return w.guard(func() error {
		if w.columns == nil || w.columns.Rows() == 0 {
			return nil
		}
		if err := w.file.begin(); err != nil {
			return err
		}
		if err := w.factory.encode(&w.file, w.codec, w.columns, last); err != nil {
			return err
		}
		w.release()
		return nil
	})
}

func (w *writer[P]) release() {
	if w.columns != nil {
		w.columns.Release()
		w.columns = nil
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

// guard calls f unless the writer is broken. An error or a panic breaks it, and the rows are let go.
func (w *writer[P]) guard(f func() error) (err error) {
	if w.err == nil && w.file.out == nil {
		w.err = fmt.Errorf("%w: InitNew was not called", format.ErrBroken)
	}
	if w.err != nil {
		return w.err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			w.err = fmt.Errorf("%w: parquet: %w", format.ErrBroken, err)
			w.release()
			w.file.groups = nil
			err = w.err
		}
	}()
	return f()
}

// Attributes returns the fingerprint of the schema.
func (w *writer[P]) Attributes() map[string]string {
	return map[string]string{"schema": w.factory.table.metadata[fingerprintKey]}
}
