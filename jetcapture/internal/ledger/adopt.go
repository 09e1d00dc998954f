package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// ErrUncertain is returned by Commit if a file that the ledger does not know may hold messages of the block, and does not say
// which messages it has.
var ErrUncertain = errors.New("the ledger has lost the claim of a file")

// adopt looks for files whose claims the log has lost: a server that has lost the end of the log, and acks with it, delivers messages again that
// are in files. A capture that was running appends its own claims again. The claims of captures that have ended are found by their files. Such
// files have only messages that another capture may have had, or any message if the log may have lost its end while this capture was running.
// They are in the folder of the block, or in one of a capture with other flags.
//
// adopt claims the files that it finds, so that all captures know them, and returns the messages of the block that are in them, or nil.
func (l *Ledger) adopt(ctx context.Context, b *Block, generation uint64) (*roaring64.Bitmap, error) {
	before := b.Before
	if set := b.Segments.Set(); !set.IsEmpty() && !l.book.doubtedAt().IsZero() {
		before = [2]uint64{set.Minimum(), set.Maximum()}
	}
	if before[1] == 0 {
		return nil, nil
	}
	files, err := l.files.Beside(ctx, b.Place)
	if err != nil {
		return nil, fmt.Errorf("look for files that the ledger does not know: %w", err)
	}
	others, err := l.lookElsewhere(ctx, b)
	if err != nil {
		return nil, err
	}
	unknown := func(f File) bool {
		_, known := l.book.view(f.Block)
		return !known && f.Last >= before[0] && f.First <= before[1]
	}
	files = slices.DeleteFunc(slices.Concat(files, others), func(f File) bool { return !unknown(f) })
	if len(files) > 0 {
		if err := l.sync(ctx); err != nil { // others may have claimed and stored them since the Book was read
			return nil, err
		}
	}
	held := roaring64.New()
	for _, f := range files {
		if f.Block == b.ID || !unknown(f) {
			continue
		}
		messages, err := l.adoptFile(ctx, f, before)
		if err != nil {
			return nil, err
		}
		for _, m := range b.Messages(sequences(messages)) {
			if _, found := slices.BinarySearchFunc(messages, m, compareMessages); found {
				held.Add(m.Seq)
			}
		}
	}
	if l.book.Generation() != generation {
		return nil, errRewound
	}
	if !held.IsEmpty() {
		return held, nil
	}
	return l.check(ctx, b, generation) // another capture may have adopted a file since the block was checked
}

// adoptFile claims a file for the capture that stored it, and returns its messages in order. If all that the log has of the block is
// that it is stored, since its claim was forgotten long ago, it stays at that.
func (l *Ledger) adoptFile(ctx context.Context, f File, before [2]uint64) ([]Message, error) {
	messages, err := l.files.Messages(ctx, f.Place)
	if errors.Is(err, ErrUnreadable) {
		return nil, fmt.Errorf("%w: %s has sequences %d to %d, messages %d to %d are delivered again, and the file does not say whether it has them: %w. "+
			"Either the ledger's server lost what it had not synced, or the consumer was reset to before what the ledger remembers: "+
			"check whether the file has these messages; if so move the consumer past them, if not move the file away",
			ErrUncertain, f.Place.Name, f.First, f.Last, before[0], before[1], err)
	}
	if err != nil {
		return nil, fmt.Errorf("read which messages %s has: %w", f.Place.Name, err)
	}
	if messages = sortedUnique(messages); len(messages) == 0 {
		return nil, nil // a tombstone
	}
	segments := NewSegments(func(yield func(Message, bool) bool) {
		for _, m := range messages {
			if !yield(m, false) {
				return
			}
		}
	})
	parts := l.entry(&Block{ID: f.Block, Place: f.Place, Segments: segments})
	for _, part := range parts {
		part.Again = true // it was there before all that the log has
	}
	c := l.own.begin(&Block{ID: f.Block, Segments: segments}, parts)
	defer func() { l.own.end(c, l.o.Clock.Now()) }()
	if _, err := l.decide(ctx, c, Stored); err != nil && !errors.Is(err, ErrForgotten) {
		return nil, fmt.Errorf("claim %s, which the ledger does not know: %w", f.Place.Name, err)
	}
	return messages, nil
}

// sortedUnique puts the messages of a file's rows in order. One message may have made several rows.
func sortedUnique(messages []Message) []Message {
	slices.SortFunc(messages, compareMessages)
	return slices.Compact(messages)
}

func compareMessages(a, b Message) int {
	return cmp.Or(cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Time, b.Time))
}

func sequences(messages []Message) *roaring64.Bitmap {
	set := roaring64.New()
	for _, m := range messages {
		set.Add(m.Seq)
	}
	return set
}
