package ledger

import (
	"time"
)

// overdue returns the claims that have been open for long: for wanted if want was called for them, otherwise for lost.
func (b *Book) overdue(now time.Time, wanted, lost time.Duration) (overdue []view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.claims {
		if !b.counts(c) || c.state != Claimed {
			continue
		}
		if c.openSince.IsZero() {
			c.openSince = now
		}
		age := max(now.Sub(c.openSince), b.latest.Sub(c.at)) // by our clock, or by the server's
		if age >= lost || c.wanted && age >= wanted {
			overdue = append(overdue, c.view())
		}
	}
	return inOrder(overdue)
}

// want notes that a block has messages of the claim, and waits for it to be settled.
func (b *Book) want(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.claims[id]; c != nil {
		c.wanted = true
	}
}

// forgettable returns the claims that are not needed any more. They are settled, or never became complete. The consumer's ack floor has passed
// them, so their messages are never delivered again, and did so longer ago than the retention, so no open block has a message of them. The
// messages of a claim that lie behind a later fork are gone from the stream, and never delivered again either.
func (b *Book) forgettable(floor uint64, retention time.Duration, now time.Time) (old []view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.claims {
		switch {
		case !b.covered(c, floor):
			c.coveredSince = time.Time{}
		case c.coveredSince.IsZero():
			c.coveredSince = now
		case now.Sub(c.coveredSince) >= retention:
			old = append(old, c.view())
		}
	}
	return inOrder(old)
}

func (b *Book) covered(c *claim, floor uint64) bool {
	if !c.complete {
		set := c.parts.Set()
		return set.IsEmpty() || set.Maximum() <= floor
	}
	return c.state != Claimed && (c.messages == 0 || min(c.final, b.lineage.endOf(c)) <= floor)
}

// forget drops a claim.
func (b *Book) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(id)
}

func (b *Book) drop(id string) {
	if c := b.claims[id]; c != nil && c.messages > 0 {
		b.index.remove(c)
	}
	delete(b.claims, id)
	b.segments.drop(id)
	b.loose = true
}

// prefix returns the sequence up to which the log holds nothing that is not forgotten, and frees what that took. The last entry
// is never among that: it shows whether the log that is read next is still the same.
func (b *Book) prefix() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	upTo, low := max(b.applied, 1)-1, ^uint64(0)
	for _, c := range b.claims {
		upTo = min(upTo, c.seqs[0]-1)
		low = min(low, c.first)
	}
	if b.loose && low > 0 {
		b.union.RemoveRange(0, low)
		b.loose = false
	}
	return upTo
}
