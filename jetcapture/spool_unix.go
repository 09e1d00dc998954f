//go:build unix

package jetcapture

import (
	"fmt"
	"os"
)

// createSpool makes a temporary file without a name: its bytes last as long as it is open, and not a crash longer.
func createSpool(dir string) (*os.File, error) {
	if f, err := createNameless(dir); err == nil {
		return f, nil
	}
	f, err := os.CreateTemp(dir, spoolPattern)
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	_ = os.Remove(f.Name()) // a crash just before leaves it to the sweep
	return f, nil
}

func removeIfNamed(*os.File) error { return nil }
