package store

// lockMode is whether several may have a lock at a time.
type lockMode int

const (
	exclusiveLock lockMode = iota
	sharedLock
)

// lockResult is the outcome of tryLock.
type lockResult int

const (
	lockTaken       lockResult = iota // until the file is closed
	lockHeld                          // by somebody else
	lockUnsupported                   // by the operating system or the file system
)
