package jetcapture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func TestSpoolGivesBackWhatItTook(t *testing.T) {
	for name, dir := range map[string]string{"memory": "", "disk": t.TempDir()} {
		for _, size := range []int{0, 1, spoolFirstChunk, spoolInMemory, spoolInMemory + 1, 5 << 20} {
			s := newSpool(dir)
			rnd := rand.New(rand.NewPCG(1, uint64(size)))
			var want []byte
			for len(want) < size {
				p := make([]byte, min(1+rnd.IntN(100_000), size-len(want)))
				for i := range p {
					p[i] = byte(rnd.Uint32())
				}
				if _, err := s.Write(p); err != nil {
					t.Fatal(err)
				}
				want = append(want, p...)
			}
			if err := s.finish(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // as a retry does
				got, err := io.ReadAll(s.reader())
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s, %d bytes: read %d bytes, %v", name, size, len(got), err)
				}
			}
			if s.size != int64(size) {
				t.Errorf("size = %d, want %d", s.size, size)
			}
			if dir != "" && s.memory() > spoolInMemory {
				t.Errorf("a spool on disk holds %d bytes of memory", s.memory())
			}
			s.close()
			s.close()
			if s.memory() != 0 {
				t.Errorf("a closed spool holds %d bytes", s.memory())
			}
		}
	}
}

func TestSpoolLeavesNoNamedFile(t *testing.T) {
	dir := t.TempDir()
	s := newSpool(dir)
	if _, err := s.Write(make([]byte, 2*spoolInMemory)); err != nil {
		t.Fatal(err)
	}
	if s.file == nil {
		t.Fatal("the spool did not go to disk")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("a crash would leave %v, %v", entries, err)
	}
	s.close()
}

func TestSpoolKeepsItsFirstError(t *testing.T) {
	s := newSpool("/proc/no-such-folder")
	_, err := s.Write(make([]byte, 2*spoolInMemory))
	var spoolErr *spoolError
	if !errors.As(err, &spoolErr) || !strings.Contains(err.Error(), "create temporary file") {
		t.Fatalf("Write = %v", err)
	}
	if _, again := s.Write([]byte("x")); !errors.Is(again, err) {
		t.Errorf("the next Write = %v", again)
	}
	if finish := s.finish(); !errors.Is(finish, err) {
		t.Errorf("finish = %v", finish)
	}
	s.close()
}
