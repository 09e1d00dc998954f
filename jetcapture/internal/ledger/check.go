package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// check looks at all earlier claims that share a message with the block, until each of them is stored or aborted. It
// returns the messages that are in other files, or nil.
func (l *Ledger) check(ctx context.Context, b *Block, generation uint64) (*roaring64.Bitmap, error) {
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
			if err := l.settle(ctx, rival, generation); err != nil {
				return nil, err
			}
			pending = nil // look again at once
			break
		}
		if pending != nil && !l.o.Pause(ctx, waitStep) {
			return nil, ctx.Err()
		}
		if l.book.Generation() != generation {
			return nil, errRewound
		}
	}
}

// overlaps returns the earlier claims that share a message with the block and are not settled, and the messages it shares
// with those that are stored.
func (l *Ledger) overlaps(ctx context.Context, b *Block) (pending []view, duplicates *roaring64.Bitmap, err error) {
	rivals, contested := l.book.rivals(b.ID)
	if len(rivals) == 0 {
		return nil, nil, nil
	}
	messages := b.Messages(contested)
	for _, r := range rivals {
		shared, err := l.shared(ctx, r, messages)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case shared == nil:
		case r.state == Claimed:
			pending = append(pending, r)
		case duplicates == nil:
			duplicates = shared
		default:
			duplicates.Or(shared)
		}
	}
	return pending, duplicates, nil
}

// shared returns the sequences of those messages that a claim holds, nil if there are none.
func (l *Ledger) shared(ctx context.Context, c view, messages []Message) (shared *roaring64.Bitmap, err error) {
	segments, err := l.segments(ctx, c.id)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		held, err := l.holds(ctx, c, segments.match(m), m)
		if err != nil {
			return nil, err
		}
		if !held {
			continue
		}
		if shared == nil {
			shared = roaring64.New()
		}
		shared.Add(m.Seq)
	}
	return shared, nil
}

// holds reports whether a claim whose segments match a message so holds it, or may hold it as long as it is open. Where the times of a
// claim do not tell, its file does. The error is errRewound.
func (l *Ledger) holds(ctx context.Context, c view, match match, m Message) (bool, error) {
	switch {
	case match == other:
		return false, nil
	case c.state == Claimed, match == exact, !l.book.parted(c.lineage):
		return true, nil
	}
	messages, err := l.messagesOf(ctx, c)
	switch {
	case errors.Is(err, ErrForgotten):
		return false, nil
	case errors.Is(err, errRewound):
		return false, err
	case err != nil:
		return !l.book.unclear(c.lineage, m), nil //nolint:nilerr // then it may be stored twice, but is not lost
	}
	_, found := slices.BinarySearchFunc(messages, m, compareMessages)
	return found, nil
}

// messagesOf reads the messages of a claim's file, in order.
func (l *Ledger) messagesOf(ctx context.Context, c view) ([]Message, error) {
	if messages, ok := l.read.get(c.id); ok {
		return messages, nil
	}
	e, err := l.fetch(ctx, c.place, c.id)
	if err != nil {
		return nil, err
	}
	messages, err := l.files.Messages(ctx, e.Place)
	if err != nil {
		return nil, err
	}
	messages = sortedUnique(messages)
	l.read.put(readFile{c.id, messages})
	return messages, nil
}

// settle marks a claim as stored or aborted, by what the store has at its place.
func (l *Ledger) settle(ctx context.Context, c view, generation uint64) error {
	e, err := l.fetch(ctx, c.place, c.id)
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
	if _, err := l.mark(ctx, c.id, state, c.last, generation); err != nil {
		return fmt.Errorf("settle block %s: %w", c.id, err)
	}
	return l.sync(ctx)
}

// fetch reads an entry of a block. If it is of another block now the log has lost its end.
func (l *Ledger) fetch(ctx context.Context, seq uint64, id string) (*Entry, error) {
	e, err := l.log.Fetch(ctx, seq)
	if err != nil {
		return nil, err
	}
	if e.Block != id {
		l.log.Suspect()
		return nil, fmt.Errorf("%w: entry %d is of block %q instead of %q", errRewound, seq, e.Block, id)
	}
	return e, nil
}

// segments returns those of a claim, nil if it was forgotten meanwhile.
func (l *Ledger) segments(ctx context.Context, id string) (Segments, error) {
	segments, seqs := l.book.segmentsOf(id)
	if segments != nil || len(seqs) == 0 {
		return segments, nil
	}
	for _, seq := range seqs {
		e, err := l.fetch(ctx, seq, id)
		if err != nil {
			return nil, fmt.Errorf("read the claim of block %s: %w", id, err)
		}
		segments = append(segments, e.Segments...)
	}
	l.book.cache(id, segments)
	return segments, nil
}
