package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxSettled bounds the memory for settled folders. A folder that was forgotten costs a few system calls more.
const maxSettled = 4096

// settle makes dir, with all folders above it, and makes sure that a power cut cannot take away its entry in the folder
// above. That it is there already does not tell: another process may have made it just now. So each folder from base
// down gets its parent synced when it is first used. Folders above base are trusted if they are there.
//
// Where temporary files are put, those of crashed processes are removed by the way.
func (c *creator) settle(dir, base string) error {
	info, err := os.Stat(dir)
	exists := err == nil
	switch {
	case exists && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	case exists && c.isSettled(dir):
		return nil
	case !exists && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	parent := filepath.Dir(dir)
	inside := strings.HasPrefix(dir, withSeparator(base))
	if inside || !exists && parent != dir {
		if err := c.settle(parent, base); err != nil {
			return err
		}
	}
	if !exists {
		if err := c.os().mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	err = c.syncPath(parent)
	if exists && !inside && errors.Is(err, fs.ErrPermission) {
		err = nil // whoever made the root must not be us, nor let us read what is around it
	}
	if err != nil {
		return err
	}
	if exists && (c.tempDir == dir || c.tempDir == "" && (inside || dir == base)) {
		c.sweep(dir)
	}
	c.markSettled(dir)
	return nil
}

func (c *creator) isSettled(dir string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.settled[dir]
	return ok
}

func (c *creator) markSettled(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled == nil || len(c.settled) >= maxSettled {
		c.settled = make(map[string]struct{})
	}
	c.settled[dir] = struct{}{}
}

// syncPath makes the entries of a folder durable.
func (c *creator) syncPath(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return c.os().syncDir(f)
}

func withSeparator(dir string) string {
	return strings.TrimSuffix(dir, string(filepath.Separator)) + string(filepath.Separator)
}
