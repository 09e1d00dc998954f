// Package body has what all drivers of package store do with the bytes of an object: rewind, read under a context, compare, digest,
// cut into ranges.
package body

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Rewind returns the length of content and leaves it at its start.
func Rewind(content io.Seeker) (int64, error) {
	size, err := content.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("rewind content: %w", err)
	}
	return size, nil
}

// Seekable returns r itself if it can be rewound, and otherwise a reader of all its bytes, which it reads into memory.
func Seekable(ctx context.Context, r io.Reader) (io.ReadSeeker, error) {
	if s, ok := r.(io.ReadSeeker); ok {
		return s, nil
	}
	all, err := io.ReadAll(NewReader(ctx, r))
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(all), nil
}

// A Reader reads the caller's content until its context ends, and marks errors as those of the content, not of the store.
type Reader struct {
	ctx  context.Context
	from io.Reader
}

// NewReader returns a Reader of from.
func NewReader(ctx context.Context, from io.Reader) Reader { return Reader{ctx, from} }

// Read implements io.Reader.
func (r Reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read content: %w", err)
	}
	return n, err
}

// Same reports whether there, which has size bytes, has the same bytes as content.
func Same(ctx context.Context, there io.Reader, size int64, content io.ReadSeeker) (bool, error) {
	n, err := Rewind(content)
	if err != nil || n != size {
		return false, err
	}
	var a, b [32 << 10]byte
	for ours := NewReader(ctx, content); ; {
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

// Digest returns the length and the SHA-256 of content, in hex digits, and leaves it at its start.
func Digest(ctx context.Context, content io.ReadSeeker) (size int64, sha string, err error) {
	size, err = Rewind(content)
	if err != nil {
		return 0, "", err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, NewReader(ctx, content))
	if err != nil {
		return 0, "", err
	}
	if n != size {
		return 0, "", fmt.Errorf("content gave %d bytes of %d", n, size)
	}
	_, err = Rewind(content)
	return size, hex.EncodeToString(sum.Sum(nil)), err
}
