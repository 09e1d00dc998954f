package gcsstore

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/googleapi"
)

// maxTries get over a hiccup; what lasts longer is for the caller.
const maxTries = 3

// pauses returns the pauses between tries.
func pauses() *gax.Backoff {
	return &gax.Backoff{Initial: 200 * time.Millisecond, Max: 2 * time.Second, Multiplier: 2}
}

// retry calls what may be called more than once until it returns no error, or one that another try does not change.
func retry(ctx context.Context, call func() error) error {
	pause := pauses()
	for try := 1; ; try++ {
		err := call()
		if err == nil || try == maxTries || ctx.Err() != nil || !mayRetry(err) {
			return err
		}
		if gax.Sleep(ctx, pause.Pause()) != nil {
			return err
		}
	}
}

// mayRetry leaves to the caller what the server wants to be waited for.
func mayRetry(err error) bool {
	var content *contentError
	var answered *googleapi.Error
	switch {
	case err == nil, errors.As(err, &content), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &answered):
		passes := answered.Code >= 500 || answered.Code == http.StatusTooManyRequests || answered.Code == http.StatusRequestTimeout
		return passes && answered.Header.Get("Retry-After") == ""
	}
	if refused := refusedToken(err); refused != nil {
		return refused.Temporary()
	}
	return brokeOff(err)
}

// brokeOff reports whether err is one of a connection, as another may do better.
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
