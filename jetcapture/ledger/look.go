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

// New reports whether a sequence is above all that were claimed, as most are. It costs next to nothing.
func (l *Ledger) New(seq uint64) bool { return seq > l.book.top.Load() }

// Look says what is known of a message that was delivered, so that an archived one need not enter a block. It reads the log only for
// a few claims whose segments are not in memory, and returns Free when ctx ends: Commit finds out whatever Look does not. If a message
// stays Pending, Keep settles its claim.
func (l *Ledger) Look(ctx context.Context, m Message) Verdict {
	holders, reused := l.book.holders(m)
	verdict := Free
	if reused {
		verdict = Reused
	}
	for _, h := range holders {
		in, match := true, h.match
		if match == unread {
			segments, err := l.segments(ctx, h.id)
			if err != nil {
				continue
			}
			in, match = segments.Set().Contains(m.Seq), segments.match(m)
		}
		held, err := l.holds(ctx, h.view, match, m)
		switch {
		case err != nil:
		case !held:
			if verdict == Free && in {
				verdict = Reused
			}
		case h.state == Stored:
			return Archived
		default:
			verdict = Pending
			l.book.want(h.id)
		}
	}
	return verdict
}
