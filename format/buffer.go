package format

import (
	"errors"
	"fmt"
	"io"
)

// rowBuffer collects the rows of a text format before they go to out. It takes the rows of a payload all at once, so that a
// rejected payload leaves no trace, and it starts small.
type rowBuffer struct {
	out  io.Writer
	rows []byte
	err  error // final
}

const (
	firstRowBuffer = 512
	rowBufferSize  = 32 << 10
)

// InitNew keeps out.
func (b *rowBuffer) InitNew(out io.Writer) error {
	if b.out != nil {
		return errors.New("writer is for one block only: make a new one")
	}
	b.out = out
	return nil
}

// Flush writes everything to out. Nothing can be written afterwards.
func (b *rowBuffer) Flush() error {
	if err := b.Spill(); err != nil {
		return err
	}
	b.err = fmt.Errorf("%w: it was flushed", ErrBroken)
	return nil
}

// Spill writes everything to out.
func (b *rowBuffer) Spill() error {
	err := b.write()
	b.rows = nil
	return err
}

// Buffered returns the bytes of memory held.
func (b *rowBuffer) Buffered() int64 { return int64(cap(b.rows)) }

// add takes the rows of one payload.
func (b *rowBuffer) add(rows []byte) error {
	if b.err == nil && b.out == nil {
		b.err = fmt.Errorf("%w: InitNew was not called", ErrBroken)
	}
	if b.err != nil {
		return b.err
	}
	if len(b.rows)+len(rows) > rowBufferSize {
		if err := b.write(); err != nil {
			return err
		}
	}
	if len(rows) > rowBufferSize {
		return b.writeOut(rows)
	}
	if b.rows == nil {
		b.rows = make([]byte, 0, max(firstRowBuffer, len(rows)))
	}
	b.rows = append(b.rows, rows...)
	return nil
}

func (b *rowBuffer) write() error {
	if b.err != nil || len(b.rows) == 0 {
		return b.err
	}
	err := b.writeOut(b.rows)
	b.rows = b.rows[:0]
	return err
}

func (b *rowBuffer) writeOut(rows []byte) error {
	b.err = fmt.Errorf("%w: write block: panic", ErrBroken) // stays if out panics
	if _, err := b.out.Write(rows); err != nil {
		b.err = fmt.Errorf("%w: write block: %w", ErrBroken, err)
		return b.err
	}
	b.err = nil
	return nil
}
