//go:build unix

package jetcapture

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
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

// descriptors returns how many files this process may have open.
func descriptors() int64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(limit.Cur)
}

func removeIfNamed(*os.File) error { return nil }
