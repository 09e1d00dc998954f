package ledger

import "context"

// A Verdict says what the ledger knows of a message.
type Verdict int

// The verdicts.
const (
	Free     Verdict = iota // no claim holds it, as far as is known here
	Pending                 // a claim holds it that is neither stored nor aborted
	Archived                // it is in a file
)

// New reports whether a message is above all that were claimed, as most are. It costs next to nothing.
func (l *Ledger) New(seq uint64) bool { return seq > l.book.top.Load() }

// Look says what is known of a message that was delivered, so that it need not enter a block if it was before. It reads the log only
// for claims whose sets are not in memory, and says Free when ctx ends: Commit finds out whatever Look does not. A claim that
// is Pending for long is settled by Keep.
func (l *Ledger) Look(ctx context.Context, seq uint64) Verdict {
	verdict := Free
	for _, c := range l.book.holders(seq) {
		set, err := l.set(ctx, c.id)
		switch {
		case err != nil || set == nil || !set.Contains(seq):
		case c.state == Stored:
			return Archived
		default:
			verdict = Pending
			l.book.want(c.id)
		}
	}
	return verdict
}
