package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// The defaults of Options.
const (
	DefaultSettleAfter = 30 * time.Second
	DefaultCacheBytes  = 32 << 20
	MinRetention       = time.Hour
)

const (
	retryFirst = 50 * time.Millisecond
	retryMax   = 5 * time.Second
	waitStep   = 200 * time.Millisecond // between two looks at a claim whose owner may be at work
)

// Options of a Ledger. Instance and Created must be set.
type Options struct {
	Instance string    // of this capture: unique
	Created  time.Time // of the stream whose messages are claimed

	// Retention is how long an entry is kept after the ack floor has passed it; a block that holds a message received
	// longer ago than half of that is given up. Default MinRetention.
	Retention time.Duration

	// SettleAfter is the age at which a claim that is in the way is settled. A younger one may have an owner who is
	// storing it now. Default DefaultSettleAfter.
	SettleAfter time.Duration

	MaxEntry int   // bytes of an entry; 0 means no limit
	Clock    Clock // default: the real one
}

// ErrStale is returned by Commit for a block that holds a message received too long ago: the ledger may have forgotten who
// else had it. Nothing was stored; its messages will be delivered again.
var ErrStale = errors.New("the block is too old for the ledger's retention")

// A Ledger is the protocol of one capture. It is safe for concurrent use, but for Keep, which one goroutine calls.
type Ledger struct {
	book  *Book
	log   Log
	files Files
	o     Options

	forgotten uint64 // up to which entry; only Keep uses it
}

// New returns the Ledger over a log whose entries are applied to book.
func New(book *Book, log Log, files Files, options Options) *Ledger {
	options.Retention = cmp.Or(options.Retention, MinRetention)
	options.SettleAfter = cmp.Or(options.SettleAfter, DefaultSettleAfter)
	if options.Clock == nil {
		options.Clock = realClock{}
	}
	return &Ledger{book: book, log: log, files: files, o: options}
}

// A Block is what a capture wants to store.
type Block struct {
	ID        string // unique for ever
	Place     Place
	Tombstone []byte            // an empty file, valid for readers of the block's format
	Set       *roaring64.Bitmap // the stream sequences of its messages
	Oldest    time.Time         // the earliest time that any of its messages can have been sent to this capture
}

// An Outcome says what Commit came to.
type Outcome struct {
	// Stored is true if the block's file is there and marked so: all its messages are to be acknowledged.
	Stored bool

	// Duplicates are the messages of a block that was not stored that sit in other files: these are to be acknowledged,
	// and the others delivered again. It may be nil.
	Duplicates *roaring64.Bitmap
}

// Commit claims a block, makes sure that none of its messages is in another file, and stores it by write, which must
// create the file under the block's Place and never overwrite: an error that wraps fs.ErrExist says that other content is
// there.
//
// An error other than ErrStale leaves open what becomes of the block: whoever meets its claim next will settle it. No
// message may then be acknowledged; they will be delivered again. Errors of write that are none of the store's answers
// come through as they are.
func (l *Ledger) Commit(ctx context.Context, b *Block, write func(context.Context) error) (Outcome, error) {
	if l.stale(b) {
		return Outcome{}, ErrStale
	}
	mine, err := l.claim(ctx, b)
	if err != nil {
		return Outcome{}, fmt.Errorf("claim block %s: %w", b.ID, err)
	}
	duplicates, err := l.check(ctx, b)
	if err != nil {
		return Outcome{}, fmt.Errorf("check block %s against earlier claims: %w", b.ID, err)
	}
	if v, _ := l.book.view(b.ID); v.state == Aborted {
		return Outcome{}, nil // somebody held us for dead, and a tombstone is there
	}
	stale := l.stale(b) // looked at after the log was read: what matters was in it until now
	if stale || duplicates != nil {
		return l.abort(ctx, b, mine, duplicates, stale)
	}
	switch err := write(ctx); {
	case errors.Is(err, fs.ErrExist):
		return l.abort(ctx, b, mine, nil, false) // a tombstone is there
	case err != nil:
		return Outcome{}, err
	}
	state, err := l.mark(ctx, b.ID, Stored, mine)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("mark block %s as stored: %w", b.ID, err)
	case state != Stored:
		return Outcome{}, fmt.Errorf("block %s was stored, but somebody found its name free afterwards and aborted its claim: does the store overwrite, or were files removed?", b.ID)
	}
	return Outcome{Stored: true}, nil
}

