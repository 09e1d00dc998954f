// Package retry says how long to wait before something that failed is tried again.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	first = 100 * time.Millisecond
	most  = 30 * time.Second

	// MostAsked is the longest wait that a store may ask for.
	MostAsked = 5 * time.Minute
)

// Backoff returns how long to wait after the given number of failures, at least 1: twice as long each time, up to 30 seconds. Up to half
// of it is random, so that captures that failed at the same time do not try again at the same time.
func Backoff(failures int) time.Duration {
	d := most
	if failures < 10 {
		d = min(most, first<<(failures-1))
	}
	return d/2 + rand.N(d/2)
}

// Sleep waits, and reports false if ctx ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
