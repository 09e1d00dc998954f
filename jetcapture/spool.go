package jetcapture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	// A spool on disk stays in memory up to this size, so that ten thousand small blocks are not ten thousand files.
	spoolInMemory = 256 << 10

	spoolFirstChunk = 512
	spoolFileBuffer = 32 << 10
	spoolMaxChunk   = 1 << 20

	spoolPattern = "jetcapture-*.spool"

	// Descriptors that connections, the files of stores and what else is in the process may need; of the others half.
	spareDescriptors = 32
)

// A spoolFolder is where spools have their temporary files: as many as leave descriptors for storing.
type spoolFolder struct {
	dir  string
	most int64        // files
	open atomic.Int64 // of these
	log  *zap.Logger
}

func newSpoolFolder(dir string, log *zap.Logger) *spoolFolder {
	return &spoolFolder{dir: dir, most: max(0, (descriptors()-spareDescriptors)/2), log: log}
}

// create makes a temporary file, or fails with errSpoolsFull.
func (f *spoolFolder) create() (*os.File, error) {
	if f.open.Add(1) > f.most {
		f.open.Add(-1)
		f.log.Warn("this process may not have more temporary files: other open blocks stay in memory, and are sealed early", zap.Int64("files", f.most))
		return nil, errSpoolsFull
	}
	file, err := createSpool(f.dir)
	if err != nil {
		f.open.Add(-1)
	}
	return file, err
}

func (f *spoolFolder) close(file *os.File) {
	_ = file.Close()
	_ = removeIfNamed(file)
	f.open.Add(-1)
}

// errSpoolsFull says that there are as many temporary files as there may be.
var errSpoolsFull = errors.New("too many temporary files")

// A spool takes the encoded bytes of one block and gives them back from the start. It grows in memory and, if it was
// made with a folder that has a file for it, goes on in that.
//
// Its first write error is final: err says so ever after, and the block is lost to memory but not to the stream.
type spool struct {
	folder *spoolFolder // nil keeps the rest in memory
	chunks [][]byte
	file   *os.File // all of it, once there is one
	buf    *bufio.Writer
	size   int64
	inMem  int64
	err    error
}

// A spoolError is an error of the spool itself, such as a full disk, and not of what was written to it.
type spoolError struct{ err error }

func (e *spoolError) Error() string { return "spool: " + e.err.Error() }
func (e *spoolError) Unwrap() error { return e.err }

// newSpool makes a spool that keeps its bytes in memory, or, with a folder, in a temporary file there once they are
// many. The file has no name where the system allows that, so that it is gone with the process.
func newSpool(folder *spoolFolder) *spool { return &spool{folder: folder} }

func (s *spool) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.file == nil && s.folder != nil && s.inMem+int64(len(p)) > spoolInMemory {
		if err := s.openFile(); err != nil {
			s.err = &spoolError{err}
			return 0, s.err
		}
	}
	if s.file != nil {
		n, err := s.buf.Write(p)
		s.size += int64(n)
		if err != nil {
			s.err = &spoolError{err}
		}
		return n, s.err
	}
	s.appendChunks(p)
	return len(p), nil
}

func (s *spool) appendChunks(p []byte) {
	s.size += int64(len(p))
	for len(p) > 0 {
		last := len(s.chunks) - 1
		if last < 0 || len(s.chunks[last]) == cap(s.chunks[last]) {
			size := spoolFirstChunk
			if last >= 0 {
				size = min(2*cap(s.chunks[last]), spoolMaxChunk)
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

// openFile goes on in a temporary file, if there may be one more.
func (s *spool) openFile() error {
	f, err := s.folder.create()
	if errors.Is(err, errSpoolsFull) {
		s.folder = nil
		return nil
	}
	if err != nil {
		return err
	}
	s.file, s.buf = f, bufio.NewWriterSize(f, spoolFileBuffer)
	for _, c := range s.chunks {
		if _, err := s.buf.Write(c); err != nil {
			return fmt.Errorf("write temporary file: %w", err)
		}
	}
	s.chunks, s.inMem = nil, spoolFileBuffer
	return nil
}

// finish says that all has been written. The spool can be read after nil, and takes no more writes.
func (s *spool) finish() error {
	if s.err == nil && s.file != nil {
		if err := s.buf.Flush(); err != nil {
			s.err = &spoolError{fmt.Errorf("write temporary file: %w", err)}
		}
	}
	return s.err
}

// memory returns the bytes of memory that the spool holds.
func (s *spool) memory() int64 { return s.inMem }

// reader returns the spooled bytes from the start, after finish.
func (s *spool) reader() *io.SectionReader {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return io.NewSectionReader(chunkReader(s.chunks), 0, s.size)
}

// close gives everything back. It may be called more than once.
func (s *spool) close() {
	if s.file != nil {
		s.folder.close(s.file)
	}
	s.file, s.buf, s.chunks, s.inMem = nil, nil, nil, 0
	if s.err == nil {
		s.err = &spoolError{os.ErrClosed}
	}
}

// chunkReader reads chunks as one run of bytes.
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

// staleSpoolAge is long enough that no live block has a file so old, where live ones still have names.
const staleSpoolAge = 7 * 24 * time.Hour

// sweepSpools removes spool files that a crash left in dir on systems where they have names.
func sweepSpools(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, spoolPattern))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > staleSpoolAge {
			_ = os.Remove(name)
		}
	}
}
