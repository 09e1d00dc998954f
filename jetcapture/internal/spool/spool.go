// Package spool keeps the encoded bytes of a block until they are stored: in memory, or in a temporary file once they are many.
package spool

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// A spool with a folder stays in memory up to this size, so that ten thousand small blocks are not ten thousand files.
	inMemory = 256 << 10

	firstChunk = 512
	maxChunk   = 1 << 20
	fileBuffer = 32 << 10
)

// A Spool takes the encoded bytes of one block and returns them from the start. It grows in memory. If it has a folder, and the folder
// has a file for it, it moves to that file when it becomes large.
//
// Its first error is final: the block is lost to memory but not to the stream.
type Spool struct {
	folder *Folder // nil keeps all bytes in memory
	chunks [][]byte
	file   *os.File // has all bytes, once there is one
	buf    *bufio.Writer
	size   int64
	inMem  int64
	err    error
}

// New makes a spool that keeps its bytes in memory if folder is nil. The file has no name where the system allows that, so that it is
// gone with the process.
func New(folder *Folder) *Spool { return &Spool{folder: folder} }

// An Error is an error of the spool itself, such as a full disk, and not of the data that was written to it.
type Error struct{ err error }

// Error implements error.
func (e *Error) Error() string { return "spool: " + e.err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.err }

// Write implements io.Writer. After an error it returns the same error, which is an *Error.
func (s *Spool) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.file == nil && s.folder != nil && s.inMem+int64(len(p)) > inMemory {
		if err := s.openFile(); err != nil {
			s.err = &Error{err}
			return 0, s.err
		}
	}
	if s.file != nil {
		n, err := s.buf.Write(p)
		s.size += int64(n)
		if err != nil {
			s.err = &Error{err}
		}
		return n, s.err
	}
	s.appendChunks(p)
	return len(p), nil
}

func (s *Spool) appendChunks(p []byte) {
	s.size += int64(len(p))
	for len(p) > 0 {
		last := len(s.chunks) - 1
		if last < 0 || len(s.chunks[last]) == cap(s.chunks[last]) {
			size := firstChunk
			if last >= 0 {
				size = min(2*cap(s.chunks[last]), maxChunk)
			}
			s.chunks = append(s.chunks, make([]byte, 0, size))
			s.inMem += int64(size)
			last++
		}
		c := s.chunks[last]
		n := copy(c[len(c):cap(c)], p)
		s.chunks[last] = c[:len(c)+n]
		p = p[n:]
	}
}

// openFile moves the bytes to a temporary file, if the folder has one more.
func (s *Spool) openFile() error {
	f, err := s.folder.create()
	if errors.Is(err, errFull) {
		s.folder = nil
		return nil
	}
	if err != nil {
		return err
	}
	s.file, s.buf = f, bufio.NewWriterSize(f, fileBuffer)
	for _, c := range s.chunks {
		if _, err := s.buf.Write(c); err != nil {
			return fmt.Errorf("write temporary file: %w", err)
		}
	}
	s.chunks, s.inMem = nil, fileBuffer
	return nil
}

// Finish ends writing. After nil the spool can be read, and must not be written to.
func (s *Spool) Finish() error {
	if s.err == nil && s.file != nil {
		if err := s.buf.Flush(); err != nil {
			s.err = &Error{fmt.Errorf("write temporary file: %w", err)}
		}
	}
	return s.err
}

// Err returns the first error, which is an *Error.
func (s *Spool) Err() error { return s.err }

// Size returns how many bytes were written.
func (s *Spool) Size() int64 { return s.size }

// Memory returns how many bytes of memory the spool holds.
func (s *Spool) Memory() int64 { return s.inMem }

// Reader returns the bytes from the start. It may be called again after Finish, until Close.
func (s *Spool) Reader() *io.SectionReader {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return io.NewSectionReader(chunkReader(s.chunks), 0, s.size)
}

// Close frees the memory and the file. It may be called more than once.
func (s *Spool) Close() {
	if s.file != nil {
		s.folder.close(s.file)
	}
	s.file, s.buf, s.chunks, s.inMem = nil, nil, nil, 0
	if s.err == nil {
		s.err = &Error{os.ErrClosed}
	}
}

// chunkReader reads chunks as if they were one.
type chunkReader [][]byte

func (c chunkReader) ReadAt(p []byte, off int64) (n int, err error) {
	for _, chunk := range c {
		if off >= int64(len(chunk)) {
			off -= int64(len(chunk))
			continue
		}
		n += copy(p[n:], chunk[off:])
		off = 0
		if n == len(p) {
			return n, nil
		}
	}
	return n, io.EOF
}
