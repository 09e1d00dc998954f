//go:build !unix

package jetcapture

import (
	"errors"
	"io/fs"
	"os"
)

// unlinkOpen does nothing where open files cannot lose their name: close removes them, or the sweep at the next start.
func unlinkOpen(*os.File) {}

func removeIfNamed(f *os.File) error {
	if err := os.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
