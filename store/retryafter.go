package store

import (
	"errors"
	"time"
)

// maxRetryAfter is the longest wait that a server may ask for.
const maxRetryAfter = 5 * time.Minute

// RetryAfter marks err with the wait that a server asked for, for example in a Retry-After header. Whoever retries waits at
// least as long. More than five minutes count as five minutes. RetryAfter(nil, wait) is nil.
func RetryAfter(err error, wait time.Duration) error {
	if err == nil || wait <= 0 {
		return err
	}
	return &retryAfterError{err, min(wait, maxRetryAfter)}
}

// WaitOf returns the wait that err, or an error it wraps, was marked with by RetryAfter: five minutes at most, and 0 if it was
// not marked.
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
