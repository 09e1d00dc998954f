package app

import (
	"os"
	"runtime/debug"
)

// limitHeap tells the garbage collector to keep the process within limit, in bytes; otherwise garbage may double the memory in use.
// GOMEMLIMIT in the environment takes precedence. restore undoes it.
func limitHeap(limit int64) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	before := debug.SetMemoryLimit(limit)
	return func() { debug.SetMemoryLimit(before) }
}
