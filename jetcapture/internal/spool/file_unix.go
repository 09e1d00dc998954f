//go:build unix

package spool

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// createFile makes a temporary file without a name: its bytes are gone when it is closed, or the process ends.
func createFile(dir string) (*os.File, error) {
	if f, err := createNameless(dir); err == nil {
		return f, nil
	}
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, fmt.Errorf("create temporary file: %w", err)
	}
	_ = os.Remove(f.Name()) // a crash before this line leaves it to Sweep
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
