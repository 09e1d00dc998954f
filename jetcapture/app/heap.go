package app

import (
	"os"
	"runtime/debug"
)

// limitHeap lets the garbage collector run as often as it takes to keep the process within limit, in bytes, where it would
// else let garbage double what is in use. What the environment says by GOMEMLIMIT goes before. restore undoes it.
func limitHeap(limit int64) (restore func()) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	before := debug.SetMemoryLimit(limit)
	return func() { debug.SetMemoryLimit(before) }
}
