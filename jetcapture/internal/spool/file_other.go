//go:build !unix

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
)

// createFile makes a temporary file. Here an open file cannot lose its name: close removes it, or Sweep at a later
// start.
func createFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	return f, nil
}

// descriptors returns how many files this process may have open: here the process has no limit of its own.
func descriptors() int64 { return math.MaxInt64 }

func removeIfNamed(f *os.File) error {
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
