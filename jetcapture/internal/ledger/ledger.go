package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// The defaults of Options, of NewBook, and the retention that no default is below.
const (
	DefaultSettleAfter = 30 * time.Second
	DefaultRewindGrace = 5 * time.Second
	DefaultCacheBytes  = 32 << 20
	MinRetention       = time.Hour
)

const (
	retryFirst = 50 * time.Millisecond
	retryMax   = 5 * time.Second
	unseenMost = 3
	graceMost  = 30 * time.Second
	waitStep   = 200 * time.Millisecond // between two looks at a claim whose owner may be at work
)

// Options of a Ledger. Instance must be set.
type Options struct {
	Instance string // the name of this capture, which no other has

	// Retention is how long an entry is kept after the ack floor has passed it; a block that holds a message received
	// longer ago than half of that is given up. All captures of a ledger have the same: see Agree. Default MinRetention.
	Retention time.Duration

	// Asked says that a user has set Retention. It then replaces the ledger's retention; otherwise it can only raise it.
	Asked bool

	// LeastRetention is the shortest retention that this capture can work with: it raises the ledger's to that. Default: no minimum.
	LeastRetention time.Duration

	// Store is the id of the store that the files go to, as store.Identify returns it. Place names the store in errors.
	Store, Place string

	// SettleAfter is the age at which a claim is settled that has messages of another block. The owner of a younger claim may be storing it
	// now. Default DefaultSettleAfter.
	SettleAfter time.Duration

	// RewindGrace is how long nothing is stored after the log may have lost its end, so that all captures can append again what
	// they have claimed: they have to connect to the server again first, and to read the log. It is twice the time of reading, up to
	// 30 s, where that is longer: see Ledger.ReadIn. Default DefaultRewindGrace.
	RewindGrace time.Duration

	// Held says that other captures held messages when this one began, and may have claimed them.
	Held bool

	MaxEntry int   // bytes of an entry; 0 means no limit
	Clock    Clock // default: the real one
	// Pause waits while another capture is at work on one of its claims, and reports false if ctx ends. Default: Clock.Sleep.
	Pause func(ctx context.Context, d time.Duration) bool

	// Retrying is called each time the log does not take an entry, or does not say whether it did, and it will be tried again. It is
	// called with nil if the log does not say how far it goes. It may be nil.
	Retrying func(e *Entry, err error)

	Heard func(time.Time) // called with the time at which the server took a claim, before the Age of its block is looked at; may be nil
}

// ErrStale is returned by Commit for a block with a message that was received too long ago: the ledger may have forgotten other claims of
// it. Nothing was stored; its messages will be delivered again.
var ErrStale = errors.New("the block is too old for the ledger's retention")

// A Ledger is the protocol of one capture. It is safe for concurrent use, except Keep, which one goroutine calls.
type Ledger struct {
	book  *Book
	log   Log
	files Files
	o     Options
	own   ownClaims
	last  lastAgreed
	began time.Time // by the local clock
	read  readFiles

	readIn  atomic.Int64  // how long reading the log took, in ns
	retries atomic.Uint64 // of appends

	elsewhere elsewhere
	ownership ownership

	settling, sweeping round // only Keep uses them

	forgotten   uint64 // up to which entry, in a generation of the Book; only Keep uses it
	forgottenIn uint64
}

// New returns the Ledger over a log whose entries are applied to book.
func New(book *Book, log Log, files Files, options Options) *Ledger {
	options.Retention = cmp.Or(options.Retention, MinRetention)
	options.SettleAfter = cmp.Or(options.SettleAfter, DefaultSettleAfter)
	options.RewindGrace = cmp.Or(options.RewindGrace, DefaultRewindGrace)
	if options.Clock == nil {
		options.Clock = realClock{}
	}
	if options.Pause == nil {
		options.Pause = options.Clock.Sleep
	}
	return &Ledger{book: book, log: log, files: files, o: options, began: options.Clock.Now()}
}

