package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jetcapture/lake/store/internal/body"
)

// creator creates files that get their name when they are whole and durable, and that never replace other files. Its zero value
// is ready for use, and puts temporary files beside the final ones.
type creator struct {
	tempDir string // where temporary files are; "" means beside the final file
	disk    *disk  // nil means the real one

	mu      sync.Mutex
	settled map[string]struct{} // folders that settle has dealt with
}

// maxTries bounds how often create starts over because a folder or its temporary file was removed under it.
const maxTries = 10

// create makes the file path, below the folder base, with content. The error wraps fs.ErrExist only if other content
// has the name. That content is then durable, as content is after nil: callers rely on both answers.
func (c *creator) create(ctx context.Context, base, path string, content io.ReadSeeker) (fs.FileInfo, error) {
	for try := 1; ; try++ {
		info, err := c.tryCreate(ctx, base, path, content)
		if errors.Is(err, fs.ErrNotExist) && try < maxTries {
			continue
		}
		return info, explain(err, base)
	}
}

func (c *creator) tryCreate(ctx context.Context, base, path string, content io.ReadSeeker) (fs.FileInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	folders, err := c.prepare(dir, base)
	if err != nil {
		return nil, err
	}
	tempDir := dir
	if c.tempDir != "" {
		tempDir = c.tempDir
		more, err := c.prepare(tempDir, base)
		if err != nil {
			return nil, err
		}
		folders = append(folders, more...)
	}
	temp, err := c.newTemp(tempDir)
	if err != nil {
		return nil, err
	}
	defer temp.discard()
	info, err := temp.fill(ctx, content)
	if err != nil {
		return nil, err
	}
	if err := c.settle(folders); err != nil {
		return nil, err
	}
	folder, err := os.Open(dir) // before the link, so that only the sync can fail afterwards
	if err != nil {
		return nil, err
	}
	defer func() { _ = folder.Close() }()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = c.place(temp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return c.meet(ctx, folder, path, content)
	}
	if err != nil {
		return nil, err
	}
	if err := c.os().syncDir(folder); err != nil {
		return nil, errors.Join(err, temp.takeBack(info, path))
	}
	return info, nil
}

// place gives the temporary file its final name. The error wraps fs.ErrExist if the name is taken.
func (c *creator) place(temp, path string) error {
	err := c.os().link(temp, path)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) {
		return err
	}
	err = c.os().rename(temp, path)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return Permanent(fmt.Errorf("the file system has neither hard links nor a rename that never replaces a file; store blocks on another one: %w", err))
	}
	return err
}

// meet compares content with the file that has its name. It returns nil if it is the same, and otherwise an error that wraps
// fs.ErrExist.
func (c *creator) meet(ctx context.Context, folder *os.File, path string, content io.ReadSeeker) (fs.FileInfo, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, Permanent(fmt.Errorf("the name is taken by something that is not a file (%s)", info.Mode()))
	}
	there, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = there.Close() }()
	if err := c.await(ctx, there); err != nil {
		return nil, err
	}
	info, err := there.Stat()
	if err != nil {
		return nil, err
	}
	if now, err := os.Stat(path); err != nil {
		return nil, err
	} else if !os.SameFile(info, now) {
		return nil, &fs.PathError{Op: "compare", Path: path, Err: fs.ErrNotExist} // taken back: start over
	}
	if err := c.os().syncDir(folder); err != nil { // its creator may have crashed before it could
		return nil, err
	}
	same, err := body.Same(ctx, there, info.Size(), content)
	if err != nil {
		return nil, err
	}
	if !same {
		return nil, fmt.Errorf("other content is there: %w", fs.ErrExist)
	}
	return info, nil
}

// await waits until the file is not locked: its creator holds the lock until the file is durable, or was taken back. It leaves a
// shared lock on the file until the file is closed.
func (c *creator) await(ctx context.Context, f *os.File) error {
	for c.os().lock(f, sharedLock) == lockHeld {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// explain adds advice to errors that need it, and marks errors that retrying cannot fix. An error about a folder below base is not
// marked: somebody may fix it, and blocks in other folders can be stored meanwhile.
func explain(err error, base string) error {
	switch {
	case errors.Is(err, syscall.EXDEV):
		return fmt.Errorf("a folder below the root is on another file system; make that the root of its own store: %w", err)
	case errors.Is(err, syscall.ENOTDIR):
		if info, baseErr := os.Stat(base); errors.Is(baseErr, syscall.ENOTDIR) || baseErr == nil && !info.IsDir() {
			return Permanent(err)
		}
		return fmt.Errorf("a folder is needed where something else has its name; move that away: %w", err)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return Permanent(err)
	}
	return err
}
