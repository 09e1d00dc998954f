package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/storetest"
)

func TestTimeoutPassesTheSuite(t *testing.T) {
	t.Run("Mem", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Bucket { return store.Timeout(store.NewMem(), store.TimeoutOptions{}) })
	})
	t.Run("Dir", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Bucket {
			return store.Timeout(store.NewDir(filepath.Join(t.TempDir(), "lake")), store.TimeoutOptions{})
		})
	})
}

// slow returns a Bucket whose answers take the given time, or until the context ends. The error is then ended or, if that is nil, the
// context's.
func slow(inner store.Bucket, takes time.Duration, ended error) *faulty {
	wait := func(ctx context.Context) error {
		select {
		case <-time.After(takes):
			return nil
		case <-ctx.Done():
			if ended != nil {
				return ended
			}
			return store.Permanent(ctx.Err()) // as a driver may misjudge it
		}
	}
	return &faulty{
		Bucket: inner,
		create: func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
			if err := wait(ctx); err != nil {
				return store.Object{}, err
			}
			return inner.Create(ctx, name, content, attrs)
		},
		open: func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
			if err := wait(ctx); err != nil {
				return nil, err
			}
			r, err := inner.Open(ctx, name, offset, length)
			return &slowReader{r, func() error { return wait(ctx) }}, err
		},
		stat: func(ctx context.Context, name string) (store.Object, error) {
			if err := wait(ctx); err != nil {
				return store.Object{}, err
			}
			return inner.Stat(ctx, name)
		},
		list: func(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
			return func(yield func(store.Object, error) bool) {
				for object, err := range inner.List(context.WithoutCancel(ctx), prefix) {
					if err := wait(ctx); err != nil {
						yield(store.Object{}, err)
						return
					}
					if !yield(object, err) {
						return
					}
				}
			}
		},
		remove: func(ctx context.Context, name string) error {
			if err := wait(ctx); err != nil {
				return err
			}
			return inner.Remove(ctx, name)
		},
		probe: wait2(wait),
	}
}

func wait2(wait func(context.Context) error) func(context.Context, string) error {
	return func(ctx context.Context, _ string) error { return wait(ctx) }
}

// slowReader waits before each Read, which gives a byte.
type slowReader struct {
	io.ReadCloser
	wait func() error
}

func (s *slowReader) Read(p []byte) (int, error) {
	if err := s.wait(); err != nil {
		return 0, err
	}
	return s.ReadCloser.Read(p[:min(1, len(p))])
}

// everythingListed is everything, and a listing.
func everythingListed(t *testing.T, b store.Bucket) map[string]error {
	t.Helper()
	errs := map[string]error{"list": nil}
	for _, err := range b.List(t.Context(), "") {
		errs["list"] = err
	}
	for op, err := range everything(t, b) {
		errs[op] = err
	}
	return errs
}

func TestAnswersThatComeInTimeAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		mustPut(t, mem, "x", "content")
		mustPut(t, mem, "y", "content")
		start := time.Now()
		for op, err := range everythingListed(t, store.Timeout(slow(mem, 29*time.Second, nil), store.TimeoutOptions{})) {
			if err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		if duration := time.Since(start); duration < 7*29*time.Second {
			t.Errorf("it took %v: the test itself", duration)
		}
	})
}

func TestAnswersThatDoNotComeAreGivenUp(t *testing.T) {
	for _, ended := range []error{nil, errReset, context.DeadlineExceeded, store.Permanent(context.Canceled)} {
		synctest.Test(t, func(t *testing.T) {
			mem := store.NewMem()
			mustPut(t, mem, "x", "content")
			b := store.Timeout(slow(mem, time.Hour, ended), store.TimeoutOptions{Operation: 3 * time.Second})
			start := time.Now()
			for op, err := range everythingListed(t, b) {
				if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
					store.IsPermanent(err) || !strings.Contains(err.Error(), "TimeoutOptions.Operation") {
					t.Errorf("%s: %v", op, err)
				}
			}
			if duration := time.Since(start); duration < (5+10)*3*time.Second || duration > (5+10)*3*time.Second+time.Second {
				t.Errorf("giving up took %v", duration)
			}
		})
	}
}

func TestListingThatStopsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &faulty{Bucket: store.NewMem()}
		b.list = func(ctx context.Context, _ string) iter.Seq2[store.Object, error] {
			return func(yield func(store.Object, error) bool) {
				if yield(store.Object{Name: "x"}, nil) {
					<-ctx.Done()
					yield(store.Object{}, ctx.Err())
				}
			}
		}
		n := 0
		for object, err := range store.Timeout(b, store.TimeoutOptions{}).List(t.Context(), "") {
			if n++; (n == 2) != errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("List yields %v, %v", object, err)
			}
		}
		if n != 2 {
			t.Errorf("List yields %d times", n)
		}
	})
}

