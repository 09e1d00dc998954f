package gcsstore

import (
	"context"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
)

// Open implements store.Bucket. The content of a whole object is checked against its CRC32C. If a connection breaks off, the
// next one continues there, provided that the object is still the same.
func (b *Bucket) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	content, err := b.open(ctx, name, offset, length)
	if err != nil {
		return nil, b.failed(ctx, "open", name, err)
	}
	return content, nil
}

func (b *Bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if err := body.CheckRange(offset, length); err != nil {
		return nil, store.Permanent(err)
	}
	if length == 0 {
		_, err := b.stat(ctx, name)
		return http.NoBody, err
	}
	if length > 1<<62-offset { // they are added
		length = -1
	}
	r := &reader{bucket: b, ctx: ctx, name: name, offset: offset, length: length}
	err := r.connect()
	switch {
	case err == nil:
		return r, nil
	case statusOf(err) == http.StatusRequestedRangeNotSatisfiable: // the object ends before
		return http.NoBody, nil
	}
	return nil, b.explain(ctx, err)
}

// maxReopened bounds the requests of one Read.
const maxReopened = 5

// reader reads an object. Its errors name it.
type reader struct {
	bucket         *Bucket
	ctx            context.Context // of Open
	name           string
	offset, length int64 // the range; a length of -1 is up to the end

	from       io.ReadCloser // nil if the connection broke off
	closed     bool
	seen       int64 // bytes of the range
	size       int64 // of the range, -1 if it is not known
	generation int64 // of the object, 0 if the server does not say
	sum        hash.Hash32
	want       string // CRC32C of the range, as the service writes it; "" if it is not known
	requests   int    // since Read was called
}

func (r *reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fs.ErrClosed
	}
	n, err := r.read(p)
	if err == nil || err == io.EOF { //nolint:errorlint // what wraps io.EOF is none
		return n, err
	}
	return n, r.bucket.failed(r.ctx, "read", r.name, r.bucket.explain(r.ctx, err))
}

func (r *reader) read(p []byte) (int, error) {
	for r.requests = 0; ; {
		switch {
		case r.from != nil:
		case r.size >= 0 && r.seen >= r.size: // it broke off after all
			return 0, r.end()
		default:
			if err := r.connect(); err != nil {
				return 0, err
			}
		}
		n, err := r.from.Read(p)
		r.seen += int64(n)
		_, _ = r.sum.Write(p[:n]) // it never fails
		switch {
		case err == io.EOF && r.seen >= r.size:
			return n, r.end()
		case err != nil: // the next turn, or the next Read, opens it again
			_ = r.from.Close()
			r.from = nil
		}
		if n > 0 || err == nil {
			return n, nil
		}
	}
}

// end returns io.EOF if the content is what was stored.
func (r *reader) end() error {
	if got := encodeSum(r.sum); r.want != "" && got != r.want {
		return fmt.Errorf("%d bytes with CRC32C %s were read of an object with %s", r.seen, got, r.want)
	}
	return io.EOF
}

// Size returns the length of the range that is read, -1 if it is not known.
func (r *reader) Size() int64 { return r.size }

func (r *reader) Close() error {
	r.closed = true
	if r.from == nil {
		return nil
	}
	return r.from.Close()
}
