package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/jetcapture/lake/store"
)

// counting counts the requests to a Bucket.
func counting(inner store.Bucket) (b *faulty, requests *int) {
	var mu sync.Mutex
	requests = new(int)
	count := func() {
		mu.Lock()
		defer mu.Unlock()
		*requests++
	}
	b = &faulty{Bucket: inner}
	b.stat = func(ctx context.Context, name string) (store.Object, error) {
		count()
		return inner.Stat(ctx, name)
	}
	b.open = func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
		count()
		return inner.Open(ctx, name, offset, length)
	}
	return b, requests
}

func TestReaderAtReadsLikeTheObject(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 64 << 10, 64<<10 + 1, 200_000} {
		content := bytes.Repeat([]byte("0123456789abcdefg"), size/17+1)[:size]
		mem := store.NewMem()
		mustPut(t, mem, "x", string(content))
		r, err := store.NewReaderAt(t.Context(), mem, "x")
		if err != nil || r.Size() != int64(size) || r.Object().Name != "x" {
			t.Fatalf("%+v, %v", r, err)
		}
		if err := iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), content); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		for _, place := range [][2]int{{0, 1}, {size / 2, 100}, {size - 8, 8}, {size - 8, 9}, {size, 1}, {size + 5, 5}, {size - 70_000, 69_000}, {size - 65537, 2}} {
			if place[0] < 0 {
				continue
			}
			p := make([]byte, place[1])
			n, err := r.ReadAt(p, int64(place[0]))
			want, wantErr := bytes.NewReader(content).ReadAt(make([]byte, place[1]), int64(place[0]))
			if n != want || !errors.Is(err, wantErr) || n > 0 && !bytes.Equal(p[:n], content[place[0]:place[0]+n]) {
				t.Errorf("%d bytes: %d from %d on gives %d, %v, want %d, %v", size, place[1], place[0], n, err, want, wantErr)
			}
		}
		if _, err := r.ReadAt(make([]byte, 1), -1); err == nil {
			t.Error("a negative offset is no error")
		}
	}
}

func TestFooterCostsTwoRequests(t *testing.T) {
	b, requests := counting(store.NewMem())
	mustPut(t, b, "x", strings.Repeat("x", 1_000_000))
	r, err := store.NewReaderAt(t.Context(), b, "x")
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for i := range int64(8) {
		readers.Go(func() {
			for n := range int64(10) {
				if _, err := r.ReadAt(make([]byte, 8+n*100), r.Size()-8-n*100-i*1000); err != nil {
					t.Error(err)
				}
			}
		})
	}
	readers.Wait()
	if *requests != 2 {
		t.Errorf("it took %d requests", *requests)
	}
}

func TestReaderAtSaysWhatIsWrong(t *testing.T) {
	mem := store.NewMem()
	if _, err := store.NewReaderAt(t.Context(), mem, "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an object that is not there gives %v", err)
	}
	mustPut(t, mem, "x", strings.Repeat("x", 100_000))
	b := &faulty{Bucket: mem}
	r, err := store.NewReaderAt(t.Context(), b, "x")
	if err != nil {
		t.Fatal(err)
	}
	b.open = func(context.Context, string, int64, int64) (io.ReadCloser, error) { return nil, errReset }
	for _, offset := range []int64{0, 99_000} {
		if n, err := r.ReadAt(make([]byte, 10), offset); n != 0 || !errors.Is(err, errReset) {
			t.Errorf("ReadAt gives %d, %v", n, err)
		}
	}
	b.open = func(context.Context, string, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("short")), nil
	}
	for _, offset := range []int64{0, 99_000} {
		if _, err := r.ReadAt(make([]byte, 10), offset); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("ReadAt of an object that became shorter gives %v", err)
		}
	}
	b.open = nil
	if n, err := r.ReadAt(make([]byte, 10), 99_000); n != 10 || err != nil {
		t.Errorf("after an error, ReadAt gives %d, %v", n, err)
	}
}
