package spool

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	pattern = "jetcapture-*.spool" // of the names of temporary files

	// Connections, the files of stores and the rest of the process may need so many descriptors. Spools get half of the others.
	spareDescriptors = 32
)

// A Folder is where spools have their temporary files. It opens only so many that storing has descriptors left.
type Folder struct {
	dir  string
	most int64 // files
	open atomic.Int64
	log  *zap.Logger
}

// NewFolder returns the folder dir. It logs when a spool does not get a file.
func NewFolder(dir string, log *zap.Logger) *Folder {
	return &Folder{dir: dir, most: max(0, (descriptors()-spareDescriptors)/2), log: log}
}

// create makes a temporary file, or fails with errFull.
func (f *Folder) create() (*os.File, error) {
	if f.open.Add(1) > f.most {
		f.open.Add(-1)
		f.log.Warn("temporary files: the process has as many as its limit of open files allows: other open blocks stay in memory and are sealed early; raise the limit (ulimit -n)",
			zap.Int64("files", f.most))
		return nil, errFull
	}
	file, err := createFile(f.dir)
	if err != nil {
		f.open.Add(-1)
	}
	return file, err
}

func (f *Folder) close(file *os.File) {
	_ = file.Close()
	_ = removeIfNamed(file)
	f.open.Add(-1)
}

// errFull means that there are as many temporary files as there may be.
var errFull = errors.New("too many temporary files")

// staleAge is the age at which no block that is still open can have a file, where files have names.
const staleAge = 7 * 24 * time.Hour

// Sweep removes the files that a crash left in dir, on systems where temporary files have names.
func Sweep(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, pattern))
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > staleAge {
			_ = os.Remove(name)
		}
	}
}
