package arrow

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema/columns"
)

// A writer holds the rows of one block until they are a record batch.
type writer[P any] struct {
	plan     *plan[P]
	codec    Codec
	file     file
	columns  *columns.Columns // nil if there are no rows
	metadata map[string]string
	last     *head // set by Flush, after which the metadata does not change
	err      error // final
}

// SetCompression makes c the codec of all buffers. The zero Codec leaves the one of Options.
func (w *writer[P]) SetCompression(c format.Codec) error {
	if w.file.out != nil {
		return errors.New("arrow: SetCompression after InitNew")
	}
	codec, err := w.plan.options.codecFor(c)
	if err == nil {
		w.codec = codec
	}
	return err
}

// InitNew keeps out.
func (w *writer[P]) InitNew(out io.Writer) error {
	if w.file.out != nil {
		return errors.New("arrow: writer is for one block only: make a new one")
	}
	w.file.out = out
	return nil
}

// SetMetadata adds to the metadata of the schema in the footer. A stream begins with its schema,
// which no longer changes once the first batch is written.
func (w *writer[P]) SetMetadata(metadata map[string]string) {
	if w.metadata == nil {
		w.metadata = metadata
		return
	}
	w.metadata = maps.Clone(w.metadata)
	maps.Copy(w.metadata, metadata)
}

// Write holds the payload's rows, and writes a record batch when there are enough.
func (w *writer[P]) Write(payload P) (rows int, err error) {
	if err := w.ready(); err != nil {
		return 0, err
	}
	rows, err = w.append(payload)
	if errors.Is(err, columns.ErrFull) && w.columns.Rows() > 0 {
		if err := w.Spill(); err != nil {
			return 0, err
		}
		rows, err = w.append(payload)
	}
	if err != nil {
		return 0, err
	}
	o := &w.plan.options
	if large := w.plan.layout.mayBeTooLarge(w.columns); large || w.columns.Rows() >= o.BatchRows || w.columns.Buffered() >= o.BatchBytes {
		if err := w.spill(rows, large); err != nil {
			return 0, err
		}
	}
	return rows, nil
}

func (w *writer[P]) append(payload P) (rows int, err error) {
	if w.columns == nil {
		w.columns = columns.New(w.plan.schema)
	}
	return w.plan.rows.Append(w.columns, payload)
}

// Buffered returns the bytes of the rows held.
func (w *writer[P]) Buffered() int64 {
	if w.columns == nil {
		return 0
	}
	return w.columns.Buffered()
}

// Spill writes the rows held as a record batch.
func (w *writer[P]) Spill() error { return w.spill(0, false) }

// spill writes the rows held. With check, it drops the last rows, which are of one payload, if one of them is too large, and
// returns an error that rejects the payload.
func (w *writer[P]) spill(last int, check bool) error {
	var rejected error
	err := w.guard(func() error {
		if w.columns == nil || w.columns.Rows() == 0 {
			return nil
		}
		rows := w.columns.Rows()
		err := w.plan.encode(&w.file, func(e *encoder) error {
			if check {
				if rejected = e.check(w.columns, rows-last, rows); rejected != nil {
					rows -= last
				}
			}
			if rows == 0 {
				return nil
			}
			if err := w.begin(e); err != nil {
				return err
			}
			return e.batches(&w.file, &w.plan.options, w.codec, w.columns, 0, rows)
		})
		if err == nil {
			w.columns.Release()
			w.columns = nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return rejected
}

// Flush writes the rows held and the footer.
func (w *writer[P]) Flush() error {
	err := w.guard(func() (err error) {
		w.last, err = w.head()
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Spill(); err != nil {
		return err
	}
	err = w.guard(func() error {
		return w.plan.encode(&w.file, func(e *encoder) error {
			if err := w.begin(e); err != nil {
				return err
			}
			w.file.end(&e.to, w.last)
			return nil
		})
	})
	if err == nil {
		w.err = fmt.Errorf("%w: it was flushed", format.ErrBroken)
		w.metadata, w.last, w.file.blocks = nil, nil, nil
	}
	return err
}

// begin writes the schema if it is not yet in the file.
func (w *writer[P]) begin(e *encoder) error {
	if w.file.begun {
		return nil
	}
	h, err := w.head()
	if err == nil {
		w.file.begin(&e.to, h)
	}
	return err
}

// head returns the head with the metadata that was set until now.
func (w *writer[P]) head() (*head, error) {
	switch {
	case w.last != nil:
		return w.last, nil
	case len(w.metadata) == 0:
		return w.plan.plain, nil
	}
	return headOf(w.plan.arrow, w.metadata)
}

// ready returns an error if the writer cannot write.
func (w *writer[P]) ready() error {
	if w.err == nil && w.file.out == nil {
		w.err = fmt.Errorf("%w: InitNew was not called", format.ErrBroken)
	}
	return w.err
}

// guard calls f unless the writer is broken. An error or a panic breaks it, and the rows are dropped.
func (w *writer[P]) guard(f func() error) (err error) {
	if err := w.ready(); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			w.err = fmt.Errorf("%w: arrow: %w", format.ErrBroken, err)
			w.columns, w.metadata, w.last, w.file.blocks = nil, nil, nil, nil
			err = w.err
		}
	}()
	return f()
}

// Columns returns the names of the columns.
func (w *writer[P]) Columns() []string { return w.plan.schema.Names() }

// Suffix returns "arrow".
func (w *writer[P]) Suffix() string { return "arrow" }

// Attributes returns the fingerprint of the schema.
func (w *writer[P]) Attributes() map[string]string {
	return map[string]string{"schema": w.plan.schema.Fingerprint()}
}
