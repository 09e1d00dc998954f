package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// tailSize is how much of an object's end a ReaderAt reads at once: the footers of most Parquet files.
const tailSize = 64 << 10

// A ReaderAt reads one object at any offset, for functions that need an io.ReaderAt, such as parquet.Inspect. Each ReadAt is a
// request of its own, except that the last 64 KiB are read once and kept, since readers of files with a footer read it repeatedly.
type ReaderAt struct {
	ctx    context.Context // of NewReaderAt: io.ReaderAt has none
	bucket Bucket
	object Object

	mu   sync.Mutex
	tail []byte // the end of the object; nil before it is needed
}

// NewReaderAt returns a ReaderAt of the object name. It does a Stat, whose error wraps fs.ErrNotExist if there is no such
// object. ctx is the context of all reading.
func NewReaderAt(ctx context.Context, b Bucket, name string) (*ReaderAt, error) {
	object, err := b.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return &ReaderAt{ctx: ctx, bucket: b, object: object}, nil
}

// Size returns the length of the object in bytes.
func (r *ReaderAt) Size() int64 { return r.object.Size }

// Object returns the description of the object.
func (r *ReaderAt) Object() Object { return r.object }

// ReadAt implements io.ReaderAt. Calls may overlap.
func (r *ReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("read %s: offset %d is negative", r.object.Location, offset)
	}
	var end error
	if left := max(0, r.object.Size-offset); int64(len(p)) > left {
		p, end = p[:left], io.EOF
	}
	if len(p) == 0 {
		return 0, end
	}
	start := max(0, r.object.Size-tailSize)
	if offset < start {
		if n, err := r.read(p, offset); err != nil {
			return n, err
		}
		return len(p), end
	}
	tail, err := r.readTail(start)
	if err != nil {
		return 0, err
	}
	return copy(p, tail[offset-start:]), end
}

// readTail returns the object from start on.
func (r *ReaderAt) readTail(start int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tail == nil {
		tail := make([]byte, r.object.Size-start)
		if _, err := r.read(tail, start); err != nil {
			return nil, err
		}
		r.tail = tail
	}
	return r.tail, nil
}

// read fills p by one request.
func (r *ReaderAt) read(p []byte, offset int64) (int, error) {
	content, err := r.bucket.Open(r.ctx, r.object.Name, offset, int64(len(p)))
	if err != nil {
		return 0, err
	}
	defer func() { _ = content.Close() }()
	n, err := io.ReadFull(content, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("read %s: %w: %d bytes of %d from %d on", r.object.Location, io.ErrUnexpectedEOF, n, len(p), offset)
	}
	return n, err
}
