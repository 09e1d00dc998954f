package ledger

import (
	"context"
	"errors"
	"fmt"
)

// Keep does what is to be done from time to time, every few seconds. It settles claims that have been open for long: for
// Options.SettleAfter if Look met them, for Options.Retention in any case. It forgets what nobody can need any more, and
// removes the tombstones of that. floor is the stream sequence up to which all of the consumer's messages are
// acknowledged.
//
// Its errors are of single steps, which the next call tries again.
func (l *Ledger) Keep(ctx context.Context, floor uint64) error {
	var errs []error
	now := l.o.Clock.Now()
	for _, c := range l.book.overdue(now, l.o.SettleAfter, l.o.Retention) {
		if err := l.settle(ctx, c); err != nil {
			errs = append(errs, err)
			break // the store or the log is not there: the others would fare alike
		}
	}
	for _, c := range l.book.forgettable(floor, l.o.Retention, now) {
		if c.state == Aborted {
			if err := l.sweep(ctx, c); err != nil {
				return errors.Join(append(errs, err)...)
			}
		}
		l.book.forget(c.id)
	}
	if upTo := l.book.prefix(); upTo > l.forgotten {
		if err := l.log.Forget(ctx, upTo); err != nil {
			return errors.Join(append(errs, fmt.Errorf("forget entries of the ledger up to %d: %w", upTo, err))...)
		}
		l.forgotten = upTo
	}
	return errors.Join(errs...)
}

// sweep removes the tombstone of a claim that was aborted so long ago that no write of its owner can be on its way.
func (l *Ledger) sweep(ctx context.Context, c view) error {
	e, err := l.log.Fetch(ctx, c.place)
	if errors.Is(err, ErrForgotten) {
		return nil // another capture has done it
	}
	if err == nil {
		err = l.files.RemoveTombstone(ctx, e.Place, e.Tombstone)
	}
	if err != nil {
		return fmt.Errorf("remove the tombstone of block %s: %w", c.id, err)
	}
	return nil
}
