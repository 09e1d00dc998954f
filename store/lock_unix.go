//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks f until it is closed, or the process ends, without waiting.
func tryLock(f *os.File, mode lockMode) lockResult {
	flags := unix.LOCK_EX
	if mode == sharedLock {
		flags = unix.LOCK_SH
	}
	for {
		switch unix.Flock(int(f.Fd()), flags|unix.LOCK_NB) {
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
