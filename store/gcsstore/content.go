package gcsstore

import (
	"errors"
	"io"
	"sync"

	"github.com/jetcapture/lake/store/internal/body"
)

// contentReader marks the errors of the content, and keeps the first. The goroutine of net/http that reads it may continue when the
// request has returned. The content belongs to the caller, so that stop ends the reading.
type contentReader struct {
	from body.Reader

	mu  sync.Mutex // held while reading
	err error
}

func (c *contentReader) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.from.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // what wraps io.EOF is none
		c.err = &contentError{err}
		err = c.err
	}
	return n, err
}

// stop returns the error of the content when no more of it is read.
func (c *contentReader) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	broken := c.err
	c.err = errStopped
	return broken
}

var errStopped = errors.New("the upload has ended")

// contentError is one of the caller's content, not of the server.
type contentError struct{ err error }

func (c *contentError) Error() string { return c.err.Error() }
func (c *contentError) Unwrap() error { return c.err }
