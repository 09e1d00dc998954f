package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// rewind returns the length of content and leaves it at its start.
func rewind(content io.Seeker) (int64, error) {
	size, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("rewind content: %w", err)
	}
	return size, nil
}

// seekable returns r itself if it can be rewound, and else all that it holds.
func seekable(ctx context.Context, r io.Reader) (io.ReadSeeker, error) {
	if s, ok := r.(io.ReadSeeker); ok {
		return s, nil
	}
	all, err := io.ReadAll(contentReader{ctx, r})
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(all), nil
}

// contentReader reads the caller's content until ctx ends, and tells its errors from those of the store.
type contentReader struct {
	ctx  context.Context
	from io.Reader
}

func (c contentReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read content: %w", err)
	}
	return n, err
}

// sameContent reports whether there, of size bytes, reads like content.
func sameContent(ctx context.Context, there io.Reader, size int64, content io.ReadSeeker) (bool, error) {
	n, err := rewind(content)
	if err != nil || n != size {
		return false, err
	}
	var a, b [32 << 10]byte
	for ours := (contentReader{ctx, content}); ; {
		na, errA := io.ReadFull(there, a[:])
		if errA != nil && errA != io.EOF && errA != io.ErrUnexpectedEOF {
			return false, errA
		}
		nb, errB := io.ReadFull(ours, b[:])
		if errB != nil && errB != io.EOF && errB != io.ErrUnexpectedEOF {
			return false, errB
		}
		if !bytes.Equal(a[:na], b[:nb]) {
			return false, nil
		}
		if na < len(a) || nb < len(b) {
			return true, nil
		}
	}
}
