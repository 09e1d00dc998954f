package app

import (
	"runtime/debug"
	"testing"
)

func TestTheGarbageCollectorKeepsToTheMemoryLimit(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	for _, c := range []struct {
		environment string
		want        int64
	}{{"", 64 << 20}, {"1GiB", before}} {
		t.Setenv("GOMEMLIMIT", c.environment)
		restore := limitHeap(64 << 20)
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("with GOMEMLIMIT=%q the limit is %d, want %d", c.environment, got, c.want)
		}
		restore()
		if got := debug.SetMemoryLimit(-1); got != before {
			t.Errorf("the limit is %d afterwards, and was %d", got, before)
		}
	}
}
