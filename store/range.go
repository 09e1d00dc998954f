package store

import (
	"fmt"
	"io"
)

// validRange checks the arguments of Bucket.Open.
func validRange(offset, length int64) error {
	if offset < 0 || length < -1 {
		return Permanent(fmt.Errorf("range of %d bytes from %d: offset must not be negative, length not below -1", length, offset))
	}
	return nil
}

// section reads the part of r, of size bytes, that a valid range asks for and r has.
func section(r io.ReaderAt, size, offset, length int64) *io.SectionReader {
	offset = min(offset, size)
	rest := size - offset
	if length < 0 || length > rest {
		length = rest
	}
	return io.NewSectionReader(r, offset, length)
}
