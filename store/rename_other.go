//go:build !linux

package store

import (
	"errors"
	"os"
)

// renameNoReplace says that the system has no rename that leaves alone what is there.
func renameNoReplace(from, to string) error {
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: errors.ErrUnsupported}
}
