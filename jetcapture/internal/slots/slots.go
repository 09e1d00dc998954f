// Package slots limits how many goroutines work at a time, and lets one that only waits give way to another.
package slots

import "context"

// Slots limit how many blocks are stored at a time. A block that waits for something of its own, such as a folder that is not writable
// or another capture's claim that is not settled, leaves its slot to another meanwhile. nil has no limit.
type Slots chan struct{}

// New returns n free slots.
func New(n int) Slots { return make(Slots, n) }

// Take waits for a free slot.
func (s Slots) Take() {
	if s != nil {
		s <- struct{}{}
	}
}

// Give returns a slot.
func (s Slots) Give() {
	if s != nil {
		<-s
	}
}

type key struct{}

// Hold returns the context of a goroutine that has taken a slot, for Yield.
func (s Slots) Hold(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, s)
}

// Yield calls a function that waits. If ctx is of a goroutine with a slot, others may use the slot meanwhile.
func Yield(ctx context.Context, wait func() bool) bool {
	s, _ := ctx.Value(key{}).(Slots)
	s.Give()
	defer s.Take()
	return wait()
}
