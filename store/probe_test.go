package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jetcapture/lake/store"
)

// A faulty Bucket is one whose fields, where they are set, take the place of its methods.
type faulty struct {
	store.Bucket
	create func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error)
	open   func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	stat   func(ctx context.Context, name string) (store.Object, error)
	list   func(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	remove func(ctx context.Context, name string) error
	probe  func(ctx context.Context, name string) error
}

func (f *faulty) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	if f.create != nil {
		return f.create(ctx, name, content, attrs)
	}
	return f.Bucket.Create(ctx, name, content, attrs)
}

func (f *faulty) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	if f.open != nil {
		return f.open(ctx, name, offset, length)
	}
	return f.Bucket.Open(ctx, name, offset, length)
}

func (f *faulty) Stat(ctx context.Context, name string) (store.Object, error) {
	if f.stat != nil {
		return f.stat(ctx, name)
	}
	return f.Bucket.Stat(ctx, name)
}

func (f *faulty) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	if f.list != nil {
		return f.list(ctx, prefix)
	}
	return f.Bucket.List(ctx, prefix)
}

func (f *faulty) Remove(ctx context.Context, name string) error {
	if f.remove != nil {
		return f.remove(ctx, name)
	}
	return f.Bucket.Remove(ctx, name)
}

func (f *faulty) ProbeOverwrite(ctx context.Context, name string) error {
	if f.probe != nil {
		return f.probe(ctx, name)
	}
	return nil
}

// names returns what is in b.
func names(t *testing.T, b store.Bucket) (all []string) {
	t.Helper()
	for object, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object.Name)
	}
	return all
}

func TestProbeLeavesNothing(t *testing.T) {
	root := t.TempDir()
	for _, b := range []store.Bucket{store.NewMem(), store.NewDir(root)} {
		if err := store.Probe(t.Context(), b); err != nil {
			t.Errorf("%T: %v", b, err)
		}
		if left := names(t, b); len(left) > 0 {
			t.Errorf("%T: %q are left", b, left)
		}
	}
	if _, err := os.Stat(root + "/_jetcapture"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the probe is left (%v)", err)
	}
	mustPut(t, store.NewDir(root), "_jetcapture/other", "content")
	if err := store.Probe(t.Context(), store.NewDir(root)); err != nil {
		t.Error(err)
	}
	wantTree(t, root, map[string]string{"_jetcapture/other": "content"})
}

func TestProbeFindsServersThatOverwrite(t *testing.T) {
	mem := store.NewMem()
	b := &faulty{Bucket: mem}
	b.create = func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
		_ = mem.Remove(ctx, name)
		return mem.Create(ctx, name, content, attrs)
	}
	if err := store.Probe(t.Context(), b); !errors.Is(err, store.ErrNotCreateOnly) || !store.IsPermanent(err) {
		t.Errorf("Probe returns %v, want a Permanent ErrNotCreateOnly", err)
	}
	if left := names(t, mem); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

func TestProbeSaysWhatFails(t *testing.T) {
	broken := errors.New("boom")
	mem := store.NewMem()
	creates := 0
	for want, b := range map[string]*faulty{
		"it cannot be written": {create: func(context.Context, string, io.ReadSeeker, map[string]string) (store.Object, error) {
			return store.Object{}, store.Permanent(broken)
		}},
		"it cannot be read": {open: func(context.Context, string, int64, int64) (io.ReadCloser, error) { return nil, broken }},
		"reads as 4 bytes, which differ from": {open: func(context.Context, string, int64, int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("else")), nil
		}},
		"it does not say that a name is taken": {create: func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
			object, err := mem.Create(ctx, name, content, attrs)
			if errors.Is(err, fs.ErrExist) {
				err = broken
			}
			return object, err
		}},
		"creating the same object again fails": {create: func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
			if creates++; creates == 3 {
				return store.Object{}, fs.ErrExist
			}
			return mem.Create(ctx, name, content, attrs)
		}},
		"boom": {probe: func(_ context.Context, name string) error {
			if got, err := io.ReadAll(openAll(t, mem, name)); err != nil || !bytes.Contains(got, []byte("JetCapture")) {
				t.Errorf("the Prober gets an object that reads as %q, %v", got, err)
			}
			return broken
		}},
	} {
		b.Bucket = mem
		if err := store.Probe(t.Context(), b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Probe returns %v, want %q in it", err, want)
		}
		if left := names(t, mem); len(left) > 0 {
			t.Errorf("%s: %q are left", want, left)
		}
	}
}

func TestLakeThatDeniesRemovalIsFine(t *testing.T) {
	b := &faulty{Bucket: store.NewMem(), remove: func(context.Context, string) error { return store.Permanent(fs.ErrPermission) }}
	if err := store.Probe(t.Context(), b); err != nil {
		t.Error(err)
	}
	if left := names(t, b); len(left) != 1 || !strings.HasPrefix(left[0], "_jetcapture/probe-") {
		t.Errorf("%q are left", left)
	}
}

func TestProbeRemovesItsObjectThoughItWasCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	b := &faulty{Bucket: store.NewMem()}
	b.open = func(context.Context, string, int64, int64) (io.ReadCloser, error) {
		cancel()
		return nil, ctx.Err()
	}
	if err := store.Probe(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("Probe returns %v", err)
	}
	if left := names(t, b); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
}

func TestProbeOfAStoreThatIsDownEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("connection refused")
		b := flaky(store.NewMem(), 1_000_000, down)
		waited, start := time.Duration(0), time.Now()
		retried := store.Retry(b, store.RetryOptions{FirstWait: time.Minute, Observe: func(op, _ string, _ int, _ error, wait time.Duration) {
			if op == "create" {
				waited += wait
			}
		}})
		if err := store.Probe(t.Context(), retried); !errors.Is(err, down) {
			t.Errorf("Probe returns %v", err)
		}
		if duration := time.Since(start); waited == 0 || duration > waited+time.Second {
			t.Errorf("it took %v, %v of that to write", duration, waited)
		}
	})
}

func openAll(t *testing.T, b store.Bucket, name string) io.Reader {
	t.Helper()
	r, err := b.Open(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}
