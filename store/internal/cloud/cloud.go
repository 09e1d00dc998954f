// Package cloud has what the drivers of object stores behind HTTP share: which errors retrying can fix, the result of a create whose
// answer was lost, attributes in headers, and errors that show no secrets.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
)

// Classify marks err by the HTTP status of the answer, 0 if there was none: Permanent if retrying cannot fix it, and RetryAfter if
// the server named a wait. header may be nil. Classify adds neither fs.ErrNotExist nor fs.ErrExist, since the meaning of 404 and 412
// depends on the operation.
func Classify(err error, status int, header http.Header) error {
	if err == nil {
		return nil
	}
	switch {
	case status == 0, status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests,
		status == http.StatusPreconditionFailed, status >= 500 && status != http.StatusNotImplemented:
		return store.RetryAfter(err, retryAfter(header))
	case status >= 300:
		return store.Permanent(err)
	}
	return err
}

func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(min(seconds, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return time.Until(at)
	}
	return 0
}

// An Upload is one attempt to create an object, for Resolve.
type Upload struct {
	Content io.ReadSeeker
	Size    int64
	SHA256  string // of Content, hex digits

	// Stat describes the object of that name, with the SHA-256 it was created with, or "" if that is not known. Its error wraps
	// fs.ErrNotExist if there is none.
	Stat func(ctx context.Context) (object store.Object, sha256 string, err error)

	// Open reads the object of that name.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Resolve returns the result of a create that failed with the error failed. The server may have refused because the name is taken,
// in any words or by closing the connection, or it may have created the object and the answer was lost. So Resolve looks at the
// object of that name. It returns nil if that has the same content, an error that wraps fs.ErrExist if it has other content, and
// failed if there is none. If it cannot look, it returns both errors.
func (u *Upload) Resolve(ctx context.Context, failed error) (store.Object, error) {
	object, sha, err := u.Stat(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return store.Object{}, failed
	case err != nil:
		return store.Object{}, errors.Join(failed, fmt.Errorf("look what is there: %w", err))
	case object.Size != u.Size, sha != "" && sha != u.SHA256:
		return store.Object{}, fmt.Errorf("other content is there: %w", fs.ErrExist)
	case sha != "":
		return object, nil
	}
	there, err := u.Open(ctx)
	if err != nil {
		return store.Object{}, errors.Join(failed, fmt.Errorf("read what is there: %w", err))
	}
	defer func() { _ = there.Close() }()
	same, err := body.Same(ctx, there, object.Size, u.Content)
	if err != nil {
		return store.Object{}, errors.Join(failed, fmt.Errorf("compare with what is there: %w", err))
	}
	if !same {
		return store.Object{}, fmt.Errorf("other content is there: %w", fs.ErrExist)
	}
	return object, nil
}
