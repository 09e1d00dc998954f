package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jetcapture/lake/store/internal/body"
)

// tempName is the name of the folder of temporary files, and the beginning of each file's name.
const tempName = ".jetcapture-tmp"

// staleAge is the age from which a temporary file counts as left by a crash, where there are no locks.
const staleAge = 24 * time.Hour

// A tempFile belongs to the process that has it locked, so that others can tell it from the file of a crashed process. The lock
// stays with the file under its final name, and tells others that the file may still be taken back.
type tempFile struct {
	*os.File
	disk   *disk
	locked bool // false where there are no locks
}

// newTemp makes an empty temporary file in dir. The error wraps fs.ErrNotExist if a sweep locks the file
// first. If the sweep has removed it already, the link fails.
func (c *creator) newTemp(dir string) (*tempFile, error) {
	path := filepath.Join(dir, tempName+"-"+rand.Text())
	f, err := c.os().openTemp(path)
	if errors.Is(err, fs.ErrExist) {
		err = &fs.PathError{Op: "create", Path: path, Err: fs.ErrNotExist} // not the name of the caller's file: start over
	}
	if err != nil {
		return nil, err
	}
	t := &tempFile{File: f, disk: c.os()}
	switch c.os().lock(f, exclusiveLock) {
	case lockTaken:
		t.locked = true
	case lockHeld:
		t.discard()
		return nil, &fs.PathError{Op: "lock", Path: path, Err: fs.ErrNotExist}
	}
	return t, nil
}

// copyBuffer is the number of bytes that are written to the disk at a time.
const copyBuffer = 64 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

// fill writes content and makes it durable.
func (t *tempFile) fill(ctx context.Context, content io.ReadSeeker) (fs.FileInfo, error) {
	size, err := body.Rewind(content)
	if err != nil {
		return nil, err
	}
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	_, err = io.CopyBuffer(diskWriter{t}, body.NewReader(ctx, content), buf[:])
	copyBuffers.Put(buf)
	if err != nil {
		return nil, err
	}
	info, err := t.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != size {
		return nil, fmt.Errorf("%d bytes of %d arrived in %s", info.Size(), size, t.Name())
	}
	if err := t.disk.syncFile(t.File); err != nil {
		return nil, err
	}
	if !t.locked { // closing releases a lock; Windows moves and removes only closed files
		if err := t.Close(); err != nil {
			return nil, err
		}
	}
	return info, nil
}

type diskWriter struct{ t *tempFile }

func (w diskWriter) Write(p []byte) (int, error) { return w.t.disk.write(w.t.File, p) }

// takeBack removes the file from its final path, because the folder could not be synced: the folder's cached
// entry may be lost, so a second try must write the file again. Nobody relies on the file yet, since others wait for the lock.
// Without locks that cannot be known, and the file stays.
func (t *tempFile) takeBack(info fs.FileInfo, path string) error {
	if !t.locked {
		return nil
	}
	now, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, now) {
		return nil // it is gone already
	}
	if err != nil {
		return err
	}
	return t.disk.remove(path)
}

// discard removes the file under its temporary name, and unlocks it. A later sweep removes a file that cannot be
// removed now, so errors are ignored. The error of Close is ignored too, since the content was synced.
func (t *tempFile) discard() {
	if !t.locked {
		_ = t.Close()
	}
	_ = t.disk.remove(t.Name())
	_ = t.Close()
}

// sweep removes temporary files that crashed processes left in dir. A running process has its files locked, so files that can
// be locked are stale; where there are no locks, age decides. Files that cannot be removed stay.
func (c *creator) sweep(dir string) {
	entries, err := c.os().readDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), tempName+"-") && entry.Type().IsRegular() {
			path := filepath.Join(dir, entry.Name())
			if release, stale := c.claimStale(path); stale {
				_ = c.os().remove(path)
				_ = release()
			}
		}
	}
}

// claimStale reports whether the temporary file is left by a crash. The caller calls release after removing it.
func (c *creator) claimStale(path string) (release func() error, stale bool) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, false
	}
	switch c.os().lock(f, exclusiveLock) {
	case lockTaken:
		return f.Close, true
	case lockUnsupported:
		info, err := f.Stat()
		_ = f.Close()
		return func() error { return nil }, err == nil && time.Since(info.ModTime()) > staleAge
	}
	_ = f.Close()
	return nil, false
}
