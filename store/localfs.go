package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/jetcapture/lake/store/internal/destkey"
)

// LocalFSStore is a BlockStore that puts the blocks of each destination key into a folder of its own, anywhere on the
// local file system. It is a RootWriter, a Locator and a Prober, and keeps all promises of Dir: create-only, durable, whole. Set
// Resolver, and use the store by its address.
//
// Since the folders may be on different file systems, a temporary file is made beside the final one: hidden, with a name that
// starts with .jetcapture-tmp. A temporary file of a crashed process is removed when a process first puts a block into that folder.
// New programs should use Blocks over a Dir, which has a single folder for temporary files.
type LocalFSStore[K comparable] struct {
	// Resolver returns the folder of a destination key: a path of the operating system, made if needed. A hostile
	// destination key must not lead elsewhere; EscapeHive makes the name of a folder of any string. Resolver must return the same
	// folder for a destination key each time, in all captures of a consumer.
	Resolver func(destKey K) (string, error)

	files creator
}

// Write implements BlockStore: the block goes to dir/fileName below the folder of destKey.
func (s *LocalFSStore[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	folder, name, err := s.place(destKey, dir, fileName)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	return writeTo(ctx, folder, name, block)
}

// WriteRoot implements RootWriter. There is no common root, so the block goes below the folder of the zero destination
// key.
func (s *LocalFSStore[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	var zero K
	return s.Write(ctx, block, zero, dir, fileName)
}

// Locate implements Locator.
func (s *LocalFSStore[K]) Locate(_ context.Context, destKey K, dir, fileName string) (Location, error) {
	_, name, err := s.place(destKey, dir, fileName)
	if err != nil {
		return Location{}, fmt.Errorf("locate block: %w", err)
	}
	root, err := destkey.Encode(destKey)
	if err != nil {
		return Location{}, noPlace(Permanent(fmt.Errorf("locate block: %w", err)))
	}
	return Location{Root: root, Name: name}, nil
}

// LocateRoot implements Locator.
func (s *LocalFSStore[K]) LocateRoot(ctx context.Context, dir, fileName string) (Location, error) {
	var zero K
	return s.Locate(ctx, zero, dir, fileName)
}

// Bucket implements Locator. root is a destination key, and the Bucket is over the folder that Resolver returns for it.
func (s *LocalFSStore[K]) Bucket(_ context.Context, root string) (Bucket, error) {
	destKey, err := destkey.Decode[K](root)
	if err != nil {
		return nil, badRoot(root, err)
	}
	folder, err := s.folder(destKey)
	if err != nil {
		return nil, fmt.Errorf("find bucket: %w", err)
	}
	return folder, nil
}

// Probe implements Prober, in the folder of the zero destination key, to which dead letters go.
func (s *LocalFSStore[K]) Probe(ctx context.Context) error { return probeRoot(ctx, s) }

// place returns the folder and the name of a block.
func (s *LocalFSStore[K]) place(destKey K, dir, fileName string) (folder *Dir, name string, err error) {
	if folder, err = s.folder(destKey); err != nil {
		return nil, "", err
	}
	if name, err = joinName(fileName, dir); err != nil {
		return nil, "", err
	}
	_, err = folder.path(name)
	return folder, name, err
}

// folder returns the folder of a destination key.
func (s *LocalFSStore[K]) folder(destKey K) (*Dir, error) {
	if s.Resolver == nil {
		return nil, Permanent(errors.New("LocalFSStore has no Resolver: set it to a function that returns the folder of a destination key, or use store.Blocks over a store.NewDir"))
	}
	path, err := s.Resolver(destKey)
	if err == nil && path == "" {
		err = Permanent(errors.New(`the Resolver of LocalFSStore returned an empty path; for the working folder return "."`))
	}
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, noPlace(fmt.Errorf("resolve destination key: %w", err))
	}
	return &Dir{root: path, files: &s.files}, nil
}
