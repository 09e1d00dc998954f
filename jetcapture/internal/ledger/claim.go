package ledger

import (
	"time"
	"unique"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// A claim is what the Book knows of a block.
type claim struct {
	id        string
	state     State
	instance  string
	lineage   string
	folder    unique.Handle[Place]
	seqs      []uint64  // of its parts in the log
	last      uint64    // entry in the log, of whatever state
	at        time.Time // when the log took the claim's last part, by the server's clock
	complete  bool
	recovered bool // the log had lost it, and it was appended again

	first, final uint64 // the range of sequences of the stream
	messages     uint64
	latest       int64             // time of any message
	finalTime    int64             // of the message with the last sequence
	parts        Segments          // of the claim while it is incomplete
	contested    *roaring64.Bitmap // which of its sequences were claimed before; nil if none

	wanted       bool      // it was met while it was open
	openSince    time.Time // by the local clock, as far as overdue was called
	coveredSince time.Time // since when it could be forgotten, by the local clock
}

// position is the sequence of the last part.
func (c *claim) position() uint64 { return c.seqs[len(c.seqs)-1] }

// before reports whether a claim may have been made before another: it comes before it in the log, or the log had lost it, so the order is not
// known. Then each counts as made before the other, and neither is stored unless one is stored already.
func (c *claim) before(other *claim) bool { return c.recovered || c.position() < other.position() }

func (c *claim) covers(seq uint64) bool { return c.first <= seq && seq <= c.final }

// A view is what others may know of a claim.
type view struct {
	id       string
	state    State
	lineage  string
	complete bool
	parts    int
	last     uint64
	at       time.Time
	place    uint64 // the entry with place and tombstone
}

func (c *claim) view() view {
	return view{c.id, c.state, c.lineage, c.complete, len(c.seqs), c.last, c.at, c.seqs[0]}
}
