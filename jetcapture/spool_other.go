//go:build !unix

package jetcapture

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
)

// createSpool makes a temporary file. Here open files cannot lose their name: close removes it, or the sweep at a later
// start.
func createSpool(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, spoolPattern)
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	return f, nil
}

// descriptors returns how many files this process may have open: here there is no limit of its own.
func descriptors() int64 { return math.MaxInt64 }

func removeIfNamed(f *os.File) error {
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
