package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"time"
)

// TimeoutOptions say how long Timeout waits. The zero value has the documented defaults.
type TimeoutOptions struct {
	// Operation limits the time for an answer to Stat, Remove and Open, for a Read of the reader that Open returned, and until
	// List yields the next object. For Create it is added to the time that MinRate allows. Default 30 s.
	Operation time.Duration

	// MinRate is the least rate of Create, in bytes/s. Default 256 KiB/s.
	MinRate int64

	// Setting is the name of Operation in errors: the flag by which people set it in a program. Default
	// TimeoutOptions.Operation.
	Setting string
}

// Timeout returns b with operations that end when the store does not answer, such as over a connection that a firewall dropped.
// Their error wraps os.ErrDeadlineExceeded, and neither context.DeadlineExceeded nor context.Canceled, which mean that the caller's
// context ended; it is not Permanent. The time that the caller takes between two Reads, or two objects of a List, does not count.
//
// Timeout ends the context that b gets, and then waits for b, so it needs a b that heeds its context. Dir does so only between
// system calls.
func Timeout(b Bucket, o TimeoutOptions) Bucket {
	o.Operation = cmp.Or(max(0, o.Operation), 30*time.Second)
	o.MinRate = cmp.Or(max(0, o.MinRate), 256<<10)
	o.Setting = cmp.Or(o.Setting, "TimeoutOptions.Operation")
	return &timeout{b, o}
}

type timeout struct {
	inner   Bucket
	options TimeoutOptions
}

// Unwrap returns the Bucket inside.
func (t *timeout) Unwrap() Bucket { return t.inner }

func (t *timeout) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (Object, error) {
	size, err := content.Seek(0, io.SeekEnd) // the Bucket rewinds it
	if err != nil {
		return Object{}, fmt.Errorf("create %s: find the end of the content: %w", quote(name), err)
	}
	const century = 100 * 365 * 24 * 3600
	transfer := min(century, float64(size)/float64(t.options.MinRate)) // seconds
	limit := t.options.Operation + time.Duration(transfer*float64(time.Second))
	w := watch(ctx, limit, fmt.Sprintf("create %s: the store did not take %d bytes", quote(name), size), t.options.Setting)
	defer w.end()
	object, err := t.inner.Create(w.ctx, name, content, attrs)
	return object, w.explain(err)
}

func (t *timeout) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	w := t.watch(ctx, "open", name)
	r, err := t.inner.Open(w.ctx, name, offset, length)
	if err != nil {
		defer w.end()
		return nil, w.explain(err)
	}
	w.pause()
	return &watchedReader{r, w}, nil
}

func (t *timeout) Stat(ctx context.Context, name string) (Object, error) {
	w := t.watch(ctx, "stat", name)
	defer w.end()
	object, err := t.inner.Stat(w.ctx, name)
	return object, w.explain(err)
}

func (t *timeout) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		w := t.watch(ctx, "list", prefix)
		defer w.end()
		for object, err := range t.inner.List(w.ctx, prefix) {
			w.pause()
			if !yield(object, w.explain(err)) || err != nil {
				return
			}
			w.goOn()
		}
	}
}

func (t *timeout) Remove(ctx context.Context, name string) error {
	w := t.watch(ctx, "remove", name)
	defer w.end()
	return w.explain(t.inner.Remove(w.ctx, name))
}

// ProbeOverwrite implements OverwriteProber. It is allowed the time of several operations, which it does.
func (t *timeout) ProbeOverwrite(ctx context.Context, name string) error {
	w := watch(ctx, 10*t.options.Operation, "probe "+quote(name)+": the store did not answer", t.options.Setting)
	defer w.end()
	return w.explain(probeInner(w.ctx, t.inner, name))
}

func (t *timeout) watch(ctx context.Context, verb, name string) *watchdog {
	return watch(ctx, t.options.Operation, verb+" "+quote(name)+": the store did not answer", t.options.Setting)
}

// A watchdog ends the context of an operation that takes too long.
type watchdog struct {
	ctx    context.Context // of the operation
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
	late   *timeoutError // the cause of the context's end if this watchdog ended it
}

// watch returns a running watchdog. complaint says what did not come in time, and setting what allows more time.
func watch(ctx context.Context, limit time.Duration, complaint, setting string) *watchdog {
	late := &timeoutError{text: fmt.Sprintf("%s within %v; if it is that slow, allow more by %s", complaint, limit.Round(time.Millisecond), setting)}
	watched, cancel := context.WithCancelCause(ctx)
	return &watchdog{watched, cancel, limit, time.AfterFunc(limit, func() { cancel(late) }), late}
}

func (w *watchdog) pause() { w.timer.Stop() }
func (w *watchdog) goOn()  { w.timer.Reset(w.limit) }

func (w *watchdog) end() {
	w.timer.Stop()
	w.cancel(nil)
}

// explain returns the error of the operation, or, if the watchdog ended it, an error that it took too long.
func (w *watchdog) explain(err error) error {
	if err == nil || isEnd(err) || !errors.Is(context.Cause(w.ctx), w.late) {
		return err
	}
	ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if !ended && !retryable("", err) {
		return err // an answer, just in time
	}
	return &timeoutError{text: fmt.Sprintf("%v (%v)", w.late, err)}
}

// timeoutError does not wrap the error of the operation, by which it looks as if the caller had ended the context.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }
func (e *timeoutError) Unwrap() error { return os.ErrDeadlineExceeded }
func (e *timeoutError) Timeout() bool { return true }

type watchedReader struct {
	io.ReadCloser
	w *watchdog
}

func (r *watchedReader) Read(p []byte) (int, error) {
	r.w.goOn()
	n, err := r.ReadCloser.Read(p)
	r.w.pause()
	return n, r.w.explain(err)
}

func (r *watchedReader) Close() error {
	defer r.w.end()
	err := r.ReadCloser.Close()
	if errors.Is(err, fs.ErrClosed) {
		return err
	}
	return r.w.explain(err)
}

// Size returns the number of bytes to read, or -1 if the reader does not know.
func (r *watchedReader) Size() int64 { return sizeOf(r.ReadCloser) }

func sizeOf(r io.Reader) int64 {
	if sized, ok := r.(interface{ Size() int64 }); ok {
		return sized.Size()
	}
	return -1
}
