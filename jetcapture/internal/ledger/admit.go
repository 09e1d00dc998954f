package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// admit claims a block and checks it against all other claims, until the check holds for the log as it is now. A block that is too old is not
// checked, because a claim that was forgotten in time cannot be told from one that was lost: the error is ErrStale.
func (l *Ledger) admit(ctx context.Context, b *Block, c *ownClaim) (duplicates *roaring64.Bitmap, err error) {
	for {
		generation := l.book.Generation()
		if err := l.claim(ctx, c); err != nil {
			return nil, fmt.Errorf("claim block %s: %w", b.ID, err)
		}
		if err := l.waitForOthers(ctx, b); err != nil {
			return nil, fmt.Errorf("claim block %s: %w", b.ID, err)
		}
		if v, ok := l.book.view(b.ID); ok && l.o.Heard != nil {
			l.o.Heard(v.at)
		}
		if l.stale(b) {
			return nil, ErrStale
		}
		duplicates, err := l.check(ctx, b, generation)
		if err == nil && duplicates == nil {
			duplicates, err = l.adopt(ctx, b, generation)
		}
		switch {
		case l.book.Generation() != generation:
		case errors.Is(err, errRewound):
			if err := l.awaitRewind(ctx, generation); err != nil {
				return nil, fmt.Errorf("check block %s against others: %w", b.ID, err)
			}
		case err != nil:
			return nil, fmt.Errorf("check block %s against others: %w", b.ID, err)
		case duplicates != nil:
			return duplicates, nil
		case l.book.inGeneration(generation, func() { c.admit(generation) }):
			return nil, nil
		}
	}
}

// doubtful returns since when the log may lack what others have claimed of a block, zero if it does not. That a message came to this
// capture first is no reason to go on: others may have been given it since, and have claimed it. But if the log is only doubtful
// because this capture begins, nobody else can have what comes for the first time.
func (l *Ledger) doubtful(b *Block) time.Time {
	doubted := l.book.doubtedAt()
	if doubted.IsZero() && b.Before[1] != 0 && (b.Redelivered || l.o.Held) {
		return l.began
	}
	return doubted
}

// awaitRewind waits a moment for the Book to be of another generation, after something showed that the log has lost its end.
func (l *Ledger) awaitRewind(ctx context.Context, generation uint64) error {
	if l.book.Generation() == generation && !l.o.Clock.Sleep(ctx, waitStep) {
		return ctx.Err()
	}
	return nil
}

// waitForOthers returns once all captures have had time to append again what the log may have lost, and the Book has it. One that has
// begun just now does not know whether the log has lost anything.
func (l *Ledger) waitForOthers(ctx context.Context, b *Block) error {
	for since := l.doubtful(b); !since.IsZero(); {
		if left := l.grace() - l.o.Clock.Now().Sub(since); left > 0 {
			if !l.o.Clock.Sleep(ctx, min(left, waitStep)) {
				return ctx.Err()
			}
			since = l.doubtful(b)
			continue
		}
		if err := l.sync(ctx); err != nil {
			return err
		}
		before := since
		if since = l.doubtful(b); since.Equal(before) {
			return nil
		}
	}
	return nil
}

// ReadIn tells the Ledger how long reading the log took. After the log has lost its end, other captures take as long before they append the
// lost entries again.
func (l *Ledger) ReadIn(duration time.Duration) { l.readIn.Store(int64(duration)) }

// grace returns how long other captures need to append lost entries again.
func (l *Ledger) grace() time.Duration {
	return max(l.o.RewindGrace, min(2*time.Duration(l.readIn.Load()), graceMost))
}

// confirm returns nil if a block whose write has failed may be written once more. Time has passed, and the failed write may still arrive. If
// the machine was paused, another capture may have settled the claim. If the log has lost its end, other captures may have claimed the
// messages without knowing of this claim, so it is checked as if it were new. If the block must not be written, there is a tombstone now, and
// duplicates has the messages that are in other files.
func (l *Ledger) confirm(ctx context.Context, b *Block, c *ownClaim) (duplicates *roaring64.Bitmap, err error) {
	if err := l.log.Sync(ctx); err != nil {
		return nil, err
	}
	taken := fmt.Errorf("%w: its claim was taken for abandoned", fs.ErrExist)
	for {
		if generation := l.book.Generation(); c.admittedIn() == generation {
			v, ok := l.book.view(b.ID)
			switch {
			case l.book.Generation() != generation:
				continue
			case !ok || v.state == Aborted:
				return nil, taken
			}
			return nil, nil
		}
		duplicates, err = l.admit(ctx, b, c)
		switch {
		case errors.Is(err, ErrStale):
		case err != nil:
			return nil, err
		case duplicates == nil:
			continue
		}
		switch state, err := l.settleOwn(ctx, c); {
		case err != nil:
			return nil, err
		case state == Stored:
			return nil, nil // its file is there: writing it once more says so
		}
		return duplicates, taken
	}
}
