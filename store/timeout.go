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

// TimeoutOptions say what Timeout waits for. Their zero value is ready for use.
type TimeoutOptions struct {
	// Operation is how long the store may take for an answer: to Stat, Remove and Open, to a Read of what Open returned, and
	// until List yields the next object. Create has it on top of what MinRate gives. 0 means 30 s.
	Operation time.Duration

	// MinRate is how fast Create must be, in bytes/s. 0 means 256 KiB/s.
	MinRate int64

	// Setting is what errors call Operation, where a program lets people set it: the name of a flag. "" means
	// TimeoutOptions.Operation.
	Setting string
}

// Timeout returns b with operations that end when the store does not answer, as on a connection that a firewall has
// forgotten. Their error wraps os.ErrDeadlineExceeded, and neither context.DeadlineExceeded nor context.Canceled, which
// are the caller's; it is not Permanent. Time that the caller takes between two Reads, or objects of a List, does not count.
//
// It ends the context that b gets, and then waits for b, so it helps with a b that heeds its context. Dir does so between
// system calls alone.
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

// Unwrap returns the Bucket that is watched.
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

// ProbeOverwrite implements OverwriteProber. That does several operations, so it has the time for several.
func (t *timeout) ProbeOverwrite(ctx context.Context, name string) error {
	w := watch(ctx, 10*t.options.Operation, "probe "+quote(name)+": the store did not answer", t.options.Setting)
	defer w.end()
	return w.explain(probeInner(w.ctx, t.inner, name))
}

func (t *timeout) watch(ctx context.Context, verb, name string) *watchdog {
	return watch(ctx, t.options.Operation, verb+" "+quote(name)+": the store did not answer", t.options.Setting)
}

// A watchdog ends a context when what it watches takes too long.
type watchdog struct {
	ctx    context.Context // for what is watched
	cancel context.CancelCauseFunc
	limit  time.Duration
	timer  *time.Timer
	late   *timeoutError // is the cause of the context's end if this watchdog brought it about
}

// watch returns a watchdog that is watching. complaint says what did not come in time, setting what allows more.
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

// explain returns the error of what was watched: that it took too long, if that is what ended it, whatever became of it.
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

// timeoutError does not wrap the error that the context's end led to, which looks as if the caller had ended it.
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

// Size is how much there is to read, -1 if the reader does not know.
func (r *watchedReader) Size() int64 { return sizeOf(r.ReadCloser) }

func sizeOf(r io.Reader) int64 {
	if sized, ok := r.(interface{ Size() int64 }); ok {
		return sized.Size()
	}
	return -1
}
