package jetcapture

import (
	"context"
	"path"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// simLedger is the log of the ledger. It may lose its end, and grow again from there.
type simLedger struct {
	w       *world
	entries []*logged // nil where an entry was purged
	lastSeq map[string]uint64
	purged  uint64 // up to which entries of blocks are
	losses  int    // how often the end was lost
	lostAt  time.Time
}

type logged struct {
	at    time.Time
	entry *ledger.Entry
}

func (l *simLedger) end() uint64 { return uint64(len(l.entries)) }

func (l *simLedger) append(e *ledger.Entry, after uint64) (uint64, error) {
	if l.lastSeq[e.Subject()] != after {
		return 0, ledger.ErrChanged
	}
	l.entries = append(l.entries, &logged{l.w.now, e})
	l.lastSeq[e.Subject()] = l.end()
	suffix := ""
	if e.Again {
		suffix = " again"
	}
	l.w.note("log %d: %s %s%s by %s", l.end(), e.Subject(), e.State, suffix, e.Instance)
	return l.end(), nil
}

// purge removes entries about blocks.
func (l *simLedger) purge(upTo uint64) {
	for ; l.purged < min(upTo, l.end()); l.purged++ {
		e := l.entries[l.purged]
		if e == nil || e.entry.Block == "" {
			continue
		}
		l.entries[l.purged] = nil
		if l.lastSeq[e.entry.Subject()] == l.purged+1 {
			delete(l.lastSeq, e.entry.Subject())
		}
	}
}

// lose removes the end of the log, as far as a server that dies has not synced it.
//
// A write that was on its way then, and whose capture crashed, is more than the protocol promises to bear: it arrives before or
// never. Captures that live append again what they have claimed, see world.pass. The first claim of each folder stays: of a folder that
// nobody knows nobody can know.
func (l *simLedger) lose() {
	first := len(l.entries)
	for first > int(l.purged) && l.w.now.Sub(l.entries[first-1].at) < simUnsynced {
		first--
	}
	folders := map[string]bool{}
	for i, e := range l.entries {
		if e == nil || e.entry.State != ledger.Claimed {
			continue
		}
		if dir := path.Dir(e.entry.Place.Name); !folders[dir] {
			folders[dir] = true
			first = max(first, i+1)
		}
	}
	cut := first + l.w.rng.IntN(len(l.entries)-first+1)
	if cut == len(l.entries) {
		return
	}
	l.w.store.land(true)
	l.w.note("the log loses what is after %d", cut)
	l.entries = l.entries[:cut]
	clear(l.lastSeq)
	for i, e := range l.entries {
		if e != nil {
			l.lastSeq[e.entry.Subject()] = uint64(i + 1)
		}
	}
	l.losses++
	l.lostAt = l.w.now
	for _, c := range l.w.captures {
		c.behind = true
	}
	if l.w.traits.acksLost {
		l.w.stream.loseAcks()
	}
}

// next returns the first entry after seq that is there, 0 if there is none.
func (l *simLedger) next(seq uint64) uint64 {
	for ; seq < l.end(); seq++ {
		if l.entries[seq] != nil {
			return seq + 1
		}
	}
	return 0
}

// A logReader follows the log as ledger.Stream does: it sees that what it knows of the log is still there.
type logReader struct {
	c      *simCapture
	read   uint64
	last   *logged // with sequence read; nil if that was not read but purged
	known  uint64  // the last entry that this capture has appended or heard of
	losses int     // of the log that were noticed
}

// step applies one entry, or notices that the connection was lost. It returns false if there is nothing to do.
func (r *logReader) step() bool {
	l, book := &r.c.w.log, r.c.book
	if r.losses != l.losses && r.c.w.sabotage != noRewind {
		r.losses = l.losses
		if r.lost() {
			r.c.w.note("%s notices that the log has lost its end", r.c.name)
			r.read, r.last, r.known = 0, nil, 0
			book.Rewind(r.c.clocks.now())
			r.c.restore()
			return true
		}
		r.c.behind = false
		if r.c.w.sabotage != noDoubt {
			book.Doubt(r.c.clocks.now())
		}
		return true
	}
	next := l.next(r.read)
	switch {
	case next == 0 && l.end() > r.read:
		r.read, r.last = l.end(), nil
		book.Skip(l.end() + 1)
		return true
	case next == 0:
		return false
	case next > r.read+1:
		book.Skip(next)
	}
	e := l.entries[next-1]
	r.read, r.last = next, e
	entry := e.entry
	if entry.Settings != nil && r.c.w.sabotage == ownRetention {
		entry = nil
	}
	book.Apply(next, e.at, entry)
	return true
}

// lost reports whether the log has lost an entry that was read or appended.
func (r *logReader) lost() bool {
	l := &r.c.w.log
	if r.known > l.end() && r.c.w.sabotage != appendsNotCompared {
		return true
	}
	return r.read > l.end() || r.last != nil && l.entries[r.read-1] != r.last && l.entries[r.read-1] != nil
}

// simLog is the log as a capture has it.
type simLog struct{ c *simCapture }

func (l simLog) Append(ctx context.Context, e *ledger.Entry, after uint64) (seq uint64, err error) {
	log, r := &l.c.w.log, &l.c.reader
	applied, generation := l.c.book.Applied(), l.c.book.Generation()
	err = l.c.do(ctx, step{what: "append " + e.Subject() + " " + string(e.State), append: func() (err error) {
		seq, err = log.append(e, after)
		return err
	}})
	switch {
	case err != nil:
		return 0, err
	case seq <= applied && l.c.book.Generation() == generation:
		return 0, errSim // the log has lost its end
	}
	r.known = max(r.known, seq)
	return seq, nil
}

func (l simLog) Await(ctx context.Context, until func() bool) error {
	if l.c.w.sabotage == unordered {
		if n := l.c.w.log.end(); n > 0 && !until() {
			mine := l.c.w.log.entries[n-1]
			l.c.book.Apply(n, mine.at, mine.entry)
		}
		return nil
	}
	if l.c.w.rng.IntN(2) == 0 && until() {
		return nil
	}
	return l.c.do(ctx, step{what: "await", until: until})
}

func (l simLog) Sync(ctx context.Context) error {
	log, r, generation, end := &l.c.w.log, &l.c.reader, l.c.book.Generation(), uint64(0)
	asked := false
	return l.Await(ctx, func() bool {
		if l.c.book.Generation() != generation {
			return true
		}
		switch l.c.w.sabotage {
		case noRewind, syncBlind, noDoubt:
		default:
			if r.losses != log.losses {
				return false // the connection was lost too
			}
		}
		if !asked {
			asked, end = true, log.end()
			r.known = max(r.known, end)
		}
		return l.c.book.Applied() >= end
	})
}

func (l simLog) Suspect() {}

func (l simLog) Fetch(_ context.Context, seq uint64) (*ledger.Entry, error) {
	if seq == 0 || seq > l.c.w.log.end() || l.c.w.log.entries[seq-1] == nil {
		return nil, ledger.ErrForgotten
	}
	return l.c.w.log.entries[seq-1].entry, nil
}

func (l simLog) Forget(_ context.Context, upTo uint64) error {
	l.c.w.note("%s purges the log up to %d", l.c.name, upTo)
	l.c.w.log.purge(upTo)
	return nil
}
