//go:build unix && !linux

package jetcapture

import (
	"errors"
	"os"
)

func createNameless(string) (*os.File, error) { return nil, errors.ErrUnsupported }
