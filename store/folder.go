package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxSettled bounds the memory for settled folders. A folder that was dropped costs a few more system calls.
const maxSettled = 1 << 16

// An unsettled folder may lose its entry in the folder above in a power cut.
type unsettled struct {
	dir   string
	owned bool // false for a folder above the root, which existed before
}

// prepare makes dir, with all folders above it, and returns those that need settle, the highest first. A folder that exists may
// need it too, since another process may have made it just now: so each folder from base down is settled when it is first used.
// Folders above base are trusted if they exist.
//
// Where temporary files are put, prepare also removes those of crashed processes.
func (c *creator) prepare(dir, base string) (folders []unsettled, err error) {
	info, err := os.Stat(dir)
	exists := err == nil
	switch {
	case exists && !info.IsDir():
		return nil, &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	case exists && c.isSettled(dir):
		return nil, nil
	case !exists && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	parent := filepath.Dir(dir)
	inside := strings.HasPrefix(dir, withSeparator(base))
	if inside || !exists && parent != dir {
		if folders, err = c.prepare(parent, base); err != nil {
			return nil, err
		}
	}
	if !exists {
		if err := c.os().mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	if exists && (c.tempDir == dir || c.tempDir == "" && (inside || dir == base)) {
		c.sweep(dir)
	}
	return append(folders, unsettled{dir, inside || !exists}), nil
}

// settle makes folders durable. It comes after the sync of a file in them, by which many file systems make the folders durable too,
// so that it need not wait long.
func (c *creator) settle(folders []unsettled) error {
	for _, f := range folders {
		err := c.syncPath(filepath.Dir(f.dir))
		if !f.owned && errors.Is(err, fs.ErrPermission) {
			err = nil // the root may belong to somebody else, in a folder that this process may not read
		}
		if err != nil {
			return err
		}
		c.markSettled(f.dir)
	}
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
	if c.settled == nil {
		c.settled = make(map[string]struct{})
	}
	for forgotten := range c.settled {
		if len(c.settled) < maxSettled {
			break
		}
		delete(c.settled, forgotten)
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
