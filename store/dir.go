package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jetcapture/lake/store/internal/body"
)

// Dir is a Bucket over a folder of a local file system: an object is a file, named by its path below the root.
//
// Create writes a temporary file in the folder .jetcapture-tmp under the root, which no reader's **/*.parquet matches,
// syncs it, hard-links it to its final name, which fails if the name is taken, and syncs the final folder and the
// parents of new folders. So whenever a process crashes, a file is there whole or not at all. The next process that uses the Dir
// removes the temporary files of crashed ones. Any number of Dirs in any number of
// processes may share a root.
//
// Files get mode 0644 and folders 0755, less the umask. Attributes are ignored. No element of a name may start with
// .jetcapture-tmp, and a folder cannot have the name of an object. Symbolic links in the root are followed, since whoever
// can create one there could also change the files. Only List does not enter folders through them.
type Dir struct {
	root  string   // absolute, or empty if none was given
	files *creator // may be shared
}

// NewDir returns the Bucket over root, which the first Create makes if needed. A relative root is relative to the
// working folder at the time of this call.
func NewDir(root string) *Dir {
	if root == "" {
		return &Dir{}
	}
	if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	return &Dir{root: root, files: &creator{tempDir: filepath.Join(root, tempName)}}
}

// Create implements Bucket. Its errors wrap those of the operating system, such as syscall.ENOSPC, which is not Permanent.
func (d *Dir) Create(ctx context.Context, name string, content io.ReadSeeker, _ map[string]string) (Object, error) {
	path, err := d.path(name)
	if err != nil {
		return Object{}, fmt.Errorf("create object: %w", err)
	}
	info, err := d.files.create(ctx, d.root, path, content)
	if err != nil {
		return Object{}, fmt.Errorf("create %s: %w", path, err)
	}
	return describe(name, path, info), nil
}

// Open implements Bucket. The reader is also an io.ReaderAt and an io.Seeker.
func (d *Dir) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	path, info, err := d.find(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open object: %w", err)
	}
	if err := Permanent(body.CheckRange(offset, length)); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &fileSection{body.Section(f, info.Size(), offset, length), f}, nil
}

type fileSection struct {
	*io.SectionReader
	io.Closer
}

// Stat implements Bucket.
func (d *Dir) Stat(ctx context.Context, name string) (Object, error) {
	path, info, err := d.find(ctx, name)
	if err != nil {
		return Object{}, fmt.Errorf("stat object: %w", err)
	}
	return describe(name, path, info), nil
}

// Remove implements Bucket. Folders that become empty stay.
func (d *Dir) Remove(ctx context.Context, name string) error {
	path, _, err := d.find(ctx, name)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil {
		err = d.files.syncPath(filepath.Dir(path)) // so that a power cut does not bring it back
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove object: %w", err)
	}
	return nil
}

// find returns the path and the description of the file of an object.
func (d *Dir) find(ctx context.Context, name string) (string, fs.FileInfo, error) {
	path, err := d.path(name)
	if err != nil {
		return "", nil, err
	}
	if err := ctx.Err(); err != nil {
		return "", nil, err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, syscall.ENOTDIR): // an object has the name of a folder, so nothing is below it
		if err := d.checkRoot(); err != nil {
			return "", nil, err
		}
		return "", nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	case err != nil:
		return "", nil, err
	case !info.Mode().IsRegular():
		return "", nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
	}
	return path, info, nil
}

func (d *Dir) path(name string) (string, error) {
	if d.root == "" {
		return "", errNoRoot
	}
	return localPath(d.root, name)
}

// checkRoot returns an error if the root exists and is not a folder.
func (d *Dir) checkRoot() error {
	if d.root == "" {
		return errNoRoot
	}
	info, err := os.Stat(d.root)
	if err == nil && !info.IsDir() {
		return Permanent(&fs.PathError{Op: "open folder", Path: d.root, Err: syscall.ENOTDIR})
	}
	return nil
}

var errNoRoot = Permanent(errors.New(`the path of the root folder is empty; for the working folder write "."`))

// localPath returns the path of name below root. It refuses names that the operating system or this package reserves.
func localPath(root, name string) (string, error) {
	if err := ValidName(name); err != nil {
		return "", err
	}
	if hasTempName(name) {
		return "", Permanent(fmt.Errorf("name %s has an element that starts with %s, which is reserved for temporary files", quote(name), tempName))
	}
	local, err := filepath.Localize(name)
	if err != nil {
		return "", Permanent(fmt.Errorf("name %s: %w", quote(name), err))
	}
	return filepath.Join(root, local), nil
}

func hasTempName(name string) bool {
	return strings.HasPrefix(name, tempName) || strings.Contains(name, "/"+tempName)
}

func describe(name, path string, info fs.FileInfo) Object {
	return Object{Name: name, Location: path, Size: info.Size(), Modified: info.ModTime()}
}
