package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/storetest"
)

func TestRetryPassesTheSuite(t *testing.T) {
	quick := store.RetryOptions{FirstWait: time.Millisecond}
	t.Run("Mem", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Bucket { return store.Retry(store.NewMem(), quick) })
	})
	t.Run("Dir", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Bucket {
			return store.Retry(store.NewDir(filepath.Join(t.TempDir(), "lake")), quick)
		})
	})
}

var errReset = errors.New("connection reset")

// flaky returns a Bucket whose calls, except List, fail the given number of times.
func flaky(inner store.Bucket, failures int, err error) *faulty {
	left := map[string]int{}
	fail := func(op string) error {
		if _, seen := left[op]; !seen {
			left[op] = failures
		}
		if left[op] > 0 {
			left[op]--
			return err
		}
		return nil
	}
	return &faulty{
		Bucket: inner,
		create: func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
			if err := fail("create"); err != nil {
				_, _ = io.CopyN(io.Discard, content, 3)
				return store.Object{}, err
			}
			return inner.Create(ctx, name, content, attrs)
		},
		open: func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
			if err := fail("open"); err != nil {
				return nil, err
			}
			return inner.Open(ctx, name, offset, length)
		},
		stat: func(ctx context.Context, name string) (store.Object, error) {
			if err := fail("stat"); err != nil {
				return store.Object{}, err
			}
			return inner.Stat(ctx, name)
		},
		remove: func(ctx context.Context, name string) error {
			if err := fail("remove"); err != nil {
				return err
			}
			return inner.Remove(ctx, name)
		},
		probe: func(context.Context, string) error { return fail("probe") },
	}
}

// everything does each operation once and returns the errors by name.
func everything(t *testing.T, b store.Bucket) map[string]error {
	t.Helper()
	ctx, errs := t.Context(), map[string]error{}
	_, errs["create"] = b.Create(ctx, "x", strings.NewReader("content"), nil)
	_, errs["stat"] = b.Stat(ctx, "x")
	r, err := b.Open(ctx, "x", 0, -1)
	if errs["open"] = err; err == nil {
		if got, err := io.ReadAll(r); err != nil || string(got) != "content" {
			t.Errorf("reading gives %q, %v", got, err)
		}
		_ = r.Close()
	}
	errs["remove"] = b.Remove(ctx, "x")
	if p, ok := b.(store.OverwriteProber); ok {
		errs["probe"] = p.ProbeOverwrite(ctx, "x")
	}
	return errs
}

func TestOperationsThatFailAFewTimesSucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		b := store.Retry(flaky(store.NewMem(), 2, errReset), store.RetryOptions{
			Observe: func(op, name string, attempt int, err error, wait time.Duration) {
				least, most := 50*time.Millisecond<<(attempt-1), 100*time.Millisecond<<(attempt-1)
				if name != "x" || !errors.Is(err, errReset) || wait < least || wait > most {
					t.Errorf("Observe is told of %s %s, attempt %d, %v, wait %v", op, name, attempt, err, wait)
				}
				seen = append(seen, fmt.Sprint(op, attempt))
			},
		})
		for op, err := range everything(t, b) {
			if err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		if want := []string{"create1", "create2", "stat1", "stat2", "open1", "open2", "remove1", "remove2", "probe1", "probe2"}; !slices.Equal(seen, want) {
			t.Errorf("Observe is told of %q, want %q", seen, want)
		}
	})
}

func TestOperationsThatGoOnFailingEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, observed := time.Now(), 0
		b := store.Retry(flaky(store.NewMem(), 1000, errReset), store.RetryOptions{
			Attempts: 3, FirstWait: time.Minute, MaxWait: 90 * time.Second,
			Observe: func(string, string, int, error, time.Duration) { observed++ },
		})
		for op, err := range everything(t, b) {
			if !errors.Is(err, errReset) || !strings.Contains(err.Error(), "3 attempts") {
				t.Errorf("%s: %v", op, err)
			}
		}
		if duration := time.Since(start); duration < 5*(30+45)*time.Second || duration > 5*(60+90)*time.Second || observed != 10 {
			t.Errorf("5 operations took %v and %d waits", duration, observed)
		}
	})
}

