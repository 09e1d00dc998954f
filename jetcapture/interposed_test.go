package jetcapture_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// A locatorStore has all that captures of either delivery make use of.
type locatorStore interface {
	store.BlockStore[string]
	store.RootWriter
	store.Locator[string]
}

// An interposed store lets a test come between a capture and its store, whichever way the capture writes.
type interposed struct {
	locatorStore

	// create is called for each block and tombstone, and writes it by next. It may read of the content before.
	create func(ctx context.Context, content io.Reader, next func(context.Context) error) error
}

func interpose(s jetcapture.BlockStore[string], create func(ctx context.Context, content io.Reader, next func(context.Context) error) error) *interposed {
	return &interposed{s.(locatorStore), create}
}

func (i *interposed) Write(ctx context.Context, block io.Reader, k, dir, name string) (location string, n int64, duration time.Duration, err error) {
	err = i.create(ctx, block, func(ctx context.Context) error {
		location, n, duration, err = i.locatorStore.Write(ctx, block, k, dir, name)
		return err
	})
	return location, n, duration, err
}

func (i *interposed) Bucket(ctx context.Context, root string) (store.Bucket, error) {
	b, err := i.locatorStore.Bucket(ctx, root)
	return interposedBucket{b, i}, err
}

type interposedBucket struct {
	store.Bucket
	by *interposed
}

func (b interposedBucket) Create(ctx context.Context, name string, content io.ReadSeeker, attributes map[string]string) (object store.Object, err error) {
	if name == store.IdentityName {
		return b.Bucket.Create(ctx, name, content, attributes)
	}
	err = b.by.create(ctx, content, func(ctx context.Context) error {
		object, err = b.Bucket.Create(ctx, name, content, attributes)
		return err
	})
	return object, err
}

// faulty is a store that fails as fail says, before it would write.
func faulty(s jetcapture.BlockStore[string], fail func() error) jetcapture.BlockStore[string] {
	return interpose(s, func(ctx context.Context, content io.Reader, next func(context.Context) error) error {
		if err := fail(); err != nil {
			_, _ = io.CopyN(io.Discard, content, 10) // as a broken upload does
			return err
		}
		return next(ctx)
	})
}

// slow is a store that waits before it writes for the nth time.
func slow(s jetcapture.BlockStore[string], wait func(n int) time.Duration) jetcapture.BlockStore[string] {
	var n atomic.Int64
	return interpose(s, func(ctx context.Context, _ io.Reader, next func(context.Context) error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait(int(n.Add(1)))):
			return next(ctx)
		}
	})
}

// answerless is a store that stores a block and says that it failed.
func answerless(s jetcapture.BlockStore[string], lose func() bool) jetcapture.BlockStore[string] {
	return interpose(s, func(ctx context.Context, _ io.Reader, next func(context.Context) error) error {
		err := next(ctx)
		if err == nil && lose() {
			err = errors.New("the answer was lost")
		}
		return err
	})
}

// overwriting is a store that does what it must not.
type overwriting struct{ locatorStore }

func (overwriting) Probe(context.Context) error { return store.ErrNotCreateOnly }
