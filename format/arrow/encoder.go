package arrow

import (
	"bufio"
	"fmt"
	"math"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/jetcapture/lake/schema"
	"github.com/jetcapture/lake/schema/columns"
)

// A plan has all that the Writers of one factory share.
type plan[P any] struct {
	options  Options
	rows     columns.Appender[P]
	schema   *schema.Schema
	arrow    *arrow.Schema
	layout   *layout
	plain    *head // without metadata
	encoders sync.Pool
}

// maxBuffer is the size in bytes of the largest buffer that all readers accept: offsets are int32.
const maxBuffer = math.MaxInt32

// An encoder turns Columns into record batches. It belongs to no block and is reused.
type encoder struct {
	layout *layout
	span   span
	batch  batch
	fb     *flatbuffers.Builder
	packed []byte
	to     fileWriter
}

// maxPacked limits the bytes of compressed buffers that are kept for the next batch.
const maxPacked = 16 << 20

// encode calls write with an encoder that writes to the end of f, and adds what it wrote to f. An encoder that failed or
// panicked is not reused.
func (p *plan[P]) encode(f *file, write func(e *encoder) error) error {
	e, ok := p.encoders.Get().(*encoder)
	if !ok {
		e = &encoder{layout: p.layout, fb: flatbuffers.NewBuilder(1 << 10)}
		e.to.buffer = bufio.NewWriterSize(nil, gathered)
	}
	e.to.buffer.Reset(f.out)
	e.to.offset = f.offset
	if err := write(e); err != nil {
		return err
	}
	if err := e.to.flush(); err != nil {
		return err
	}
	f.offset = e.to.offset
	e.to.buffer.Reset(nil)
	e.batch.release()
	e.span.release()
	p.encoders.Put(e)
	return nil
}

// batches writes the rows of a range as one record batch, or as several if one would be too large.
func (e *encoder) batches(f *file, o *Options, codec Codec, c *columns.Columns, from, to int) error {
	for ; to-from > o.BatchRows; from += o.BatchRows {
		if err := e.batches(f, o, codec, c, from, from+o.BatchRows); err != nil {
			return err
		}
	}
	e.span.set(c, from, to)
	all, largest, at := e.layout.size(&e.span)
	switch {
	case to-from > 1 && all > min(2*o.BatchBytes, maxBuffer):
		half := from + (to-from)/2
		if err := e.batches(f, o, codec, c, from, half); err != nil {
			return err
		}
		return e.batches(f, o, codec, c, half, to)
	case largest > maxBuffer:
		return tooLarge(at)
	}
	e.batch.fill(e.layout, &e.span)
	if codec != None {
		packed, err := e.batch.compress(codec, e.packed[:0])
		if err != nil {
			return fmt.Errorf("compress: %w", err)
		}
		if e.packed = packed; cap(packed) > maxPacked {
			e.packed = nil
		}
	}
	f.add(&e.to, e.fb, &e.batch, codec)
	return e.to.err
}

// check returns an error if one of the rows is too large for a record batch of its own.
func (e *encoder) check(c *columns.Columns, from, to int) error {
	for row := from; row < to; row++ {
		e.span.set(c, row, row+1)
		if _, largest, at := e.layout.size(&e.span); largest > maxBuffer {
			return tooLarge(at)
		}
	}
	return nil
}

func tooLarge(at *arrayPlan) error {
	return fmt.Errorf("column %s: the row's values and nulls take more than %d bytes in an array: make its lists shorter",
		at.path, maxBuffer)
}
