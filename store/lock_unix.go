//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks f until it is closed, or the process ends, without waiting.
func tryLock(f *os.File, mode lockMode) lockResult {
	how := unix.LOCK_EX
	if mode == sharedLock {
		how = unix.LOCK_SH
	}
	for {
		switch unix.Flock(int(f.Fd()), how|unix.LOCK_NB) {
		case nil:
			return lockTaken
		case unix.EWOULDBLOCK:
			return lockHeld
		case unix.EINTR:
		default:
			return lockUnsupported
		}
	}
}
