package spool

import (
	"os"

	"golang.org/x/sys/unix"
)

// createNameless makes a file that never has a name, if the file system supports that.
func createNameless(dir string) (*os.File, error) {
	return os.OpenFile(dir, os.O_RDWR|unix.O_TMPFILE, 0o600)
}
