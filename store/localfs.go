package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/jetcapture/lake/store/internal/body"
)

// LocalFSStore is a BlockStore that puts the blocks of each destination key into a folder of its own, anywhere on the
// local file system. It keeps all promises of Dir: create-only, durable, whole. Set Resolver, and use the store by its
// address.
//
// As the folders may lie on different file systems, a temporary file is made beside the final one: hidden, with a name
// that starts with .jetcapture-tmp. One that a crash left is removed when a process first puts a block into that folder.
// A new program does better with Blocks over a Dir, which has a single folder for them.
type LocalFSStore[K comparable] struct {
	// Resolver returns the folder of a destination key: a path of the operating system, made if need be. It must not
	// let a hostile destination key lead out of where it should be; EscapeHive makes a folder name of any string.
	Resolver func(destKey K) (string, error)

	files creator
}

// Write implements BlockStore: the block goes to dir/fileName below the folder of destKey.
func (s *LocalFSStore[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	start := time.Now()
	root, err := s.resolve(destKey)
	if err != nil {
		return "", 0, 0, fmt.Errorf("resolve destination key: %w", err)
	}
	name, err := joinName(fileName, dir)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	path, err := localPath(root, name)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	content, err := body.Seekable(ctx, block)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block %s: %w", path, err)
	}
	info, err := s.files.create(ctx, root, path, content)
	if err != nil {
		return "", 0, time.Since(start), fmt.Errorf("store block %s: %w", path, err)
	}
	return path, info.Size(), time.Since(start), nil
}

// WriteRoot implements RootWriter. There is no common root, so the block goes below the folder of the zero destination
// key.
func (s *LocalFSStore[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	var zero K
	return s.Write(ctx, block, zero, dir, fileName)
}

func (s *LocalFSStore[K]) resolve(destKey K) (string, error) {
	if s.Resolver == nil {
		return "", Permanent(errors.New("LocalFSStore has no Resolver: set it to a function that returns the folder of a destination key, or use SingleDirStore"))
	}
	root, err := s.Resolver(destKey)
	if err != nil {
		return "", err
	}
	if root == "" {
		return "", Permanent(errors.New(`the Resolver of LocalFSStore returned an empty path; for the working folder return "."`))
	}
	return filepath.Abs(root)
}
