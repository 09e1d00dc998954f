package body

import (
	"fmt"
	"io"
)

// CheckRange checks the arguments of Bucket.Open. Retrying cannot fix its error.
func CheckRange(offset, length int64) error {
	if offset < 0 || length < -1 {
		return fmt.Errorf("range of %d bytes from %d: offset must not be negative, length not below -1", length, offset)
	}
	return nil
}

// Section returns a reader of a valid range of r, which has size bytes. The range is cut at the end.
func Section(r io.ReaderAt, size, offset, length int64) *io.SectionReader {
	offset = min(offset, size)
	rest := size - offset
	if length < 0 || length > rest {
		length = rest
	}
	return io.NewSectionReader(r, offset, length)
}
