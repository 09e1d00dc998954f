package gcsstore

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	maxTries   = 3                      // for a hiccup; the caller handles a longer outage
	firstPause = 200 * time.Millisecond // at most; each later one may be twice as long
)

// retry calls a function that may be called more than once, until it returns no error, or one that another try does not change.
func retry(ctx context.Context, call func() error) error {
	for try, pause := 1, firstPause; ; try, pause = try+1, 2*pause {
		err := call()
		if err == nil || try == maxTries || ctx.Err() != nil || !mayRetry(err) {
			return err
		}
		select {
		case <-time.After(rand.N(pause)): //nolint:gosec // it spreads the tries of several captures
		case <-ctx.Done():
			return err
		}
	}
}

// mayRetry reports whether to try again at once. If the server says when, the caller waits.
func mayRetry(err error) bool {
	var content *contentError
	var answered *apiError
	switch {
	case err == nil, errors.As(err, &content), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &answered):
		return statusPasses(answered.status) && answered.header.Get("Retry-After") == ""
	}
	if refused := refusedToken(err); refused != nil {
		return refused.temporary
	}
	return brokeOff(err)
}

// statusPasses reports whether another try may get another answer than this.
func statusPasses(status int) bool {
	return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
}

// brokeOff reports whether err is of a connection: another connection may succeed.
func brokeOff(err error) bool {
	var name *net.DNSError
	var operation *net.OpError
	var network net.Error
	switch {
	case errors.As(err, &name):
		return name.IsTemporary || name.IsTimeout
	case errors.As(err, &operation), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	case errors.As(err, &network) && network.Timeout():
		return true
	}
	text := err.Error() // of errors that net/http does not export
	return strings.Contains(text, "server closed idle connection") || strings.Contains(text, "client connection lost")
}