func TestWhatRetryingCannotMendIsNotRetried(t *testing.T) {
	for _, err := range []error{store.Permanent(errReset), fs.ErrExist, fmt.Errorf("x: %w", store.Permanent(fs.ErrPermission))} {
		b := store.Retry(flaky(store.NewMem(), 1, err), store.RetryOptions{
			Observe: func(op, _ string, _ int, err error, _ time.Duration) { t.Errorf("%s is retried after %v", op, err) },
		})
		if _, got := b.Create(t.Context(), "x", strings.NewReader("content"), nil); !errors.Is(got, err) {
			t.Errorf("Create returns %v, want %v", got, err)
		}
	}
	b := store.Retry(flaky(store.NewMem(), 1, fs.ErrNotExist), store.RetryOptions{FirstWait: 1})
	for op, err := range everything(t, b) {
		if errors.Is(err, fs.ErrNotExist) != (op != "create") {
			t.Errorf("%s: %v", op, err)
		}
	}
}

func TestServerIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for asked, want := range map[time.Duration]time.Duration{20 * time.Second: 20 * time.Second, time.Hour: 5 * time.Minute} {
			start := time.Now()
			b := store.Retry(flaky(store.NewMem(), 1, store.RetryAfter(errReset, asked)), store.RetryOptions{})
			if err := b.Remove(t.Context(), "x"); err != nil {
				t.Error(err)
			}
			if duration := time.Since(start); duration < want || duration > want+100*time.Millisecond {
				t.Errorf("asked for %v, it waited %v, want %v and a little", asked, duration, want)
			}
		}
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		waits := 0
		b := store.Retry(flaky(store.NewMem(), 1000, errReset), store.RetryOptions{
			FirstWait: time.Hour, MaxWait: time.Hour, Observe: func(string, string, int, error, time.Duration) { waits++ },
		})
		err := b.Remove(ctx, "x")
		if !errors.Is(err, errReset) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("Remove returns %v after %v", err, time.Since(start))
		}
		if err := b.Remove(ctx, "x"); !errors.Is(err, errReset) || !errors.Is(err, context.DeadlineExceeded) || waits != 1 {
			t.Errorf("Remove returns %v after %d waits", err, waits)
		}
	})
}

func TestListingGoesOnAfterTheLastObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := store.NewMem()
		var want []string
		for i := range 40 {
			name := fmt.Sprintf("list/%03d", i)
			mustPut(t, mem, name, "content")
			want = append(want, name)
		}
		b := &faulty{Bucket: mem}
		lists := 0
		b.list = func(ctx context.Context, prefix string) iter.Seq2[store.Object, error] { // each gets 4 objects further
			lists++
			most := 4 * (lists / 2) // and each second one no further at all
			return func(yield func(store.Object, error) bool) {
				n := 0
				for object, err := range mem.List(ctx, prefix) {
					if n++; n > most {
						yield(store.Object{}, errReset)
						return
					}
					if !yield(object, err) {
						return
					}
				}
			}
		}
		if got := names(t, store.Retry(b, store.RetryOptions{Attempts: 3})); !slices.Equal(got, want) {
			t.Errorf("the listing is %q", got)
		}
		if lists != 20 {
			t.Errorf("it took %d listings", lists)
		}
		b.list = func(context.Context, string) iter.Seq2[store.Object, error] {
			return func(yield func(store.Object, error) bool) { yield(store.Object{}, errReset) }
		}
		n := 0
		for object, err := range store.Retry(b, store.RetryOptions{}).List(t.Context(), "") {
			if n++; !errors.Is(err, errReset) {
				t.Errorf("List yields %v, %v", object, err)
			}
		}
		if n != 1 {
			t.Errorf("a listing that keeps failing yields %d times", n)
		}
	})
}
