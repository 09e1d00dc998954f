package spool

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestReaderReturnsWhatWasWritten(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	full := NewFolder(t.TempDir(), zap.New(core))
	full.most = 0
	for name, folder := range map[string]*Folder{"memory": nil, "disk": NewFolder(t.TempDir(), zap.NewNop()), "full": full} {
		for _, size := range []int{0, 1, firstChunk, inMemory, inMemory + 1, 5 << 20} {
			s := New(folder)
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
			if err := s.Finish(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // as a retry does
				got, err := io.ReadAll(s.Reader())
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%s, %d bytes: read %d bytes, %v", name, size, len(got), err)
				}
			}
			if s.Size() != int64(size) {
				t.Errorf("size = %d, want %d", s.Size(), size)
			}
			if name == "disk" && s.Memory() > inMemory {
				t.Errorf("a spool on disk holds %d bytes of memory", s.Memory())
			}
			s.Close()
			s.Close()
			if s.Memory() != 0 {
				t.Errorf("a closed spool holds %d bytes", s.Memory())
			}
			if folder != nil && folder.open.Load() != 0 {
				t.Errorf("%d files are left", folder.open.Load())
			}
		}
	}
	if logged.Len() == 0 {
		t.Error("nothing was logged of spools without a file")
	}
}

func TestSpoolLeavesNoNamedFile(t *testing.T) {
	dir := t.TempDir()
	s := New(NewFolder(dir, zap.NewNop()))
	if _, err := s.Write(make([]byte, 2*inMemory)); err != nil {
		t.Fatal(err)
	}
	if s.file == nil {
		t.Fatal("the spool did not go to disk")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("a crash would leave %v, %v", entries, err)
	}
	s.Close()
}

func TestSpoolKeepsItsFirstError(t *testing.T) {
	s := New(NewFolder("/proc/no-such-folder", zap.NewNop()))
	_, err := s.Write(make([]byte, 2*inMemory))
	var spoolErr *Error
	if !errors.As(err, &spoolErr) || !strings.Contains(err.Error(), "create temporary file") {
		t.Fatalf("Write = %v", err)
	}
	if _, second := s.Write([]byte("x")); !errors.Is(second, err) {
		t.Errorf("the next Write = %v", second)
	}
	if finish := s.Finish(); !errors.Is(finish, err) {
		t.Errorf("finish = %v", finish)
	}
	s.Close()
}
