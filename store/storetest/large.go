package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
)

// largeSize returns 100 MB and some, so that the last part is shorter than the others, whatever their size is. In the short form it is 36
// MB, three parts of the drivers here.
func largeSize() int64 {
	if testing.Short() {
		return 36<<20 + 12_345
	}
	return 100<<20 + 12_345
}

// largeObjectByParts has content of which several parts can be read at a time.
func largeObjectByParts(t *testing.T, b store.Bucket) {
	content := newLarge(largeSize(), 12)
	createLarge(t, b, "large/0001.parquet", content)
}

// largeObjectInOrder has content that can be read only from its start to its end.
func largeObjectInOrder(t *testing.T, b store.Bucket) {
	content := struct{ io.ReadSeeker }{newLarge(largeSize(), 13)}
	createLarge(t, b, "large/0001.parquet", content)
}

func createLarge(t *testing.T, b store.Bucket, name string, content io.ReadSeeker) {
	t.Helper()
	size := largeSize()
	object, err := b.Create(t.Context(), name, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	if object.Size != size {
		t.Errorf("Create returns %+v, want %d bytes", object, size)
	}
	wantLarge(t, b, name, content)
	tail, err := read(t.Context(), b, name, size-8, -1)
	if want := pageWord(size-8, content); err != nil || !bytes.Equal(tail, want) {
		t.Errorf("the last bytes are %x, %v, want %x", tail, err, want)
	}
}

// pageWord returns 8 bytes of content.
func pageWord(offset int64, content io.ReadSeeker) []byte {
	p := make([]byte, 8)
	if _, err := content.Seek(offset, io.SeekStart); err != nil {
		return nil
	}
	_, _ = io.ReadFull(content, p)
	return p
}

// wantLarge is wantContent without holding everything in memory.
func wantLarge(t *testing.T, b store.Bucket, name string, want io.ReadSeeker) {
	t.Helper()
	object, err := b.Stat(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	there, err := b.Open(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = there.Close() }()
	same, err := body.Same(t.Context(), there, object.Size, want)
	if err != nil || !same {
		t.Fatalf("%s, of %d bytes, does not read as it was written (%v)", name, object.Size, err)
	}
}

// oneRacingLargeCreatorWins races creates of large content, so that they end at about the same time.
func oneRacingLargeCreatorWins(t *testing.T, b store.Bucket) {
	const name, racers, size = "contested/0001.parquet", 16, 6_000_000
	var wins atomic.Int64
	winner := make(chan int, racers)
	all(racers, racers, func(i int) {
		_, err := b.Create(t.Context(), name, newLarge(size, uint64(i)), nil)
		switch {
		case err == nil:
			wins.Add(1)
			winner <- i
		case !errors.Is(err, fs.ErrExist):
			t.Errorf("a creator that lost got %v, want fs.ErrExist", err)
		}
	})
	if wins.Load() != 1 {
		t.Fatalf("%d creators won", wins.Load())
	}
	wantLarge(t, b, name, newLarge(size, uint64(<-winner)))
	wantNames(t, b, "", name)
}

// breakingLarge breaks off creates wherever a driver reads the content: in its first, second, third or fourth pass.
func breakingLarge(t *testing.T, b store.Bucket) {
	const name, size = "x/y", 11_000_000
	broken := errors.New("the spool is broken")
	for pass := range int64(4) {
		for what, wrap := range map[string]func(*breaking) io.ReadSeeker{
			"by parts": func(c *breaking) io.ReadSeeker { return c },
			"in order": func(c *breaking) io.ReadSeeker { return struct{ io.ReadSeeker }{c} },
		} {
			t.Run(fmt.Sprintf("fails in pass %d, read %s", pass+1, what), func(t *testing.T) {
				content := &breaking{large: newLarge(size, 14), left: pass*size + size/2, broke: func() error { return broken }}
				_, err := b.Create(t.Context(), name, wrap(content), nil)
				wantBroken(t, b, name, content, err, broken)
			})
			t.Run(fmt.Sprintf("cancelled in pass %d, read %s", pass+1, what), func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				content := &breaking{large: newLarge(size, 14), left: pass*size + size/2, broke: func() error { cancel(); return nil }}
				_, err := b.Create(ctx, name, wrap(content), nil)
				wantBroken(t, b, name, content, err, context.Canceled)
			})
		}
	}
	createAndRemove(t, b, name, newLarge(size, 14))
}

// wantBroken checks that nothing is there after want, and everything where a driver reads its content less often.
func wantBroken(t *testing.T, b store.Bucket, name string, content *breaking, err, want error) {
	t.Helper()
	switch {
	case err == nil && !content.broken.Load():
		wantLarge(t, b, name, content.large)
		if err := b.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	case !errors.Is(err, want):
		t.Errorf("Create returns %v, want %v", err, want)
	default:
		wantNothing(t, b, name)
	}
}

func createAndRemove(t *testing.T, b store.Bucket, name string, content io.ReadSeeker) {
	t.Helper()
	if _, err := b.Create(t.Context(), name, content, nil); err != nil {
		t.Fatal(err)
	}
	wantLarge(t, b, name, content)
	if err := b.Remove(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

// large is content of any size that takes no memory: pages that are equal except for their number.
type large struct {
	*io.SectionReader
}

const pageSize = 64 << 10

var page = pattern(pageSize, 15)

func newLarge(size int64, seed uint64) *large {
	return &large{io.NewSectionReader(pages(seed), 0, size)}
}

// pages has all pages.
type pages uint64

func (seed pages) ReadAt(p []byte, offset int64) (int, error) {
	for n := 0; n < len(p); {
		number, within := (offset+int64(n))/pageSize, (offset+int64(n))%pageSize
		var mark [16]byte
		binary.LittleEndian.PutUint64(mark[:8], uint64(seed))
		binary.LittleEndian.PutUint64(mark[8:], uint64(number))
		if within < int64(len(mark)) {
			n += copy(p[n:], mark[within:])
			continue
		}
		n += copy(p[n:], page[within:])
	}
	return len(p), nil
}

// breaking content breaks once so many bytes of it were read, from any places.
type breaking struct {
	*large
	left   int64 // bytes; read only by the goroutine that counts
	read   atomic.Int64
	broken atomic.Bool
	broke  func() error
}

func (b *breaking) Read(p []byte) (int, error) {
	if err := b.count(len(p)); err != nil {
		return 0, err
	}
	return b.large.Read(p)
}

func (b *breaking) ReadAt(p []byte, offset int64) (int, error) {
	if err := b.count(len(p)); err != nil {
		return 0, err
	}
	return b.large.ReadAt(p, offset)
}

func (b *breaking) count(n int) error {
	if b.read.Add(int64(n)) < b.left {
		return nil
	}
	b.broken.Store(true)
	return b.broke()
}
