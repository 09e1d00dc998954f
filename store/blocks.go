package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/jetcapture/lake/store/internal/body"
)

// Blocks makes a BlockStore of bucket, which is a RootWriter and a Remover too, and has a method Probe(ctx) error. A block goes to resolve(destKey)/dir/fileName; an empty
// folder is left out. resolve returns a slash-separated folder without slashes at its ends, "" for the root; nil means
// HivePath, which is safe with any destination key. A resolve of your own must escape what comes from outside, with
// EscapeHive or HivePart. Its errors come through as they are: mark with Permanent what retrying cannot mend.
//
// A block that is no io.ReadSeeker is read into memory first.
func Blocks[K comparable](bucket Bucket, resolve func(destKey K) (string, error)) BlockStore[K] {
	if resolve == nil {
		resolve = HivePath[K]
	}
	return &blocks[K]{bucket, resolve}
}

// SingleDirStore makes a BlockStore that puts all blocks under dir, a folder of the local file system, whatever their
// destination key. It is a RootWriter too and keeps all promises of Dir. Blocks of different destination keys are told
// apart by their file names alone.
func SingleDirStore[K comparable](dir string) BlockStore[K] {
	return Blocks(NewDir(dir), func(K) (string, error) { return "", nil })
}

// A Remover is a BlockStore that can remove what it wrote. ExactlyOnce captures clear away with it the empty files that they
// leave after crashes; a BlockStore without it keeps them.
type Remover[K comparable] interface {
	// Remove removes the object that Write stored under these names, if it has exactly the given content. Nothing there is
	// no error, other content is left alone.
	Remove(ctx context.Context, destKey K, dir, fileName string, content []byte) error

	// RemoveRoot is Remove for what WriteRoot stored.
	RemoveRoot(ctx context.Context, dir, fileName string, content []byte) error
}

type blocks[K comparable] struct {
	bucket  Bucket
	resolve func(K) (string, error)
}

func (b *blocks[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	folder, err := b.resolve(destKey)
	if err != nil {
		return "", 0, 0, fmt.Errorf("resolve destination key: %w", err)
	}
	return b.write(ctx, block, folder, dir, fileName)
}

func (b *blocks[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	return b.write(ctx, block, "", dir, fileName)
}

func (b *blocks[K]) write(ctx context.Context, block io.Reader, folder, dir, fileName string) (string, int64, time.Duration, error) {
	start := time.Now()
	name, err := joinName(fileName, folder, dir)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	content, err := body.Seekable(ctx, block)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block %s: %w", name, err)
	}
	var attrs map[string]string
	if a, ok := block.(Attributed); ok {
		attrs = a.Attributes()
	}
	object, err := b.bucket.Create(ctx, name, content, attrs)
	if err != nil {
		return "", 0, time.Since(start), err // the bucket names what it tried, and the object
	}
	return object.Location, object.Size, time.Since(start), nil
}

func (b *blocks[K]) Remove(ctx context.Context, destKey K, dir, fileName string, content []byte) error {
	folder, err := b.resolve(destKey)
	if err != nil {
		return fmt.Errorf("resolve destination key: %w", err)
	}
	return b.remove(ctx, folder, dir, fileName, content)
}

func (b *blocks[K]) RemoveRoot(ctx context.Context, dir, fileName string, content []byte) error {
	return b.remove(ctx, "", dir, fileName, content)
}

func (b *blocks[K]) remove(ctx context.Context, folder, dir, fileName string, content []byte) error {
	name, err := joinName(fileName, folder, dir)
	if err != nil {
		return fmt.Errorf("remove block: %w", err)
	}
	there, err := b.bucket.Open(ctx, name, 0, int64(len(content))+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = there.Close() }()
	got, err := io.ReadAll(there)
	if err != nil {
		return fmt.Errorf("remove block %s: %w", name, err)
	}
	if !bytes.Equal(got, content) {
		return nil
	}
	return b.bucket.Remove(ctx, name)
}

// Probe tries whether the bucket can be used: see the function Probe.
func (b *blocks[K]) Probe(ctx context.Context) error { return Probe(ctx, b.bucket) }