// Aborted reports whether somebody has aborted the claim of a block, so that storing it is in vain. If they found its file,
// whose answer was lost, storing it once more says so.
func (l *Ledger) Aborted(id string) bool {
	v, ok := l.book.view(id)
	return !ok || v.state == Aborted
}

func (l *Ledger) stale(b *Block) bool {
	return l.o.Clock.Now().Sub(b.Oldest) > l.o.Retention/2
}

// abort gives up a block that was claimed and has no file.
func (l *Ledger) abort(ctx context.Context, b *Block, mine uint64, duplicates *roaring64.Bitmap, stale bool) (Outcome, error) {
	state, err := l.mark(ctx, b.ID, Aborted, mine)
	switch {
	case err != nil:
		return Outcome{}, fmt.Errorf("abort block %s: %w", b.ID, err)
	case state != Aborted:
		return Outcome{}, fmt.Errorf("block %s has no file of ours, but somebody found one under its name and marked it as stored", b.ID)
	case stale && duplicates == nil:
		return Outcome{}, ErrStale
	}
	return Outcome{Duplicates: duplicates}, nil
}

// claim appends the claim, in as many parts as it takes, and waits until the Book has all that stands before it. It
// returns the sequence of its last part.
func (l *Ledger) claim(ctx context.Context, b *Block) (uint64, error) {
	e := &Entry{
		Block: b.ID, State: Claimed, Instance: l.o.Instance, Created: l.o.Created,
		Place: b.Place, Tombstone: b.Tombstone, Set: b.Set, Part: 1, Parts: 1,
	}
	parts := []*Entry{e}
	if l.o.MaxEntry > 0 {
		parts = split(e, l.o.MaxEntry)
	}
	var last uint64
	for i, part := range parts {
		seq, err := l.append(ctx, part, last, func(v view, ok bool) bool { return ok && v.last > last }, func(v view) bool { return v.parts > i })
		if err != nil {
			return 0, err
		}
		last = seq
	}
	return last, l.log.Await(ctx, func() bool {
		v, ok := l.book.view(b.ID)
		return ok && v.complete
	})
}

// append appends an entry, again and again until it is known whether it is in the log. A try whose answer was lost may
// have worked: then the next one meets ErrChanged, and once the Book has the later entry, which changed tells, it shows by
// mine whether that is ours. It returns the block's last entry.
func (l *Ledger) append(ctx context.Context, e *Entry, after uint64, changed func(view, bool) bool, mine func(view) bool) (uint64, error) {
	for wait := retryFirst; ; wait = min(2*wait, retryMax) {
		seq, err := l.log.Append(ctx, e, after)
		if err == nil {
			return seq, nil
		}
		if errors.Is(err, ErrChanged) {
			var v view
			err := l.log.Await(ctx, func() bool {
				var ok bool
				v, ok = l.book.view(e.Block)
				return changed(v, ok)
			})
			if err != nil {
				return 0, err
			}
			if mine(v) {
				return v.last, nil
			}
			return 0, ErrChanged
		}
		if errors.Is(err, ErrUnfit) {
			return 0, err
		}
		if !l.o.Clock.Sleep(ctx, wait) {
			return 0, errors.Join(ctx.Err(), err)
		}
	}
}

