package parquet

import (
	"errors"
	"fmt"
	"io"
	"maps"

	"github.com/jetcapture/lake/format"
)

// A writer holds the rows of one block until they are a row group.
type writer[P, H any] struct {
	plan     *plan[P, H]
	codec    Codec
	file     file
	held     held[H]
	metadata map[string]string
	err      error // final
}

// SetCompression makes c the codec of all pages. None leaves that of Options.
func (w *writer[P, H]) SetCompression(c format.Compression) (err error) {
	if w.file.out != nil {
		return errors.New("parquet: SetCompression after InitNew")
	}
	w.codec, err = w.plan.options.codecFor(c)
	return err
}

// InitNew keeps out.
func (w *writer[P, H]) InitNew(out io.Writer) error {
	if w.file.out != nil {
		return errors.New("parquet: writer is for one block only: make a new one")
	}
	w.file.out = out
	return nil
}

// SetMetadata adds to the metadata in the footer.
func (w *writer[P, H]) SetMetadata(metadata map[string]string) {
	if w.metadata == nil {
		w.metadata = map[string]string{}
	}
	maps.Copy(w.metadata, metadata)
}

// Write holds the payload as a row, and writes a row group when there are enough.
func (w *writer[P, H]) Write(payload P) (rows int, err error) {
	if w.err == nil && w.file.out == nil {
		w.err = fmt.Errorf("%w: InitNew was not called", format.ErrBroken)
	}
	if w.err != nil {
		return 0, w.err
	}
	slot := w.held.next()
	*slot = w.plan.row(payload)
	bytes, err := w.plan.measure(slot)
	if err != nil {
		return 0, err
	}
	if bytes > maxRowBytes {
		return 0, fmt.Errorf("the row has %d bytes, more than %d", bytes, maxRowBytes)
	}
	w.held.keep(bytes+w.plan.rowSize, int64(w.plan.options.PageBytes))
	if w.held.rows >= w.plan.options.RowGroupRows || w.held.bytes >= w.plan.options.RowGroupBytes {
		if err := w.Spill(); err != nil {
			return 0, err
		}
	}
	return 1, nil
}

// Buffered returns the bytes of the rows held.
func (w *writer[P, H]) Buffered() int64 { return w.held.bytes }

// Spill writes the rows held as a row group.
func (w *writer[P, H]) Spill() error {
	return w.guard(func() error {
		if w.held.rows == 0 {
			return nil
		}
		if err := w.file.begin(); err != nil {
			return err
		}
		group, err := w.plan.encode(w.codec, w.file.out, w.file.offset, w.held.batches)
		if err != nil {
			return err
		}
		w.held = held[H]{}
		return w.file.add(group)
	})
}

// Flush writes the rows held and the footer.
func (w *writer[P, H]) Flush() error {
	if err := w.Spill(); err != nil {
		return err
	}
	err := w.guard(func() error { return w.file.end(w.plan.schema, w.metadata) })
	if err == nil {
		w.err = fmt.Errorf("%w: it was flushed", format.ErrBroken)
	}
	return err
}

// guard calls f unless the writer is broken. An error or a panic breaks it, and the rows are let go.
func (w *writer[P, H]) guard(f func() error) (err error) {
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
			w.held, w.file.groups = held[H]{}, nil
			err = w.err
		}
	}()
	return f()
}

// held is the rows of a row group to be, in batches that the encoder can take at once: none has much more than a page's
// bytes, and the first are small.
type held[H any] struct {
	batches [][]H
	rows    int
	bytes   int64
	last    int64 // bytes of the last batch
}

const (
	firstBatch = 8
	maxBatch   = 1024
)

// next returns the place for the next row, which is not there until keep.
func (h *held[H]) next() *H {
	i := len(h.batches) - 1
	if i < 0 || len(h.batches[i]) == cap(h.batches[i]) {
		size := firstBatch
		if i >= 0 {
			size = min(2*len(h.batches[i]), maxBatch)
		}
		h.batches = append(h.batches, make([]H, 0, size))
		h.last = 0
		i++
	}
	b := h.batches[i]
	return &b[:len(b)+1][len(b)]
}

// keep adds the row, of so many bytes, that was put in its place. It ends a batch of limit bytes or more.
func (h *held[H]) keep(bytes, limit int64) {
	i := len(h.batches) - 1
	b := h.batches[i]
	b = b[:len(b)+1]
	h.rows++
	h.bytes += bytes
	if h.last += bytes; h.last >= limit {
		b = b[:len(b):len(b)]
	}
	h.batches[i] = b
}
