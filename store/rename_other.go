//go:build !linux

package store

import (
	"errors"
	"os"
)

// renameNoReplace returns an error: the system has no rename that never replaces a file.
func renameNoReplace(from, to string) error {
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: errors.ErrUnsupported}
}
