package gcsstore

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"cloud.google.com/go/storage"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
)

// Open implements store.Bucket. What is read of a whole object is checked against its CRC32C. A connection that breaks off
// is opened anew, where it had got to and only if the object is still the same.
func (b *Bucket) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	content, err := b.open(ctx, name, offset, length)
	if err != nil {
		return nil, b.failed(ctx, "open", name, err)
	}
	return content, nil
}

func (b *Bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	object, err := b.object(ctx, name)
	if err == nil {
		err = store.Permanent(body.CheckRange(offset, length))
	}
	if err != nil {
		return nil, err
	}
	if length == 0 {
		_, err := b.stat(ctx, name)
		return http.NoBody, err
	}
	if length > 1<<62-offset { // the library adds them
		length = -1
	}
	r := &reader{bucket: b, ctx: ctx, name: name}
	r.from, err = object.NewRangeReader(r.watched(), offset, length)
	switch {
	case err == nil:
		return r, nil
	case statusOf(err) == http.StatusRequestedRangeNotSatisfiable: // the object ends before
		r.cancel()
		return http.NoBody, nil
	}
	r.cancel()
	return nil, b.explain(ctx, err)
}

// maxReopened is how many requests one Read may cost.
const maxReopened = 5

// reader reads an object, and says which in its errors.
type reader struct {
	bucket   *Bucket
	ctx      context.Context // of Open
	name     string
	from     *storage.Reader
	cancel   context.CancelFunc
	requests atomic.Int64 // since Read was called
}

// watched is the context for reading. It ends when a Read costs too many requests: the library opens a connection that
// breaks off in the body of its answer anew at once, for ever.
func (r *reader) watched() context.Context {
	ctx, cancel := context.WithCancel(r.ctx)
	r.cancel = cancel
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) {
		if r.requests.Add(1) > maxReopened {
			cancel()
		}
	}})
}

func (r *reader) Read(p []byte) (int, error) {
	r.requests.Store(0)
	n, err := r.from.Read(p)
	if err == nil || err == io.EOF { //nolint:errorlint // what wraps io.EOF is none
		return n, err
	}
	if r.requests.Load() > maxReopened && r.ctx.Err() == nil {
		err = fmt.Errorf("the connection broke off %d times", maxReopened)
	}
	return n, r.bucket.failed(r.ctx, "read", r.name, r.bucket.explain(r.ctx, err))
}

// Size returns the length of the range that is read, -1 if it is not known.
func (r *reader) Size() int64 { return r.from.Remain() }

func (r *reader) Close() error {
	r.cancel()
	return r.from.Close()
}
