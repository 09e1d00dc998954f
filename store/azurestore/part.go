package azurestore

import (
	"context"
	"errors"
	"hash/crc64"
	"io"
	"sync"

	"github.com/jetcapture/lake/store/internal/body"
)

// errReleased is the error of reading a part after its request has ended.
var errReleased = errors.New("the request is over")

// part is the content of one request. Once it is released, the content is no longer read: net/http may continue to read
// for a while after it has returned an answer.
type part struct {
	mu   sync.Mutex
	from io.ReadSeeker // nil once released
	read io.Reader     // from, under the context
	err  error         // of reading the content
}

func newPart(ctx context.Context, from io.ReadSeeker) *part {
	return &part{from: from, read: body.NewReader(ctx, from)}
}

func (p *part) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from == nil {
		return 0, errReleased
	}
	n, err := p.read.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}

func (p *part) Seek(offset int64, whence int) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.from == nil {
		return 0, errReleased
	}
	return p.from.Seek(offset, whence)
}

// Close leaves the content open: it is the caller's.
func (p *part) Close() error { return nil }

// release ends all reading and returns the error of the content, if there was one.
func (p *part) release() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from = nil
	return p.err
}

// The checksum by which the service finds damage: CRC-64/NVME.
var crcTable = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// blockSums records the checksum of each block of the bytes written to it.
type blockSums struct {
	blockSize int64
	filled    int64 // bytes of the last block
	crcs      []uint64
}

func (s *blockSums) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if len(s.crcs) == 0 || s.filled == s.blockSize {
			s.crcs, s.filled = append(s.crcs, 0), 0
		}
		n := min(int64(len(rest)), s.blockSize-s.filled)
		last := len(s.crcs) - 1
		s.crcs[last] = crc64.Update(s.crcs[last], crcTable, rest[:n])
		s.filled += n
		rest = rest[n:]
	}
	return len(p), nil
}

// summed is content whose checksums are computed while it is read.
type summed struct {
	io.ReadSeeker
	sums *blockSums
}

func (s summed) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	_, _ = s.sums.Write(p[:n]) // which never fails
	return n, err
}
