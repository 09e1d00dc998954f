package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// What a capture remembers of its own claims, to append them again if the log loses its end. A server that dies loses what
// it has not synced: two minutes by default.
const (
	ownKept      = 10 * time.Minute
	ownKeptBytes = 16 << 20
	ownOverhead  = 512 // bytes of a claim, beside its segments
)

// ownClaims are the claims of this capture: those of blocks that are being committed, and the latest of those before.
type ownClaims struct {
	mu    sync.Mutex
	open  []*ownClaim
	ended []*ownClaim // the oldest first
	bytes int64       // of ended
}

// An ownClaim is a claim of this capture, and how it was decided.
type ownClaim struct {
	id    string
	parts []*Entry
	bytes int64
	ended time.Time // when its Commit returned

	appending turn // of who appends its entries

	mu         sync.Mutex
	generation uint64 // of the Book whose log has the claim
	last       uint64 // its last entry there, 0 before it was appended
	admitted   bool   // it was checked against all before it, so that its block may be stored already
	in         uint64 // the generation of the Book in which it was checked last
	decided    State  // "" as long as it is open
}

func (o *ownClaims) begin(b *Block, parts []*Entry) *ownClaim {
	c := &ownClaim{id: b.ID, parts: parts, bytes: ownOverhead}
	for i := range b.Segments {
		c.bytes += int64(b.Segments[i].set.GetSizeInBytes()) + int64(16*len(b.Segments[i].anchors))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = append(o.open, c)
	return c
}

// end keeps a claim for a while, and drops those that are too old or too many.
func (o *ownClaims) end(c *ownClaim, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = slices.DeleteFunc(o.open, func(other *ownClaim) bool { return other == c })
	c.ended = now
	o.ended, o.bytes = append(o.ended, c), o.bytes+c.bytes
	for len(o.ended) > 0 && (o.bytes > ownKeptBytes || now.Sub(o.ended[0].ended) > ownKept) {
		o.bytes -= o.ended[0].bytes
		o.ended[0] = nil
		o.ended = o.ended[1:]
	}
}

// all returns the claims, open ones first: other captures with the same messages must learn of them before they store these. The claims that
// ended have files, which can be found.
func (o *ownClaims) all() []*ownClaim {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Concat(o.open, o.ended)
}

func (c *ownClaim) admit(generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admitted, c.in = true, generation
}

func (c *ownClaim) isAdmitted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.admitted
}

// admittedIn returns the generation of the Book in which an admitted claim was checked last.
func (c *ownClaim) admittedIn() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.in
}

// at returns the generation of the Book whose log has the claim, and its last entry there, 0 if it was never appended.
func (c *ownClaim) at() (generation, last uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation, c.last
}

// claim appends a claim, in as many parts as it takes, and waits until the Book has all entries before it. It does nothing if the log has the
// claim already.
func (l *Ledger) claim(ctx context.Context, c *ownClaim) error {
	if err := l.log.Await(ctx, c.appending.take); err != nil {
		return err
	}
	defer l.release(&c.appending)
	for {
		generation := l.book.Generation()
		if appendedIn, last := c.at(); last != 0 && appendedIn == generation {
			return nil
		}
		last, err := l.appendClaim(ctx, c, generation)
		if errors.Is(err, errRewound) {
			if err := l.awaitRewind(ctx, generation); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.generation, c.last = generation, last
		c.mu.Unlock()
		return nil
	}
}

// appendClaim appends what the log has not of a claim's parts, and returns the block's last entry. A claim that was admitted counts as
// if it was there before all others, as it was when they were checked. One that was not is a new one: it may have waited for others.
func (l *Ledger) appendClaim(ctx context.Context, c *ownClaim, generation uint64) (last uint64, err error) {
	admitted := c.isAdmitted()
	if v, ok := l.book.view(c.id); ok && v.complete {
		return v.last, nil
	}
	for i := range c.parts {
		part := *c.parts[i]
		part.Again = part.Again || admitted
		after := last
		last, err = l.append(ctx, &part, after, generation,
			func() bool { v, ok := l.book.view(c.id); return ok && v.last > after },
			func() (uint64, bool) { v, _ := l.book.view(c.id); return v.last, v.parts > i })
		if err != nil {
			return 0, err
		}
	}
	complete := func() bool { // as it is in the log now: the Book may have it from a log that has lost its end
		v, ok := l.book.view(c.id)
		return ok && v.complete && v.last >= last
	}
	if err := l.awaitEntry(ctx, generation, last, complete); err != nil {
		return 0, err
	}
	if !complete() {
		return 0, errRewound
	}
	return last, nil
}

// decide appends the final state of a claim, and returns the state that the log has: another capture may have been faster.
func (l *Ledger) decide(ctx context.Context, c *ownClaim, state State) (State, error) {
	for {
		if err := l.claim(ctx, c); err != nil {
			return "", err
		}
		generation, last := c.at()
		got, err := l.mark(ctx, c.id, state, last, generation)
		if errors.Is(err, errRewound) {
			if err := l.awaitRewind(ctx, generation); err != nil {
				return "", err
			}
			continue
		}
		if err == nil {
			c.mu.Lock()
			c.decided = got
			c.mu.Unlock()
		}
		return got, err
	}
}

// settleOwn settles a claim of this capture whose file may or may not exist, and returns its final state.
func (l *Ledger) settleOwn(ctx context.Context, c *ownClaim) (State, error) {
	state := Aborted
	switch err := l.files.CreateTombstone(ctx, c.parts[0].Place, c.parts[0].Tombstone); {
	case errors.Is(err, fs.ErrExist):
		state = Stored
	case err != nil:
		return "", fmt.Errorf("settle block %s: %w", c.id, err)
	}
	return l.decide(ctx, c, state)
}

// Restore appends again what the log has lost of the settings and of this capture's claims: those that are open, and those of
// the last ten minutes, as far as they take no more than 16 MiB. It is called whenever Book.Generation has changed. Captures store
// nothing in the meantime: see Options.RewindGrace.
func (l *Ledger) Restore(ctx context.Context) error {
	var errs []error
	if _, err := l.Agree(ctx); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, l.retake(ctx))
	for _, c := range l.own.all() {
		c.mu.Lock()
		state := c.decided
		begun := c.last != 0
		c.mu.Unlock()
		if !begun {
			continue // it is about to be claimed
		}
		err := l.claim(ctx, c)
		if err == nil && state != "" {
			_, err = l.decide(ctx, c, state)
		}
		if err != nil && !errors.Is(err, ErrForgotten) {
			errs = append(errs, fmt.Errorf("append the claim of block %s to the ledger again: %w", c.id, err))
		}
	}
	return errors.Join(errs...)
}
