package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

const roundErrors = 3 // that are returned one by one; the others are counted

// Keep keeps the ledger small and settled; it is to be called every few seconds. It settles claims that have been open for long: for
// Options.SettleAfter if Look has met them, for Options.Retention in any case. It forgets claims that are not needed any more, and removes
// their tombstones. floor is the stream sequence up to which all of the consumer's messages are acknowledged.
//
// Its errors are errors of single steps, which the next call tries again.
func (l *Ledger) Keep(ctx context.Context, floor uint64) error {
	generation := l.book.Generation()
	if err := l.log.Sync(ctx); err != nil { // the settings too: what is forgotten too early by old ones may be stored twice
		return err
	}
	var errs []error
	if settings, last := l.book.Settings(); last > 0 && settings.Retention < l.o.LeastRetention {
		_, err := l.Agree(ctx)
		errs = append(errs, err)
	}
	now := l.o.Clock.Now()
	_, retention := l.Retentions()
	errs = append(errs, l.settling.each(ctx, l.book.overdue(now, l.o.SettleAfter, retention), func(ctx context.Context, c view) error {
		return l.settle(ctx, c, generation)
	}))
	errs = append(errs, l.sweeping.each(ctx, l.book.forgettable(floor, retention, now), func(ctx context.Context, c view) error {
		if c.state == Aborted {
			if err := l.sweep(ctx, c); err != nil {
				return err
			}
		}
		l.book.forget(c.id)
		return nil
	}))
	if l.forgottenIn != generation {
		l.forgotten, l.forgottenIn = 0, generation
	}
	if upTo := l.book.prefix(); upTo > l.forgotten && l.book.Generation() == generation {
		if err := l.log.Forget(ctx, upTo); err != nil {
			return errors.Join(append(errs, fmt.Errorf("forget entries of the ledger up to %d: %w", upTo, err))...)
		}
		l.forgotten = upTo
	}
	return errors.Join(errs...)
}

// A round goes through claims again and again, some of them each time.
type round struct {
	from uint64 // the place of the claim to begin with
}

// each calls do for all claims, until half of the time that ctx has is over: then the next call begins where this one ended. A claim
// that fails, as its folder denies writing or does not answer, holds up none of the others.
func (r *round) each(ctx context.Context, claims []view, do func(context.Context, view) error) error {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	start, _ := slices.BinarySearchFunc(claims, r.from, func(c view, place uint64) int { return cmp.Compare(c.place, place) })
	var errs []error
	failed := 0
	for _, c := range slices.Concat(claims[start:], claims[:start]) {
		if ctx.Err() != nil {
			r.from = c.place
			errs = append(errs, fmt.Errorf("not all of %d claims were looked at: %w", len(claims), ctx.Err()))
			break
		}
		err := do(ctx, c)
		if err == nil {
			continue
		}
		if failed++; failed <= roundErrors {
			errs = append(errs, err)
		}
	}
	if failed > roundErrors {
		errs = append(errs, fmt.Errorf("and %d more", failed-roundErrors))
	}
	return errors.Join(errs...)
}

// NoteFork appends to the ledger that the stream lost its end, unless the ledger knows that already. seq is the first sequence that
// another message has; before and after are the times of the lost message and of the new one, 0 if unknown.
func (l *Ledger) NoteFork(ctx context.Context, seq uint64, before, after int64) error {
	for {
		generation := l.book.Generation()
		f, last, unknown := l.book.nextFork(Fork{Seq: seq, Old: before, New: after})
		if !unknown {
			return nil
		}
		f.Lineage = fmt.Sprintf("f%d@%d", len(l.book.Forks())+1, seq)
		e := &Entry{State: lineageEntry, Instance: l.o.Instance, Fork: &f}
		changed := func() bool { return l.book.lastFork() > last }
		seq, err := l.append(ctx, e, last, generation, changed, func() (uint64, bool) { return 0, false })
		if err == nil {
			err = l.awaitEntry(ctx, generation, seq, func() bool { return l.book.lastFork() >= seq })
		}
		if err != nil && !errors.Is(err, ErrChanged) && !errors.Is(err, errRewound) {
			return fmt.Errorf("tell the ledger that the stream used sequences again: %w", err)
		}
	}
}

// sweep removes the tombstone of a claim that was aborted so long ago that no write of its owner can be on its way.
func (l *Ledger) sweep(ctx context.Context, c view) error {
	e, err := l.fetch(ctx, c.place, c.id)
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
