package ledger

import "sync/atomic"

// A turn is had by one goroutine at a time. Those that wait for it do so by Log.Await, which hears when the ledger is lost.
type turn struct{ taken atomic.Bool }

// take reports whether nobody had the turn, and gives it to the caller then.
func (t *turn) take() bool { return t.taken.CompareAndSwap(false, true) }

// release ends a turn.
func (l *Ledger) release(t *turn) {
	t.taken.Store(false)
	l.book.wake()
}
