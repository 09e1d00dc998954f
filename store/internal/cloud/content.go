package cloud

import "errors"

// ErrNothing is an error for Resolve that no create has failed with: it comes back if there is no object of that name.
var ErrNothing = errors.New("nothing is there")

// A ContentError is an error of the caller's content, not of the server.
type ContentError struct{ Err error }

func (c *ContentError) Error() string { return c.Err.Error() }

// Unwrap returns the error of the content.
func (c *ContentError) Unwrap() error { return c.Err }

// RetryableError tells the AWS SDK that sending the content again cannot help.
func (c *ContentError) RetryableError() bool { return false }