// A Block is what a capture wants to store.
type Block struct {
	ID        string   // no other block ever has it
	Place     Place    // where its file belongs
	Tombstone []byte   // an empty file, valid for readers of the block's format
	Segments  Segments // its messages

	// Lineage is what Book.Lineage said before the connection was made over which the earliest of its messages came.
	Lineage string

	// Age returns how long ago the earliest of its messages can have been sent to this capture.
	Age func() time.Duration

	// Messages returns its messages whose sequences are in a set.
	Messages func(seqs *roaring64.Bitmap) []Message

	// Redelivered says that some of its messages were delivered before, to this capture or another.
	Redelivered bool

	// Before has the first and the last sequence of the messages that another capture may have had before they came to this capture on its
	// present connection; both are 0 without any.
	Before [2]uint64
}

// An Outcome is the result of Commit.
type Outcome struct {
	// Stored is true if the block's file is there and marked so: all its messages are to be acknowledged, if write has not done so.
	Stored bool

	// Duplicates has the sequences of those messages of a block that was not stored which are in other files. These messages are
	// to be acknowledged, and all others delivered again. It may be nil.
	Duplicates *roaring64.Bitmap
}

// errRewound says that the log was found to have lost its end since the block was claimed.
var errRewound = errors.New("the ledger has lost its end")

// Commit claims a block, makes sure that none of its messages is in another file, and stores it by write, which must
// create the file under the block's Place and never overwrite: an error that wraps fs.ErrExist says that other content is
// there. Before it tries again to create the file, write must ask confirm whether it still may, and return its error if that is
// fs.ErrExist: the messages are in other files, or the claim was taken for abandoned. After other errors it may ask again. Once
// write has created the file, the messages may be acknowledged.
//
// After an error other than ErrStale the claim is open, and the next capture that meets it settles it. Unless write has created the file, no
// message may then be acknowledged; they will be delivered again. Other errors of write come through
// as they are. After an error that wraps ErrUncertain, ErrNewer, ErrLost, ErrUnfit or ErrOtherStore, trying again does not help.
func (l *Ledger) Commit(ctx context.Context, b *Block, write func(ctx context.Context, confirm func(context.Context) error) error) (Outcome, error) {
	if l.stale(b) {
		return Outcome{}, ErrStale
	}
	c := l.own.begin(b, l.entry(b))
	defer func() { l.own.end(c, l.o.Clock.Now()) }()
	duplicates, err := l.admit(ctx, b, c)
	switch {
	case errors.Is(err, ErrStale):
		return l.abort(ctx, c, nil, true)
	case err != nil:
		return Outcome{}, err
	}
	v, _ := l.book.view(b.ID)
	if v.state == Aborted {
		return Outcome{}, nil // another capture aborted the claim, and a tombstone is there
	}
	stale := l.stale(b) // checked after the log was read
	if stale || duplicates != nil {
		return l.abort(ctx, c, duplicates, stale)
	}
	confirm := func(ctx context.Context) (err error) {
		duplicates, err = l.confirm(ctx, b, c)
		return err
	}
	switch err := write(ctx, confirm); {
	case errors.Is(err, fs.ErrExist):
		return l.abort(ctx, c, duplicates, false) // a tombstone is there
	case err != nil:
		return Outcome{}, err
	}
	state, err := l.decide(ctx, c, Stored)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("mark block %s as stored: %w", b.ID, err)
	case state != Stored:
		return Outcome{}, fmt.Errorf("block %s was stored, but another capture found no file under its name afterwards and aborted its claim: does the store overwrite, or were files removed?", b.ID)
	}
	return Outcome{Stored: true}, nil
}

// Retries returns how often the log did not take an entry, or did not say so, and it was tried again.
func (l *Ledger) Retries() uint64 { return l.retries.Load() }

func (l *Ledger) stale(b *Block) bool {
	shortest, _ := l.Retentions()
	return b.Age() > shortest/2
}

// abort gives up a block that was claimed and has no file.
func (l *Ledger) abort(ctx context.Context, c *ownClaim, duplicates *roaring64.Bitmap, stale bool) (Outcome, error) {
	state, err := l.decide(ctx, c, Aborted)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("abort block %s: %w", c.id, err)
	case state != Aborted:
		return Outcome{}, fmt.Errorf("block %s has no file of ours, but another capture found one under its name and marked it as stored", c.id)
	case stale && duplicates == nil:
		return Outcome{}, ErrStale
	}
	return Outcome{Duplicates: duplicates}, nil
}

