package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/storetest"
)

func TestLimitPassesTheSuite(t *testing.T) {
	options := store.LimitOptions{Writes: 3, BytesPerSecond: 1 << 30}
	t.Run("Mem", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Bucket { return store.Limit(store.NewMem(), options) })
	})
	t.Run("Dir", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Bucket {
			return store.Limit(store.NewDir(filepath.Join(t.TempDir(), "lake")), options)
		})
	})
	t.Run("all together", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Bucket {
			b := store.Timeout(store.NewDir(filepath.Join(t.TempDir(), "lake")), store.TimeoutOptions{})
			return store.Retry(store.Limit(b, options), store.RetryOptions{FirstWait: time.Millisecond})
		})
	})
	t.Run("no limits", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Bucket { return store.Limit(store.NewMem(), store.LimitOptions{}) })
	})
}

func TestProbeGoesThroughAllDecorators(t *testing.T) {
	root := t.TempDir()
	decorate := func(b store.Bucket) store.Bucket {
		return store.Retry(store.Limit(store.Timeout(b, store.TimeoutOptions{}), store.LimitOptions{Writes: 1}), store.RetryOptions{})
	}
	if err := store.Probe(t.Context(), decorate(store.NewDir(root))); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(root + "/_*"); err != nil || len(left) > 0 {
		t.Errorf("%q are left, %v", left, err)
	}
	b := &faulty{Bucket: store.NewMem(), probe: func(context.Context, string) error { return store.Permanent(store.ErrNotCreateOnly) }}
	if err := store.Probe(t.Context(), decorate(b)); !errors.Is(err, store.ErrNotCreateOnly) {
		t.Errorf("Probe returns %v, want what the Prober found", err)
	}
}

func TestWritesAreNoMoreThanAllowedAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		var now, most atomic.Int64
		b := &faulty{Bucket: mem}
		b.create = func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
			}
			time.Sleep(time.Second)
			return mem.Create(ctx, name, content, attrs)
		}
		limited := store.Limit(b, store.LimitOptions{Writes: 3})
		start := time.Now()
		var writers sync.WaitGroup
		for i := range 12 {
			writers.Go(func() { mustPut(t, limited, fmt.Sprint(i), "content") })
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		synctest.Wait()
		if _, err := limited.Create(ctx, "late", strings.NewReader("content"), nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second/2 {
			t.Errorf("a Create that waits returns %v after %v", err, time.Since(start))
		}
		writers.Wait()
		if duration := time.Since(start); most.Load() != 3 || duration != 4*time.Second {
			t.Errorf("there were %d writes at a time, and 12 took %v", most.Load(), duration)
		}
	})
}

func TestBytesAreNoMoreThanAllowedInATime(t *testing.T) {
	for _, perSecond := range []int64{1, 1_000, 300_000, 100 << 20} {
		synctest.Test(t, func(t *testing.T) {
			limited := store.Limit(store.NewMem(), store.LimitOptions{BytesPerSecond: perSecond})
			size := int(10 * perSecond / 2)
			if perSecond > 1<<20 {
				size = int(perSecond / 2)
			}
			start := time.Now()
			var writers sync.WaitGroup
			for i := range 2 { // which share the limit
				writers.Go(func() {
					if _, err := limited.Create(t.Context(), fmt.Sprint(i), bytes.NewReader(make([]byte, size)), nil); err != nil {
						t.Error(err)
					}
				})
			}
			writers.Wait()
			want := time.Duration(float64(2*size) / float64(perSecond) * float64(time.Second))
			burst := time.Second
			if perSecond > 1<<20 {
				burst /= 20
			}
			if duration := time.Since(start); duration < want-burst-time.Millisecond || duration > want+time.Second/100 {
				t.Errorf("2 times %d bytes at %d bytes/s took %v, want %v less a burst", size, perSecond, duration, want)
			}
		})
	}
}

func TestWaitForBytesEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		limited := store.Limit(mem, store.LimitOptions{BytesPerSecond: 100})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := limited.Create(ctx, "x", strings.NewReader(strings.Repeat("x", 1e6)), nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("Create returns %v after %v", err, time.Since(start))
		}
	})
}

func TestContentStaysWhatItIs(t *testing.T) {
	b := &faulty{Bucket: store.NewMem()}
	b.create = func(_ context.Context, _ string, content io.ReadSeeker, _ map[string]string) (store.Object, error) {
		at, ok := content.(io.ReaderAt)
		if !ok {
			return store.Object{}, errors.New("no io.ReaderAt")
		}
		p := make([]byte, 5)
		if n, err := at.ReadAt(p, 2); n != 5 || err != nil && !errors.Is(err, io.EOF) || string(p) != "ntent" {
			t.Errorf("ReadAt gives %q, %v", p[:n], err)
		}
		if n, err := at.ReadAt(p, 4); n != 3 || !errors.Is(err, io.EOF) || string(p[:n]) != "ent" {
			t.Errorf("ReadAt gives %q, %v", p[:n], err)
		}
		return store.Object{}, nil
	}
	limited := store.Limit(b, store.LimitOptions{BytesPerSecond: 1 << 20})
	if _, err := limited.Create(t.Context(), "x", strings.NewReader("content"), nil); err != nil {
		t.Error(err)
	}
	if _, err := limited.Create(t.Context(), "x", struct{ io.ReadSeeker }{strings.NewReader("content")}, nil); err == nil {
		t.Error("content became an io.ReaderAt")
	}
}

func TestBytesReadAtAPlaceCountToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Bucket: store.NewMem()}
		b.create = func(_ context.Context, _ string, content io.ReadSeeker, _ map[string]string) (store.Object, error) {
			at, _ := content.(io.ReaderAt)
			n, err := at.ReadAt(make([]byte, 5_000), 0)
			return store.Object{Size: int64(n)}, err
		}
		start := time.Now()
		object, err := store.Limit(b, store.LimitOptions{BytesPerSecond: 1_000}).Create(t.Context(), "x", strings.NewReader(strings.Repeat("x", 10_000)), nil)
		if duration := time.Since(start); err != nil || object.Size != 5_000 || duration < 4*time.Second || duration > 5*time.Second {
			t.Errorf("reading %d bytes took %v, %v", object.Size, duration, err)
		}
	})
}
