package jetcapture

import "time"

// A backlog limits how many sealed blocks may wait for a store before pulling pauses.
//
// With exactly-once, a block that waits too long is given up and its messages are delivered again. A capture that pulls faster than
// it stores would give up blocks without end. So the limit shrinks to half of what waited each time that happens, and grows by
// one each time so many blocks were stored.
type backlog struct {
	most   int // what the limit never exceeds
	limit  int
	stored int       // blocks, since the limit grew or shrank
	shrunk time.Time // when the limit shrank: blocks sealed before are no reason to shrink it again
}

func newBacklog(most int) backlog { return backlog{most: most, limit: most} }

func (l *backlog) full(waiting int) bool { return waiting >= l.limit }

// done notes that a block was stored.
func (l *backlog) done() {
	if l.limit == l.most {
		return
	}
	if l.stored++; l.stored >= l.limit {
		l.limit, l.stored = l.limit+1, 0
	}
}

// late notes that a block sealed at the given time waited too long, while so many others still waited. It reports whether
// the limit shrank.
func (l *backlog) late(sealed time.Time, waiting int, now time.Time) bool {
	if !sealed.After(l.shrunk) {
		return false
	}
	l.limit, l.stored, l.shrunk = max(1, min(l.limit, waiting+1)/2), 0, now
	return true
}
