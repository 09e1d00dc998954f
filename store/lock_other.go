//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package store

import "os"

// tryLock says that there are no locks.
func tryLock(*os.File, lockMode) lockResult { return lockUnsupported }
