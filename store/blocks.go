package store

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jetcapture/lake/store/internal/body"
)

// Blocks returns a BlockStore over bucket. It is also a RootWriter, a Locator, a Prober and a DestKeyChecker. A block goes to
// resolve(destKey)/dir/fileName; empty folders are left out.
//
// resolve returns a slash-separated folder without slashes at its ends, or "" for the root. If it is nil, HivePath takes its place,
// which is safe with any destination key. A resolve of your own must escape text from outside, with EscapeHive or HivePart. Its
// errors are returned unchanged, but a Permanent one, for a problem that retrying cannot fix, then also wraps ErrDestKey.
//
// A block that is not an io.ReadSeeker is read into memory first.
func Blocks[K comparable](bucket Bucket, resolve func(destKey K) (string, error)) BlockStore[K] {
	if resolve == nil {
		return &blocks[K]{bucket, HivePath[K], checkHivePath[K]}
	}
	return &blocks[K]{bucket, resolve, nil}
}

// SingleDirStore returns a BlockStore that puts all blocks under dir, a folder of the local file system, whatever their
// destination key. It is also a RootWriter and keeps all promises of Dir. Only the file names tell blocks of different destination
// keys apart. A capture refuses it for destination keys that are structs of several fields, or have hive tags: use Blocks over
// NewDir, which makes folders of them.
func SingleDirStore[K comparable](dir string) BlockStore[K] {
	return &blocks[K]{NewDir(dir), func(K) (string, error) { return "", nil }, checkSingleDir[K]}
}

type blocks[K comparable] struct {
	bucket  Bucket
	resolve func(K) (string, error)
	check   func() error // may be nil
}

// CheckDestKey implements DestKeyChecker.
func (b *blocks[K]) CheckDestKey() error {
	if b.check == nil {
		return nil
	}
	return b.check()
}

func (b *blocks[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	name, err := b.name(destKey, dir, fileName)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	return writeTo(ctx, b.bucket, name, block)
}

func (b *blocks[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	name, err := joinName(fileName, dir)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	return writeTo(ctx, b.bucket, name, block)
}

// name returns the name of a block in the bucket.
func (b *blocks[K]) name(destKey K, dir, fileName string) (string, error) {
	folder, err := b.resolve(destKey)
	if err != nil {
		return "", noPlace(fmt.Errorf("resolve destination key: %w", err))
	}
	return joinBelow(folder, dir, fileName)
}

// writeTo stores a block under its name in a bucket.
func writeTo(ctx context.Context, bucket Bucket, name string, block io.Reader) (string, int64, time.Duration, error) {
	start := time.Now()
	content, err := body.Seekable(ctx, block)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block %s: %w", name, err)
	}
	var attrs map[string]string
	if a, ok := block.(Attributed); ok {
		attrs = a.Attributes()
	}
	object, err := bucket.Create(ctx, name, content, attrs)
	if err != nil {
		return "", 0, time.Since(start), err // the bucket names what it tried, and the object
	}
	return object.Location, object.Size, time.Since(start), nil
}

// Locate implements Locator.
func (b *blocks[K]) Locate(_ context.Context, destKey K, dir, fileName string) (Location, error) {
	name, err := b.name(destKey, dir, fileName)
	if err != nil {
		return Location{}, fmt.Errorf("locate block: %w", err)
	}
	return Location{Name: name}, nil
}

// LocateRoot implements Locator.
func (b *blocks[K]) LocateRoot(_ context.Context, dir, fileName string) (Location, error) {
	name, err := joinName(fileName, dir)
	if err != nil {
		return Location{}, fmt.Errorf("locate block: %w", err)
	}
	return Location{Name: name}, nil
}

// Bucket implements Locator.
func (b *blocks[K]) Bucket(_ context.Context, root string) (Bucket, error) {
	if root != "" {
		return nil, Permanent(fmt.Errorf("find bucket: root %s is of another store: this one has a single bucket", quote(root)))
	}
	return b.bucket, nil
}

// Probe implements Prober.
func (b *blocks[K]) Probe(ctx context.Context) error { return Probe(ctx, b.bucket) }