func TestAnswerAtTheLastMomentCounts(t *testing.T) {
	for _, answer := range []error{fs.ErrExist, fs.ErrNotExist, store.Permanent(fs.ErrPermission)} {
		synctest.Test(t, func(t *testing.T) {
			b := store.Timeout(slow(store.NewMem(), time.Hour, answer), store.TimeoutOptions{})
			for op, err := range everything(t, b) {
				if !errors.Is(err, answer) || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%s: %v, want %v", op, err, answer)
				}
			}
		})
	}
}

func TestEndOfTheCallersContextIsTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := store.Timeout(slow(store.NewMem(), time.Hour, nil), store.TimeoutOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := inner.Stat(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Stat returns %v", err)
		}
		outer := store.Timeout(inner, store.TimeoutOptions{Operation: time.Second, Setting: "--store-timeout"}) // whose end is no timeout of the inner
		if _, err := outer.Stat(t.Context(), "x"); !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "within 1s; if it is that slow, allow more by --store-timeout") || strings.Contains(err.Error(), "30s") {
			t.Errorf("Stat returns %v", err)
		}
	})
}

func TestBigObjectsHaveMoreTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			size    int
			takes   time.Duration
			options store.TimeoutOptions
			ok      bool
		}{
			{10 << 20, 69 * time.Second, store.TimeoutOptions{}, true}, // 30 s and 10 MiB at 256 KiB/s
			{10 << 20, 71 * time.Second, store.TimeoutOptions{}, false},
			{10 << 20, 11 * time.Second, store.TimeoutOptions{Operation: time.Second, MinRate: 1 << 20}, false},
			{10 << 20, 10 * time.Second, store.TimeoutOptions{Operation: time.Second, MinRate: 1 << 20}, true},
			{10 << 20, 100 * time.Hour, store.TimeoutOptions{MinRate: 1}, true},
		} {
			content := bytes.NewReader(make([]byte, test.size))
			_, _ = content.Seek(100, io.SeekStart) // it is read from its start wherever it stands
			b := store.Timeout(slow(store.NewMem(), test.takes, nil), test.options)
			if _, err := b.Create(t.Context(), "x", content, nil); (err == nil) != test.ok || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Create of %d bytes in %v with %+v returns %v", test.size, test.takes, test.options, err)
			}
		}
	})
}

// endless is content of a size that nobody reads.
type endless struct{ size int64 }

func (e endless) Read(p []byte) (int, error) { return len(p), nil }
func (e endless) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += e.size
	}
	return offset, nil
}

func TestTimeForTheBiggestObjectsIsNotNegative(t *testing.T) {
	b := &faulty{Bucket: store.NewMem()}
	b.create = func(ctx context.Context, _ string, _ io.ReadSeeker, _ map[string]string) (store.Object, error) {
		synctest.Wait() // for a timer that is over already
		return store.Object{}, ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []int64{1 << 40, 1<<63 - 1} {
			if _, err := store.Timeout(b, store.TimeoutOptions{MinRate: 1}).Create(t.Context(), "x", endless{size}, nil); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTimeOfTheCallerDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		mustPut(t, mem, "x", "content")
		mustPut(t, mem, "y", "content")
		b := store.Timeout(slow(mem, time.Second, nil), store.TimeoutOptions{Operation: 2 * time.Second})
		n := 0
		for object, err := range b.List(t.Context(), "") {
			time.Sleep(time.Minute)
			if n++; err != nil || object.Size != 7 {
				t.Errorf("List yields %v, %v", object, err)
			}
		}
		if n != 2 {
			t.Errorf("List yields %d objects", n)
		}
		r := openAll(t, b, "x")
		var got []byte
		for p := make([]byte, 10); ; {
			time.Sleep(time.Minute)
			n, err := r.Read(p)
			if got = append(got, p[:n]...); err != nil {
				if !errors.Is(err, io.EOF) || string(got) != "content" {
					t.Errorf("read %q, %v", got, err)
				}
				break
			}
		}
	})
}

func TestReaderThatStopsIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		mustPut(t, mem, "x", "content")
		b, opens := &faulty{Bucket: mem}, 0
		b.open = func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
			r, err := mem.Open(ctx, name, offset, length)
			opens++
			reads := 0
			return &slowReader{r, func() error {
				if reads++; opens < 3 && reads > 2 {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}}, err
		}
		got, err := io.ReadAll(openAll(t, store.Retry(store.Timeout(b, store.TimeoutOptions{}), store.RetryOptions{}), "x"))
		if err != nil || string(got) != "content" || opens != 3 {
			t.Errorf("read %q, %v after opening it %d times", got, err, opens)
		}
	})
}
