//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strings"

	pq "github.com/parquet-go/parquet-go"
)

// sequences counts rows by their stream sequence, from 1 on.
type sequences struct {
	seen []uint64 // bits
	rows uint64
	odd  uint64 // rows of a sequence that the stream never had
}

func newSequences(last uint64) *sequences {
	return &sequences{seen: make([]uint64, last/64+1)}
}

func (s *sequences) add(sequence uint64) {
	s.rows++
	if sequence == 0 || sequence/64 >= uint64(len(s.seen)) {
		s.odd++
		return
	}
	s.seen[sequence/64] |= 1 << (sequence % 64)
}

func (s *sequences) distinct() (n uint64) {
	for _, word := range s.seen {
		n += uint64(bits.OnesCount64(word))
	}
	return n
}

// read adds the rows of all files below a folder, and returns the number of files.
func (s *sequences) read(dir string) (files int, bytes int64, err error) {
	err = eachFile(dir, func(path string, size int64) error {
		if !strings.HasSuffix(path, ".parquet") {
			return fmt.Errorf("%s is in the store and is not a file of the capture", path)
		}
		files, bytes = files+1, bytes+size
		if err := s.readFile(path, size); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		return nil
	})
	return files, bytes, err
}

func (s *sequences) readFile(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	file, err := pq.OpenFile(f, size)
	if err != nil {
		return err
	}
	leaf, ok := file.Schema().Lookup("stream_seq")
	if !ok {
		return errors.New("it has no column stream_seq")
	}
	for _, group := range file.RowGroups() {
		if err := s.readPages(group.ColumnChunks()[leaf.ColumnIndex].Pages()); err != nil {
			return err
		}
	}
	return nil
}

func (s *sequences) readPages(pages pq.Pages) (err error) {
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]pq.Value, 4_096)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		from := page.Values()
		for {
			n, err := from.ReadValues(values)
			for _, v := range values[:n] {
				s.add(v.Uint64())
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				pq.Release(page)
				return err
			}
		}
		pq.Release(page)
	}
}
