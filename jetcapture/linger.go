package jetcapture

import (
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/suspects"
)

// sealReason decides whether an open block seals now. One that has few messages when its interval ends lingers: it takes
// what comes in the next intervals of the same folder.
func (l *loop[P, K]) sealReason(b *block[K]) SealReason {
	if suspects.BlockIsFull(b.failed, b.count()) {
		return SealSuspect
	}
	stats := b.stats()
	if l.limits.maxBytes > 0 { // it takes longer than all else, and ten thousand blocks are looked at ten times a second
		stats.bytes = b.spool.size + b.buffered()
	}
	reason := sealReason(stats, l.limits, l.clocks)
	switch reason {
	case SealInterval, SealIdle, SealAge:
		if l.lingers(b) {
			return ""
		}
	}
	return reason
}

// lingers says whether a block whose interval is over waits for messages of later ones.
func (l *loop[P, K]) lingers(b *block[K]) bool {
	most := l.limits.interval + l.limits.grace + l.limits.maxLinger
	if b.deadLetter || b.failed > 0 || b.count() >= l.limits.minMessages || l.clocks.now.Sub(b.opened) >= most {
		return false
	}
	now := l.clocks.stream.Add(-l.limits.grace).UTC().Truncate(l.limits.interval)
	return l.sameFolder(b, b.end) && (now.Before(b.end) || l.sameFolder(b, now))
}

func (l *loop[P, K]) sameFolder(b *block[K], start time.Time) bool {
	return l.o.Layout(start) == l.o.Layout(b.start)
}

// lingering returns the open block of a destination key that takes messages of an interval beside those it was opened for.
func (l *loop[P, K]) lingering(key openKey[K], start time.Time) *openBlock[P, K] {
	b := l.latest[key.destKey]
	switch {
	case b == nil || key.failed > 0 || start.Before(b.start):
		return nil
	case start.Before(b.end):
		return b // one that it lingered in already
	case b.count() >= l.limits.minMessages || !l.sameFolder(b.block, start):
		return nil
	}
	delete(l.open, b.key())
	b.last, b.end = start, start.Add(l.limits.interval)
	l.open[key] = b
	return b
}