// mark appends a final state to a block whose last entry is its claim, unless somebody was faster, and returns the state
// that the block has then.
func (l *Ledger) mark(ctx context.Context, id string, state State, claimed uint64) (State, error) {
	e := &Entry{Block: id, State: state, Instance: l.o.Instance, Created: l.o.Created}
	var got State // "" if the block was forgotten meanwhile, since others settled it long ago
	_, err := l.append(ctx, e, claimed, func(v view, ok bool) bool { got = v.state; return !ok || v.last > claimed },
		func(v view) bool { return v.state == state })
	switch {
	case !errors.Is(err, ErrChanged):
		return state, err
	case got == "":
		return "", fmt.Errorf("mark it as %s: %w", state, ErrForgotten)
	}
	return got, nil
}

// check looks at all earlier claims that share a message with the block, until each of them is stored or aborted. It
// returns the messages that are in other files, or nil.
func (l *Ledger) check(ctx context.Context, b *Block) (*roaring64.Bitmap, error) {
	start := l.o.Clock.Now()
	for {
		mine, _ := l.book.view(b.ID)
		if mine.state == Aborted {
			return nil, nil
		}
		pending, duplicates, err := l.overlaps(ctx, b)
		if err != nil || len(pending) == 0 {
			return duplicates, err
		}
		for _, rival := range pending {
			// Its age is by the clock of the server that took both, and then by ours.
			if max(0, mine.at.Sub(rival.at))+l.o.Clock.Now().Sub(start) < l.o.SettleAfter {
				continue
			}
			if err := l.settle(ctx, rival); err != nil {
				return nil, err
			}
			pending = nil // look again at once
			break
		}
		if pending != nil && !l.o.Clock.Sleep(ctx, waitStep) {
			return nil, ctx.Err()
		}
	}
}

// overlaps returns the earlier claims that share a message with the block and are not settled, and the messages it shares
// with those that are stored.
func (l *Ledger) overlaps(ctx context.Context, b *Block) (pending []view, duplicates *roaring64.Bitmap, err error) {
	rivals, contested := l.book.rivals(b.ID)
	for _, r := range rivals {
		set, err := l.set(ctx, r.id)
		if err != nil {
			return nil, nil, err
		}
		if set == nil || !set.Intersects(contested) {
			continue
		}
		if r.state == Claimed {
			pending = append(pending, r)
			continue
		}
		if duplicates == nil {
			duplicates = roaring64.New()
		}
		duplicates.Or(roaring64.And(set, contested))
	}
	return pending, duplicates, nil
}

// settle finds out by the store what has become of a claim, and marks it.
func (l *Ledger) settle(ctx context.Context, c view) error {
	e, err := l.log.Fetch(ctx, c.place)
	if err != nil {
		return fmt.Errorf("settle block %s: %w", c.id, err)
	}
	state := Aborted
	switch err := l.files.CreateTombstone(ctx, e.Place, e.Tombstone); {
	case errors.Is(err, fs.ErrExist):
		state = Stored
	case err != nil:
		return fmt.Errorf("settle block %s: %w", c.id, err)
	}
	if _, err := l.mark(ctx, c.id, state, c.last); err != nil {
		return fmt.Errorf("settle block %s: %w", c.id, err)
	}
	return l.log.Await(ctx, func() bool {
		v, ok := l.book.view(c.id)
		return !ok || v.state != Claimed
	})
}

// set returns the sequences of a claim, nil if it was forgotten meanwhile.
func (l *Ledger) set(ctx context.Context, id string) (*roaring64.Bitmap, error) {
	set, seqs := l.book.set(id)
	if set != nil || len(seqs) == 0 {
		return set, nil
	}
	set = roaring64.New()
	for _, seq := range seqs {
		e, err := l.log.Fetch(ctx, seq)
		if err != nil {
			return nil, fmt.Errorf("read the claim of block %s: %w", id, err)
		}
		if e.Set != nil {
			set.Or(e.Set)
		}
	}
	l.book.cache(id, set)
	return set, nil
}
