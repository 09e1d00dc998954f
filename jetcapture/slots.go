package jetcapture

import "context"

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
