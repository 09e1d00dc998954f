package store_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/jetcapture/lake/store"
)

// overwriting returns a Bucket that overwrites objects.
func overwriting() store.Bucket {
	mem := store.NewMem()
	return &faulty{Bucket: mem, create: func(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
		if err := mem.Remove(ctx, name); err != nil {
			return store.Object{}, err
		}
		return mem.Create(ctx, name, content, attrs)
	}}
}

// decorated is a Wrapper without methods for probes.
type decorated struct{ store.Bucket }

func (d decorated) Unwrap() store.Bucket { return d.Bucket }

// wantProbe checks the result of a BlockStore's Probe.
func wantProbe(t *testing.T, s store.BlockStore[string], want error) {
	t.Helper()
	prober, ok := s.(store.Prober)
	if !ok {
		t.Fatalf("a %T is no Prober", s)
	}
	if err := prober.Probe(t.Context()); !errors.Is(err, want) {
		t.Errorf("Probe returns %v, want %v", err, want)
	}
}

func TestStoresAroundAStoreThatOverwritesSaySo(t *testing.T) {
	good, bad := store.Blocks[string](store.NewMem(), nil), store.Blocks[string](overwriting(), nil)
	always := func(s store.BlockStore[string]) func(string) (store.BlockStore[string], error) {
		return func(string) (store.BlockStore[string], error) { return s, nil }
	}
	wantProbe(t, good, nil)
	wantProbe(t, bad, store.ErrNotCreateOnly)
	wantProbe(t, store.Choose(always(good), good), nil)
	wantProbe(t, store.Choose(always(good), bad), store.ErrNotCreateOnly)
	wantProbe(t, store.Choose(always(bad), good), nil) // but ProbeKey tells
	wantProbe(t, store.Choose(always(good), store.Choose(always(good), bad)), store.ErrNotCreateOnly)
	wantProbe(t, store.Choose(always(good), &onlyBlocksStore{}), store.ErrNoProbe)
	wantProbe(t, store.Choose(func(string) (store.BlockStore[string], error) { return nil, errors.New("no such tenant") }, good), nil)

	folder := t.TempDir() + "/new"
	wantProbe(t, &store.LocalFSStore[string]{Resolver: func(string) (string, error) { return folder, nil }}, nil)
	wantProbe(t, &store.LocalFSStore[string]{Resolver: func(string) (string, error) { return "", fs.ErrPermission }}, fs.ErrPermission)
}

// onlyBlocksStore is a BlockStore and nothing else.
type onlyBlocksStore struct{ store.BlockStore[string] }

func TestDecoratorsKeepTheProbeOfWhatTheyAreAround(t *testing.T) {
	found := store.Permanent(store.ErrNotCreateOnly)
	var bucket store.Bucket = &faulty{Bucket: store.NewMem(), probe: func(context.Context, string) error { return found }}
	for _, wrap := range []func(store.Bucket) store.Bucket{
		func(b store.Bucket) store.Bucket { return store.Timeout(b, store.TimeoutOptions{}) },
		func(b store.Bucket) store.Bucket { return store.Limit(b, store.LimitOptions{}) },
		func(b store.Bucket) store.Bucket { return decorated{b} },
		func(b store.Bucket) store.Bucket { return store.Retry(b, store.RetryOptions{}) },
		func(b store.Bucket) store.Bucket { return decorated{b} },
	} {
		bucket = wrap(bucket)
		wantProbe(t, store.Blocks[string](bucket, nil), store.ErrNotCreateOnly)
	}
}

func TestChosenStoresAreProbedOnce(t *testing.T) {
	probes := 0
	counted := store.Blocks[string](&faulty{Bucket: store.NewMem(), probe: func(context.Context, string) error { probes++; return nil }}, nil)
	bad := store.Blocks[string](overwriting(), nil)
	outer := store.Choose(func(key string) (store.BlockStore[string], error) {
		if key == "bad" {
			return bad, nil
		}
		return counted, nil
	}, counted)
	for _, s := range []store.BlockStore[string]{outer, store.Choose(func(string) (store.BlockStore[string], error) { return outer, nil }, counted)} {
		prober, ok := s.(store.KeyProber[string])
		if !ok {
			t.Fatal("a chooser is no KeyProber")
		}
		for _, key := range []string{"a", "b", "a"} {
			if err := prober.ProbeKey(t.Context(), key); err != nil || probes != 1 {
				t.Errorf("ProbeKey returns %v, after %d probes", err, probes)
			}
		}
		for range 2 {
			if err := prober.ProbeKey(t.Context(), "bad"); !errors.Is(err, store.ErrNotCreateOnly) {
				t.Errorf("ProbeKey of a store that overwrites returns %v", err)
			}
		}
	}
}

// pick may return a new store each time, and a place that cannot be probed is not probed with each block.
func TestPlacesAreProbedOnceWhoeverLeadsThere(t *testing.T) {
	probes := 0
	var found error
	bucket := &faulty{Bucket: store.NewMem(), probe: func(context.Context, string) error { probes++; return found }}
	for _, found = range []error{nil, errors.New("cannot be read")} {
		probes = 0
		prober, ok := store.Choose(func(string) (store.BlockStore[string], error) { return store.Blocks[string](bucket, nil), nil }, nil).(store.KeyProber[string])
		if !ok {
			t.Fatal("a chooser is no KeyProber")
		}
		for range 5 {
			_ = prober.ProbeKey(t.Context(), "a")
		}
		if probes != 1 {
			t.Errorf("%d probes where it finds %v, want 1", probes, found)
		}
	}
}
