package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Choose returns a BlockStore that puts each block into the store that pick returns for its destination key, such as a
// bucket of each tenant. What belongs to no destination key, dead letters, goes into root.
//
// pick is called for each try to store a block, by several goroutines at a time, and must not open a connection each time:
// keep what it returned, for as many destination keys as there can be. Its errors come through as they are: mark with
// Permanent what retrying cannot mend, which ends a capture.
func Choose[K comparable](pick func(destKey K) (BlockStore[K], error), root BlockStore[K]) BlockStore[K] {
	return &chooser[K]{pick, root}
}

type chooser[K comparable] struct {
	pick func(K) (BlockStore[K], error)
	root BlockStore[K]
}

func (c *chooser[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	if c.pick == nil {
		return "", 0, 0, Permanent(errors.New("choose store: there is no function to do so: give Choose one"))
	}
	picked, err := c.pick(destKey)
	if err != nil {
		return "", 0, 0, fmt.Errorf("choose store: %w", err)
	}
	if picked == nil {
		return "", 0, 0, Permanent(fmt.Errorf("choose store: there is none for destination key %s: return one, or an error", quote(fmt.Sprint(destKey))))
	}
	return picked.Write(ctx, block, destKey, dir, fileName)
}

// WriteRoot implements RootWriter. A root that is no RootWriter gets the block under the zero destination key.
func (c *chooser[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	if c.root == nil {
		return "", 0, 0, Permanent(errors.New("store a dead letter: Choose was given no store for what belongs to no destination key"))
	}
	if root, ok := c.root.(RootWriter); ok {
		return root.WriteRoot(ctx, block, dir, fileName)
	}
	var zero K
	return c.root.Write(ctx, block, zero, dir, fileName)
}
