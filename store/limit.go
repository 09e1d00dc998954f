package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"golang.org/x/time/rate"
)

// LimitOptions are the limits of Limit. The zero value limits nothing.
type LimitOptions struct {
	Writes         int   // Creates at a time; others wait. 0 means no limit
	BytesPerSecond int64 // of content that all Creates together read; content that is read twice counts twice. 0 means no limit
}

// Limit returns b with a limit on Creates, so that they leave room for others: on the network, on a disk, or at a server that limits
// requests. Reading, listing and removing are not limited. A Create that waits ends with its context.
//
// Put Limit around Timeout, so that waiting for other Creates does not count as a store that does not answer, and keep
// TimeoutOptions.MinRate below BytesPerSecond / Writes.
func Limit(b Bucket, o LimitOptions) Bucket {
	l := &limit{inner: b}
	if o.Writes > 0 {
		l.writes = make(chan struct{}, o.Writes)
	}
	if o.BytesPerSecond > 0 {
		// A burst lets a timer that fires late catch up: 50 ms of bytes, but at least 256 KiB, so that reads are not small, and
		// at most one second of bytes.
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

// content returns content that is read no faster than allowed. It is an io.ReaderAt if content is, so that drivers can read several
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

// pay waits until n more bytes, at most a burst, are allowed.
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
