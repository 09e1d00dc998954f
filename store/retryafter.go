package store

import (
	"errors"
	"time"
)

// RetryAfter marks err with how long a server asked to be left alone, such as by a Retry-After header. Whoever retries
// waits at least so long, within reason. RetryAfter(nil, wait) is nil.
func RetryAfter(err error, wait time.Duration) error {
	if err == nil || wait <= 0 {
		return err
	}
	return &retryAfterError{err, wait}
}

// WaitOf returns the wait that err, or an error it wraps, was marked with by RetryAfter, or else 0.
func WaitOf(err error) time.Duration {
	var r *retryAfterError
	if errors.As(err, &r) {
		return r.wait
	}
	return 0
}

type retryAfterError struct {
	err  error
	wait time.Duration
}

func (r *retryAfterError) Error() string { return r.err.Error() }
func (r *retryAfterError) Unwrap() error { return r.err }