// entry returns the entries of a block's claim.
func (l *Ledger) entry(b *Block) []*Entry {
	e := &Entry{
		Block: b.ID, State: Claimed, Instance: l.o.Instance, Lineage: b.Lineage,
		Place: b.Place, Tombstone: b.Tombstone, Segments: b.Segments, Part: 1, Parts: 1,
	}
	if l.o.MaxEntry > 0 {
		return split(e, l.o.MaxEntry)
	}
	return []*Entry{e}
}

// await is Log.Await that also returns, with errRewound, when the Book is of another generation.
func (l *Ledger) await(ctx context.Context, generation uint64, until func() bool) error {
	err := l.log.Await(ctx, func() bool { return l.book.Generation() != generation || until() })
	if err == nil && l.book.Generation() != generation {
		return errRewound
	}
	return err
}

// awaitEntry is await for what an entry of ours makes true. It also returns when the Book has another entry in its place: the log
// has lost ours before it was read.
func (l *Ledger) awaitEntry(ctx context.Context, generation, seq uint64, until func() bool) error {
	return l.await(ctx, generation, func() bool { return until() || l.book.Applied() >= seq })
}

// sync calls Log.Sync until it succeeds.
func (l *Ledger) sync(ctx context.Context) error {
	for wait := retryFirst; ; wait = min(2*wait, retryMax) {
		err := l.log.Sync(ctx)
		if err == nil || ctx.Err() != nil || errors.Is(err, ErrLost) || errors.Is(err, ErrNewer) {
			return err
		}
		if l.o.Retrying != nil {
			l.o.Retrying(nil, err)
		}
		if !l.o.Clock.Sleep(ctx, wait) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// append appends an entry, again and again until it is known whether it is in the log. A try whose answer was lost may
// have worked: then the next one meets ErrChanged, and once the Book has the later entry, which changed tells, it shows by
// mine whether that is ours. If the Book does not have it though it has all of the log, the log has lost it, or what is left is of a
// block that was forgotten: then it meets ErrChanged again, and the error wraps ErrForgotten. It returns the subject's last entry.
func (l *Ledger) append(ctx context.Context, e *Entry, after, generation uint64, changed func() bool, mine func() (uint64, bool)) (uint64, error) {
	unseen := 0
	var refused error // the last that was not only that ctx has ended
	for wait := retryFirst; ; wait = min(2*wait, retryMax) {
		seq, err := l.log.Append(ctx, e, after)
		if refused == nil || ctx.Err() == nil {
			refused = err
		}
		switch {
		case err == nil:
			return seq, nil
		case errors.Is(err, ErrChanged):
			if err := l.sync(ctx); err != nil {
				return 0, err
			}
			if l.book.Generation() != generation {
				return 0, errRewound
			}
			if !changed() {
				if unseen++; unseen == unseenMost {
					return 0, fmt.Errorf("%s: %w", e.Subject(), ErrForgotten)
				}
				break
			}
			if last, ok := mine(); ok {
				return last, nil
			}
			return 0, ErrChanged
		case errors.Is(err, ErrUnfit):
			return 0, err
		case l.book.Generation() != generation:
			return 0, errRewound
		}
		l.retries.Add(1)
		if l.o.Retrying != nil {
			l.o.Retrying(e, err)
		}
		if !l.o.Clock.Sleep(ctx, wait) {
			return 0, fmt.Errorf("%w: the last error was: %w", ctx.Err(), refused)
		}
	}
}

// mark appends a final state to a block whose last entry is its claim, unless somebody was faster, and returns the state
// that the block has then.
func (l *Ledger) mark(ctx context.Context, id string, state State, claimed, generation uint64) (State, error) {
	if v, ok := l.book.view(id); ok && v.state != Claimed && l.book.Generation() == generation {
		return v.state, nil
	}
	e := &Entry{Block: id, State: state, Instance: l.o.Instance}
	var got State // "" if the block was forgotten meanwhile, since others settled it long ago
	_, err := l.append(ctx, e, claimed, generation,
		func() bool {
			v, ok := l.book.view(id)
			got = v.state
			return !ok || v.last > claimed
		},
		func() (uint64, bool) { return 0, got == state })
	switch {
	case !errors.Is(err, ErrChanged):
		return state, err
	case got == "":
		return "", fmt.Errorf("mark it as %s: %w", state, ErrForgotten)
	}
	return got, nil
}
