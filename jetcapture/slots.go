package jetcapture

import (
	"context"
	"math/rand/v2"
	"time"
)

// slots limit how many blocks are stored at a time. A block that waits for something of its own, as for its folder to be writable or
// for another capture's claim to be settled, leaves its slot to another meanwhile. nil has no limit.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

func (s slots) take() {
	if s != nil {
		s <- struct{}{}
	}
}

func (s slots) give() {
	if s != nil {
		<-s
	}
}

type slotsKey struct{}

// hold returns a context of who has taken a slot, for yield.
func (s slots) hold(ctx context.Context) context.Context {
	return context.WithValue(ctx, slotsKey{}, s)
}

// yield calls a function that waits, while another may have the slot that ctx is of, if it is of one.
func yield(ctx context.Context, wait func() bool) bool {
	s, _ := ctx.Value(slotsKey{}).(slots)
	s.give()
	defer s.take()
	return wait()
}

const (
	retryFirst = 100 * time.Millisecond
	retryMax   = 30 * time.Second

	retryAfterMax = 5 * time.Minute // that a store may ask for
)

// backoff returns how long to wait after the given number of failures: twice as long each time up to retryMax, and of
// that a random part, so that captures whose store fails at once do not come back at once.
func backoff(failures int) time.Duration {
	d := retryMax
	if failures < 10 {
		d = min(retryMax, retryFirst<<(failures-1))
	}
	return d/2 + rand.N(d/2)
}

// sleep waits, and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
