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

// RetryOptions say how long Retry tries. Their zero value is ready for use.
type RetryOptions struct {
	Attempts  int           // of an operation, the first among them; 0 means 5, 1 that nothing is retried
	FirstWait time.Duration // after the first failure, about; it doubles with each one more. 0 means 100 ms
	MaxWait   time.Duration // what it doubles up to; 0 means 30 s

	// Observe is told of each failure that is followed by another attempt, before the wait. op is create, open, read, stat,
	// list, remove or probe; name is an object or, to list, a prefix; attempt counts from 1. It may be called concurrently.
	Observe func(op, name string, attempt int, err error, wait time.Duration)
}

// maxRetryAfter is how long a server may ask to be left alone.
const maxRetryAfter = 5 * time.Minute

// Retry returns b with operations that are tried again when they fail, after waits that grow and are partly random, and
// at least as long as the server asked for by RetryAfter, up to five minutes. Not tried again is what is Permanent or
// wraps fs.ErrExist or, save from Create, fs.ErrNotExist, and nothing once ctx has ended, which ends a wait too: the error then wraps both
// that of ctx and the last failure.
//
// A reader of Open that breaks off goes on from the byte it had reached, and a listing after the object it had yielded
// last. Each time that they got on, they have all Attempts again.
//
// A capture retries by itself, for as long as it takes. Retry is for programs that read, and for what happens once, such
// as Probe.
func Retry(b Bucket, o RetryOptions) Bucket {
	o.Attempts = cmp.Or(max(0, o.Attempts), 5)
	o.FirstWait = cmp.Or(max(0, o.FirstWait), 100*time.Millisecond)
	o.MaxWait = cmp.Or(max(0, o.MaxWait), 30*time.Second)
	return &retry{b, o}
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

// do tries until that succeeds or wait says that it is over.
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

// wait returns nil when it is time for another attempt, and else the error to return.
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
	wait := r.options.backoff(attempt, failed)
	if r.options.Observe != nil {
		r.options.Observe(op, name, attempt, failed, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w (%w while waiting for another attempt)", failed, ctx.Err())
	}
}

// retryable reports whether another attempt may bring something else. That an object is not there is an answer, save to
// Create, where it is what the object was to be put into that is not there, such as a folder that is to be mounted yet.
func retryable(op string, err error) bool {
	return !IsPermanent(err) && !errors.Is(err, fs.ErrExist) && (op == "create" || !errors.Is(err, fs.ErrNotExist))
}

// backoff returns how long to wait after a failure. Half of it is random, lest all whom a server failed at once come back
// at once; that holds for what the server asked for too, which is the least.
func (o *RetryOptions) backoff(attempt int, failed error) time.Duration {
	wait := o.MaxWait
	if doublings := attempt - 1; doublings < 30 && o.FirstWait < o.MaxWait>>doublings {
		wait = o.FirstWait << doublings
	}
	wait = wait/2 + rand.N(wait/2+1)
	return min(WaitOf(failed), maxRetryAfter) + wait
}
