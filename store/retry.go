package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"time"
)

// RetryOptions say how often Retry tries, and how long it waits in between. The zero value has the documented defaults.
type RetryOptions struct {
	Attempts  int           // attempts of one operation, with the first; default 5; with 1 nothing is retried
	FirstWait time.Duration // about the wait after the first failure, which doubles with each further one; default 100 ms
	MaxWait   time.Duration // the wait stops doubling here; default 30 s

	// Observe, if it is not nil, is called before each wait with the failure that causes it. op is create, open, read, stat,
	// list, remove or probe; name is an object or, to list, a prefix; attempt counts from 1. It may be called concurrently.
	Observe func(op, name string, attempt int, err error, wait time.Duration)
}

// Retry returns b with operations that are tried again when they fail. The waits grow and are partly random, and are at least
// as long as the server asks for (see RetryAfter). Some errors are final: those that are Permanent or wrap fs.ErrExist, and
// those that wrap fs.ErrNotExist, except from Create. Nothing is tried again once ctx has ended, which ends a wait too: the
// error then wraps both the error of ctx and the last failure.
//
// When a reader of Open breaks off, it continues from the byte that it had reached; a listing continues after the object that
// it yielded last. After each such progress they have all Attempts again.
//
// A capture retries by itself, as long as it runs. Retry is for programs that read, and for calls such as Probe.
func Retry(b Bucket, o RetryOptions) Bucket { return &retry{b, o.withDefaults()} }

func (o RetryOptions) withDefaults() RetryOptions {
	o.Attempts = cmp.Or(max(0, o.Attempts), 5)
	o.FirstWait = cmp.Or(max(0, o.FirstWait), 100*time.Millisecond)
	o.MaxWait = cmp.Or(max(0, o.MaxWait), 30*time.Second)
	return o
}

// WaitAfter returns how long to wait after so many failures in a row, the last of which is failed, for programs that retry by
// themselves. It doubles from FirstWait up to MaxWait, and comes on top of what the server asked for. Half of it is random, so
// that programs whose store failed at the same moment do not all come back at the same moment.
func (o RetryOptions) WaitAfter(failures int, failed error) time.Duration {
	o = o.withDefaults()
	wait := o.MaxWait
	if doublings := max(failures-1, 0); doublings < 30 && o.FirstWait < o.MaxWait>>doublings {
		wait = o.FirstWait << doublings
	}
	return WaitOf(failed) + wait/2 + rand.N(wait/2+1)
}

type retry struct {
	inner   Bucket
	options RetryOptions
}

// Unwrap returns the Bucket that is retried.
func (r *retry) Unwrap() Bucket { return r.inner }

func (r *retry) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (object Object, err error) {
	err = r.do(ctx, "create", name, func() error {
		object, err = r.inner.Create(ctx, name, content, attrs)
		return err
	})
	return object, err
}

func (r *retry) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	var reader io.ReadCloser
	err := r.do(ctx, "open", name, func() (err error) {
		reader, err = r.inner.Open(ctx, name, offset, length)
		return err
	})
	if err != nil {
		return nil, err
	}
	return newResuming(ctx, r, name, offset, length, reader), nil
}

func (r *retry) Stat(ctx context.Context, name string) (object Object, err error) {
	err = r.do(ctx, "stat", name, func() error {
		object, err = r.inner.Stat(ctx, name)
		return err
	})
	return object, err
}

func (r *retry) Remove(ctx context.Context, name string) error {
	return r.do(ctx, "remove", name, func() error { return r.inner.Remove(ctx, name) })
}

// ProbeOverwrite implements OverwriteProber.
func (r *retry) ProbeOverwrite(ctx context.Context, name string) error {
	return r.do(ctx, "probe", name, func() error { return probeInner(ctx, r.inner, name) })
}

func (r *retry) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		last := "" // that was yielded; no name is empty
		for attempt := 1; ; attempt++ {
			var failed error
			for object, err := range r.inner.List(ctx, prefix) {
				if err != nil {
					failed = err
					break
				}
				if object.Name <= last {
					continue
				}
				last, attempt = object.Name, 1
				if !yield(object, nil) {
					return
				}
			}
			if failed == nil {
				return
			}
			if err := r.wait(ctx, "list", prefix, attempt, failed); err != nil {
				yield(Object{}, err)
				return
			}
		}
	}
}

// do calls try until it succeeds, or until wait returns an error.
func (r *retry) do(ctx context.Context, op, name string, try func() error) error {
	for attempt := 1; ; attempt++ {
		failed := try()
		if failed == nil {
			return nil
		}
		if err := r.wait(ctx, op, name, attempt, failed); err != nil {
			return err
		}
	}
}

// wait returns nil when it is time for another attempt, or the error to return if there is none.
func (r *retry) wait(ctx context.Context, op, name string, attempt int, failed error) error {
	switch {
	case !retryable(op, failed), errors.Is(failed, ctx.Err()) && ctx.Err() != nil:
		return failed
	case ctx.Err() != nil:
		return fmt.Errorf("%w (%w)", failed, ctx.Err())
	case attempt >= r.options.Attempts:
		if attempt == 1 {
			return failed
		}
		return fmt.Errorf("%w (after %d attempts)", failed, attempt)
	}
	wait := r.options.WaitAfter(attempt, failed)
	if r.options.Observe != nil {
		r.options.Observe(op, name, attempt, failed, wait)
	}
	if err := sleep(ctx, wait); err != nil {
		return fmt.Errorf("%w (%w while waiting for another attempt)", failed, err)
	}
	return nil
}

// sleep returns nil after the wait, or the error of ctx if that ends before.
func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryable reports whether another attempt may have another result. fs.ErrNotExist is an answer, except to Create: there it is
// about the place that the object goes into, such as a folder that is not mounted yet.
func retryable(op string, err error) bool {
	return !IsPermanent(err) && !errors.Is(err, fs.ErrExist) && (op == "create" || !errors.Is(err, fs.ErrNotExist))
}
