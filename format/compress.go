package format

import (
	"errors"
	"fmt"
	"io"
	"sync"
)

// A Compressor compresses the bytes that are written to it, as one file. Close ends the file.
//
// Thousands can be open at once, since none holds the state of a codec (a megabyte for gzip or zstd): a Compressor collects bytes
// in a buffer that starts small, and compresses each chunk of 256 KB, or 64 KB for Snappy, with a shared encoder.
//
// The first error is final: it is returned from then on. A Compressor is used by one goroutine at a time.
type Compressor struct {
	out   io.Writer
	codec codec // nil without compression
	raw   []byte
	err   error // final
	done  bool
}

// A codec makes one file of chunks, and keeps the state of that file.
type codec interface {
	// chunkSize is the number of raw bytes that are compressed together.
	chunkSize() int

	// appendChunk appends the compressed chunk to dst: after the header of the file if this is the first chunk, and before
	// the end of the file if this is the last. Only the last may be empty.
	appendChunk(dst, chunk []byte, last bool) ([]byte, error)
}

// Compress returns a Compressor that writes to out. With None, and with the zero Codec, it passes everything on unchanged. Its
// error is for a Codec that it does not support, and lists those it supports.
func Compress(out io.Writer, c Codec) (*Compressor, error) {
	if err := c.Check(None, GZip, Snappy, Zstd); err != nil {
		return nil, err
	}
	w := &Compressor{out: out}
	switch c {
	case GZip:
		w.codec = new(gzipFile)
	case Snappy:
		w.codec = new(snappyFile)
	case Zstd:
		w.codec = new(zstdFile)
	}
	return w, nil
}

var (
	errClosed   = errors.New("compressor is closed")
	errPanicked = errors.New("compressor's out panicked")
)

// Write takes p, and from time to time writes a compressed chunk to out.
func (w *Compressor) Write(p []byte) (n int, err error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.codec == nil {
		n, w.err = w.out.Write(p)
		return n, w.err
	}
	size := w.codec.chunkSize()
	for n < len(p) {
		if len(w.raw) == 0 && len(p)-n >= size {
			if err := w.compress(p[n:n+size], false); err != nil {
				return n, err
			}
			n += size
			continue
		}
		taken := min(size-len(w.raw), len(p)-n)
		w.grow(taken, size)
		w.raw = append(w.raw, p[n:n+taken]...)
		n += taken
		if len(w.raw) == size {
			if err := w.Spill(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// Spill compresses the bytes held and writes them to out, however few they are. After nil, Buffered is 0. Every call makes the
// file a little larger; it is for when memory is short.
func (w *Compressor) Spill() error {
	if w.err != nil || len(w.raw) == 0 {
		return w.err
	}
	err := w.compress(w.raw, false)
	w.release()
	return err
}

// Close compresses the bytes held and writes the end of the file to out, which it does not close. After nil, the file is
// complete. A second Close does nothing and returns the same.
func (w *Compressor) Close() error {
	if w.done {
		return nil
	}
	if w.err == nil && w.codec != nil {
		_ = w.compress(w.raw, true) // sets err
	}
	w.release()
	if w.err == nil {
		w.done, w.err = true, errClosed
		return nil
	}
	return w.err
}

// Buffered returns the bytes of memory held.
func (w *Compressor) Buffered() int64 { return int64(cap(w.raw)) }

// scratch holds compressed chunks on their way to out.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

func (w *Compressor) compress(chunk []byte, last bool) error {
	buf := scratch.Get().(*[]byte)
	defer scratch.Put(buf)
	compressed, err := w.codec.appendChunk((*buf)[:0], chunk, last)
	if err != nil {
		w.err = fmt.Errorf("compress: %w", err)
		return w.err
	}
	*buf = compressed[:0]
	w.err = errPanicked // stays if out panics
	_, w.err = w.out.Write(compressed)
	return w.err
}

// fullBuffers holds buffers for the largest chunk. Smaller ones are not worth keeping.
var fullBuffers = sync.Pool{New: func() any { return new([maxChunk]byte) }}

const (
	firstChunk = 512
	maxChunk   = 256 << 10
)

// grow makes room for n more bytes. Buffers double, and the last comes from the pool.
func (w *Compressor) grow(n, size int) {
	need := len(w.raw) + n
	if need <= cap(w.raw) {
		return
	}
	want := max(firstChunk, cap(w.raw))
	for want < need {
		want *= 2
	}
	var raw []byte
	if want >= maxChunk {
		raw = fullBuffers.Get().(*[maxChunk]byte)[:0]
	} else {
		raw = make([]byte, 0, min(want, size))
	}
	w.raw = append(raw, w.raw...)
}

func (w *Compressor) release() {
	if cap(w.raw) == maxChunk {
		fullBuffers.Put((*[maxChunk]byte)(w.raw[:maxChunk]))
	}
	w.raw = nil
}
