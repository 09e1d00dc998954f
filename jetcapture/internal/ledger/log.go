package ledger

import (
	"context"
	"errors"
	"time"
)

// ErrChanged is returned by Log.Append when the subject's last entry is not the one that was named.
var ErrChanged = errors.New("the ledger has a later entry of this subject")

// ErrUnfit is returned by Log.Append for an entry that will never be taken, such as one that is too large. Nothing was
// appended.
var ErrUnfit = errors.New("the ledger cannot take the entry")

// ErrForgotten is returned by Log.Fetch for an entry that was removed.
var ErrForgotten = errors.New("the ledger has forgotten the entry")

// Log is the append-only log of entries. It has the same order for all captures. All methods may be called concurrently.
//
// The log may lose its end, as a stream does whose server dies before it has synced. An implementation that notices it calls Book.Rewind, and
// applies the log to the Book from its start again.
type Log interface {
	// Append appends an entry if the last one of its subject has the sequence after; 0 means that there is none. It returns
	// the entry's sequence, or an error that wraps ErrChanged if there is a later entry. After any other error the entry
	// may or may not be in the log.
	Append(ctx context.Context, e *Entry, after uint64) (seq uint64, err error)

	// Await returns when until returns true. It is called whenever the Book has changed.
	Await(ctx context.Context, until func() bool) error

	// Sync returns once the Book has all that was in the log when it was called.
	Sync(ctx context.Context) error

	// Suspect makes the log check whether it has lost its end, because an entry is missing. It does not wait.
	Suspect()

	// Fetch reads the entry with a sequence. The error wraps ErrForgotten if the entry was removed.
	Fetch(ctx context.Context, seq uint64) (*Entry, error)

	// Forget removes the entries about blocks up to a sequence.
	Forget(ctx context.Context, upTo uint64) error
}

// Files is the store as the ledger needs it.
type Files interface {
	// CreateTombstone creates a file with this content at the place of a claim. It must never overwrite. nil means that the
	// place has this content, now or since before. An error that wraps fs.ErrExist means that it has other content.
	CreateTombstone(ctx context.Context, place Place, content []byte) error

	// RemoveTombstone removes the file at the place if it has exactly this content. It may do nothing.
	RemoveTombstone(ctx context.Context, place Place, content []byte) error

	// Beside lists the files of blocks of this ledger in the folder of a place.
	Beside(ctx context.Context, place Place) ([]File, error)

	// Below lists the files of blocks of this ledger in folders and below them, except known ones. The folder "." is all of its root. If
	// there are too many files it may leave out some.
	Below(ctx context.Context, folders []Place, known func(block string) bool) ([]File, error)

	// Messages reads which messages a file has. The error wraps ErrUnreadable if the file does not say it.
	Messages(ctx context.Context, place Place) ([]Message, error)
}

// A File is the file of a block, as its name describes it.
type File struct {
	Place       Place
	Block       string // its id
	First, Last uint64 // sequences of the stream
}

// ErrUnreadable is returned by Files.Messages for a file from which the sequence and the time of each message cannot be read.
var ErrUnreadable = errors.New("the file does not say which messages it has")

// Clock is the local time. Only differences are relied on.
type Clock interface {
	// Now returns the time.
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
