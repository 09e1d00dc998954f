package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/time/rate"
)

// LimitOptions say what Limit allows. Their zero value allows all.
type LimitOptions struct {
	Writes         int   // Creates at a time; more wait. 0 means any number
	BytesPerSecond int64 // of content that Creates read, all together; what they read twice counts twice. 0 means any number
}

// Limit returns b with Creates that leave room for others: on the network, on a disk, at a server that charges by the
// request rate. Reading, listing and removing is not limited. A Create that waits ends with its context.
//
// Put Limit around Timeout, so that waiting for other Creates is not taken for a store that does not answer, and keep
// TimeoutOptions.MinRate below BytesPerSecond / Writes.
func Limit(b Bucket, o LimitOptions) Bucket {
	l := &limit{inner: b}
	if o.Writes > 0 {
		l.writes = make(chan struct{}, o.Writes)
	}
	if o.BytesPerSecond > 0 {
		// A burst is what a timer that wakes late may catch up with: 50 ms, though as little as a second's worth, and else
		// at least 256 KiB, lest there are many small reads.
		burst := min(o.BytesPerSecond, max(256<<10, o.BytesPerSecond/20))
		l.bytes = rate.NewLimiter(rate.Limit(o.BytesPerSecond), int(min(burst, 1<<30)))
	}
	return l
}

type limit struct {
	inner  Bucket
	writes chan struct{} // has an element for each Create under way; nil for any number
	bytes  *rate.Limiter // nil for any number
}

// Unwrap returns the Bucket that is limited.
func (l *limit) Unwrap() Bucket { return l.inner }

func (l *limit) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (Object, error) {
	if l.writes != nil {
		select {
		case l.writes <- struct{}{}:
			defer func() { <-l.writes }()
		case <-ctx.Done():
			return Object{}, fmt.Errorf("create %s: wait for other writes: %w", quote(name), ctx.Err())
		}
	}
	if l.bytes != nil {
		content = l.content(ctx, content)
	}
	return l.inner.Create(ctx, name, content, attrs)
}

func (l *limit) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	return l.inner.Open(ctx, name, offset, length)
}

func (l *limit) Stat(ctx context.Context, name string) (Object, error) {
	return l.inner.Stat(ctx, name)
}

func (l *limit) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return l.inner.List(ctx, prefix)
}

func (l *limit) Remove(ctx context.Context, name string) error { return l.inner.Remove(ctx, name) }

// ProbeOverwrite implements OverwriteProber.
func (l *limit) ProbeOverwrite(ctx context.Context, name string) error {
	return probeInner(ctx, l.inner, name)
}

// content returns content that is read no faster than allowed. It stays an io.ReaderAt, from which drivers read several
// parts at a time.
func (l *limit) content(ctx context.Context, content io.ReadSeeker) io.ReadSeeker {
	slow := limitedContent{content, ctx, l.bytes}
	if at, ok := content.(io.ReaderAt); ok {
		return limitedContentAt{slow, at}
	}
	return slow
}

type limitedContent struct {
	io.ReadSeeker
	ctx   context.Context // of the Create that reads it
	bytes *rate.Limiter
}

func (c limitedContent) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p[:min(len(p), c.bytes.Burst())])
	if waitErr := c.pay(n); waitErr != nil {
		return n, waitErr
	}
	return n, err
}

// pay waits until n bytes more, no more than a burst, are allowed.
func (c limitedContent) pay(n int) error {
	wait := c.bytes.ReserveN(time.Now(), n).Delay()
	if wait <= 0 {
		return nil
	}
	return sleep(c.ctx, wait)
}

type limitedContentAt struct {
	limitedContent
	at io.ReaderAt
}

func (c limitedContentAt) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) && err == nil {
		var got int
		got, err = c.at.ReadAt(p[n:min(len(p), n+c.bytes.Burst())], offset+int64(n))
		n += got
		if waitErr := c.pay(got); waitErr != nil {
			return n, waitErr
		}
	}
	if n == len(p) {
		return n, nil
	}
	return n, err
}
