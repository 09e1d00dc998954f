package ledger

import (
	"time"
)

// overdue returns the claims that have been open for long: as long as wanted if somebody met them, as long as lost if not.
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

// want notes that a claim is in somebody's way.
func (b *Book) want(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.claims[id]; c != nil {
		c.wanted = true
	}
}

// forgettable returns the claims that nobody can need any more: they are settled, or never became complete; the consumer's
// ack floor has passed them, so that their messages are never delivered again; and that has been so for the retention, so
// that no copy delivered before sits in an open block. Of a claim from before a fork, what lies behind the fork is gone from the
// stream, and never delivered again either.
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
