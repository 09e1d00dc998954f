package store

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// resuming reads a range of an object through several readers, each of which continues where the one before broke off.
type resuming struct {
	ctx            context.Context // of Open, as for any reader of it
	retry          *retry
	name           string
	offset, length int64
	reader         io.ReadCloser // nil after a failure
	got            int64         // bytes so far
	want           int64         // bytes in all; -1 as long as that is not known
	modified       time.Time     // of the object, as seen after the first failure
	failures       int           // since something was read
	failed, ended  error         // the last error that another try may fix, and the final error
}

func newResuming(ctx context.Context, r *retry, name string, offset, length int64, reader io.ReadCloser) *resuming {
	return &resuming{ctx: ctx, retry: r, name: name, offset: offset, length: length, reader: reader, want: sizeOf(reader)}
}

func (s *resuming) Read(p []byte) (int, error) {
	for s.ended == nil {
		if s.reader == nil {
			s.ended = s.reopen()
			continue
		}
		n, err := s.reader.Read(p)
		if n > 0 {
			s.got, s.failures = s.got+int64(n), 0
		}
		switch {
		case err == nil:
			return n, nil
		case isEnd(err) && s.got < s.want:
			err = fmt.Errorf("read %s: %w after %d bytes of %d", quote(s.name), io.ErrUnexpectedEOF, s.got, s.want)
		}
		if isEnd(err) {
			s.ended = err
		} else {
			_ = s.reader.Close() // of a reader that failed already
			s.reader, s.failed = nil, err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, s.ended
}

// reopen waits and opens the rest. Its error is final.
func (s *resuming) reopen() error {
	for {
		s.failures++
		if err := s.retry.wait(s.ctx, "read", s.name, s.failures, s.failed); err != nil {
			return err
		}
		if s.failed = s.tryReopen(); s.failed == nil {
			return nil
		}
	}
}

func (s *resuming) tryReopen() error {
	object, err := s.retry.inner.Stat(s.ctx, s.name)
	if err != nil {
		return err
	}
	want := max(0, object.Size-s.offset)
	if s.length >= 0 {
		want = min(want, s.length)
	}
	known := !s.modified.IsZero()
	if s.want >= 0 && want != s.want || want < s.got || known && !object.Modified.Equal(s.modified) {
		return Permanent(fmt.Errorf("read %s: the object was replaced while it was read", object.Location))
	}
	s.want, s.modified = want, object.Modified
	reader, err := s.retry.inner.Open(s.ctx, s.name, s.offset+s.got, want-s.got)
	if err == nil {
		s.reader = reader
	}
	return err
}

// Close closes the reader. Reading afterwards is an error.
func (s *resuming) Close() error {
	if s.ended == nil || isEnd(s.ended) {
		s.ended = fmt.Errorf("read %s: %w", quote(s.name), fs.ErrClosed)
	}
	if s.reader == nil {
		return nil
	}
	reader := s.reader
	s.reader = nil
	return reader.Close()
}

// isEnd reports whether a Read has come to the end. An error that wraps io.EOF is not the end: a connection was closed.
func isEnd(err error) bool {
	return err == io.EOF //nolint:errorlint // see above
}
