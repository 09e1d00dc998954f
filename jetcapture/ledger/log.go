package ledger

import (
	"context"
	"errors"
	"time"
)

// ErrChanged is returned by Log.Append when the block has another last entry than was said.
var ErrChanged = errors.New("the ledger has a later entry of this block")

// ErrUnfit is returned by Log.Append for an entry that will never be taken, such as one that is too large. Nothing was
// appended.
var ErrUnfit = errors.New("the ledger cannot take the entry")

// ErrForgotten is returned by Log.Fetch for an entry that was removed.
var ErrForgotten = errors.New("the ledger has forgotten the entry")

// Log is the append-only log of entries, in one order for all who use it. All methods may be called concurrently.
type Log interface {
	// Append appends an entry if the last one of its block has the sequence after; 0 means that there is none. It returns
	// the entry's sequence, or an error that wraps ErrChanged if there is a later entry. After any other error the entry
	// may be in the log or not.
	Append(ctx context.Context, e *Entry, after uint64) (seq uint64, err error)

	// Await returns when until is true, which is asked whenever entries were applied to the Book. It sees to it that the
	// Book learns all that was appended before.
	Await(ctx context.Context, until func() bool) error

	// Fetch reads the entry with a sequence. The error wraps ErrForgotten if it is not there any more.
	Fetch(ctx context.Context, seq uint64) (*Entry, error)

	// Forget removes the entries up to a sequence.
	Forget(ctx context.Context, upTo uint64) error
}

// Files is the store as the ledger needs it.
type Files interface {
	// CreateTombstone creates the file of a claim that is to be settled, with nothing but content in it. It must never
	// overwrite. nil means that this content is there, now or since before; an error that wraps fs.ErrExist that other
	// content is.
	CreateTombstone(ctx context.Context, place Place, content []byte) error

	// RemoveTombstone removes the tombstone with that content, if it is there. It may do nothing.
	RemoveTombstone(ctx context.Context, place Place, content []byte) error
}

// Clock is the local time. Only differences are relied on.
type Clock interface {
	Now() time.Time

	// Sleep waits, and reports false if ctx ended first.
	Sleep(ctx context.Context, d time.Duration) bool
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
