package ledger

import "context"

// A Verdict says what the ledger knows of a message.
type Verdict int

// The verdicts.
const (
	Free     Verdict = iota // no claim holds it, as far as is known here
	Pending                 // a claim that is neither stored nor aborted holds it
	Archived                // it is in a file
	Reused                  // no claim holds it, and one holds another message with its sequence: the stream has forked
)

// New reports whether a sequence is above all that were claimed, as most are. It takes no lock.
func (l *Ledger) New(seq uint64) bool { return seq > l.book.top.Load() }

// Look says what is known of a message that was delivered, so that an archived one need not enter a block. It reads the log only for
// a few claims whose segments are not in memory, and returns Free when ctx ends: Commit finds out whatever Look does not. If a message
// stays Pending, Keep settles its claim.
func (l *Ledger) Look(ctx context.Context, m Message) Verdict {
	verdict, _ := l.look(ctx, m, true)
	return verdict
}

// Recall is Look by what is in memory. It returns false if Look would have to read.
func (l *Ledger) Recall(m Message) (verdict Verdict, known bool) {
	return l.look(ended, m, false)
}

// ended is a context with which nothing is read.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// look reports whether the verdict is that of all claims which may have the message. Unless it may read, it leaves out those that it
// would have to read for.
func (l *Ledger) look(ctx context.Context, m Message, mayRead bool) (verdict Verdict, known bool) {
	holders, reused := l.book.holders(m)
	known = true
	if reused {
		verdict = Reused
	}
	for _, h := range holders {
		in, match := true, h.match
		if match == unread {
			if !mayRead && !l.book.isRead(h.id) {
				known = false
				continue
			}
			segments, err := l.segments(ctx, h.id)
			if err != nil {
				known = known && mayRead
				continue
			}
			in, match = segments.Set().Contains(m.Seq), segments.match(m)
		}
		if !mayRead && !l.isTold(h.view, match) {
			known = false
			continue
		}
		held, err := l.holds(ctx, h.view, match, m)
		switch {
		case err != nil:
		case !held:
			if verdict == Free && in {
				verdict = Reused
			}
		case h.state == Stored:
			return Archived, true
		default:
			verdict = Pending
			l.book.want(h.id)
		}
	}
	return verdict, known
}

// isRead reports whether the segments of a claim are in memory, or it was forgotten.
func (b *Book) isRead(id string) bool {
	segments, seqs := b.segmentsOf(id)
	return segments != nil || len(seqs) == 0
}

// isTold reports whether holds finds out about a claim without reading its file.
func (l *Ledger) isTold(c view, match match) bool {
	if match == other || c.state == Claimed || match == exact || !l.book.parted(c.lineage) {
		return true
	}
	_, ok := l.read.get(c.id)
	return ok
}
