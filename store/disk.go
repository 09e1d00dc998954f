package store

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// disk has the operations of a creator on the file system. Tests replace single fields, to watch a step or to let it fail.
type disk struct {
	mkdir    func(path string) error
	openTemp func(path string) (*os.File, error)
	lock     func(f *os.File, mode lockMode) lockResult
	write    func(f *os.File, p []byte) (int, error)
	syncFile func(f *os.File) error
	link     func(from, to string) error
	rename   func(from, to string) error // never replaces a file, unlike os.Rename
	syncDir  func(f *os.File) error
	remove   func(path string) error
	readDir  func(path string) ([]os.DirEntry, error)
}

func realDisk() *disk {
	return &disk{
		mkdir:    func(path string) error { return os.Mkdir(path, 0o755) },
		openTemp: func(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644) },
		lock:     tryLock,
		write:    func(f *os.File, p []byte) (int, error) { return f.Write(p) },
		syncFile: (*os.File).Sync,
		link:     os.Link,
		rename:   renameNoReplace,
		syncDir:  syncDir,
		remove:   os.Remove,
		readDir:  os.ReadDir,
	}
}

var theDisk = realDisk()

func (c *creator) os() *disk {
	if c.disk != nil {
		return c.disk
	}
	return theDisk
}

// syncDir makes the entries of a folder durable, on file systems that support it. Windows does not, and some network
// file systems do not.
func syncDir(f *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	err := f.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err
}

// isMissing reports whether err says that a path has no file, also because one of its folders is a file.
func isMissing(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
