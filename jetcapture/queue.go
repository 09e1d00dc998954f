package jetcapture

import (
	"iter"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
)

// A queue has the sealed blocks until it is known whether they are stored.
//
// Who owns a block: the loop while it is open. When it is sealed it goes into the queue, which sends it to the committer: then the
// worker that stores it owns it. Its outcome brings it back to the loop, which forgets it. The loop touches no block between: for
// what it must know of those in the queue, the queue keeps a record of each, which is the loop's.
//
// The messages of a block do not change once it is sealed, so the record shares them.
type queue[K DestKey] struct {
	sealed   chan *block[K]        // to the committer
	outcomes chan outcome[K]       // back from it
	waiting  []*block[K]           // to be sent
	records  map[*block[K]]*record // of those that wait, and those that were sent and have not come back
	backlog  backlog
	memory   int64 // of all
}

// A record is what the loop knows of a block in the queue.
type record struct {
	acks.Refs
	extent
	sent   bool // to the committer
	memory int64
}

// An outcome says whether a sealed block was stored.
type outcome[K DestKey] struct {
	block *block[K]

	// err is nil once the block is stored, and acked as far as the server could be reached. Otherwise nothing was acked and
	// nothing is visible, and the block's messages will be delivered again.
	err error

	// fatal is set if err will not go away: the capture ends.
	fatal bool

	// suspect is set if the block's writer failed, so that one of its messages may be the reason.
	suspect bool

	// handBack is set if the block was given up though nothing is wrong: its messages have been delivered again and another block
	// has some of them, or it is too old for the ledger. It has the messages that are to be delivered once more; the others are acked.
	handBack *acks.Refs
}

func newQueue[K DestKey](storeConcurrency, maxSealedBlocks int) queue[K] {
	return queue[K]{
		sealed: make(chan *block[K]), outcomes: make(chan outcome[K], storeConcurrency),
		records: make(map[*block[K]]*record), backlog: newBacklog(maxSealedBlocks),
	}
}

// size returns how many blocks are in the queue.
func (q *queue[K]) size() int { return len(q.records) }

func (q *queue[K]) full() bool { return q.backlog.full(q.size()) }

// add takes a sealed block from the loop.
func (q *queue[K]) add(b *block[K]) {
	q.waiting = append(q.waiting, b)
	q.records[b] = &record{Refs: b.Refs, extent: b.extent, memory: b.budgeted}
	q.memory += b.budgeted
}

// next returns the block to be sent and the channel for it, which is nil if no block waits. Once the block is sent, sent must be
// called.
func (q *queue[K]) next() (chan<- *block[K], *block[K]) {
	if len(q.waiting) == 0 {
		return nil, nil
	}
	return q.sealed, q.waiting[0]
}

// sent notes that the committer has the block that next returned.
func (q *queue[K]) sent() {
	q.records[q.waiting[0]].sent = true
	q.waiting[0] = nil
	q.waiting = q.waiting[1:]
}

// remove forgets a block that has come back.
func (q *queue[K]) remove(b *block[K]) {
	q.memory -= q.records[b].memory
	delete(q.records, b)
}

// giveUp takes the blocks that were not sent out of the queue.
func (q *queue[K]) giveUp() []*block[K] {
	waiting := q.waiting
	q.waiting = nil
	for _, b := range waiting {
		q.remove(b)
	}
	return waiting
}

// late notes that a block was too old for the ledger when its turn came. It reports whether fewer may wait from now on.
func (q *queue[K]) late(sealed, now time.Time) bool { return q.backlog.late(sealed, q.size(), now) }

// renumber notes that the consumer has begun to number its deliveries again: all of these blocks may come again from the first on.
func (q *queue[K]) renumber() {
	for _, r := range q.records {
		r.firstDelivery = 1
	}
}

// below returns the highest numbers up to those given below which no block of the queue has a message.
func (q *queue[K]) below(low acks.Ref) acks.Ref {
	for _, r := range q.records {
		low = r.below(low)
	}
	return low
}

// kept yields the records of the blocks that the committer does not have.
func (q *queue[K]) kept() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, b := range q.waiting {
			if !yield(q.records[b]) {
				return
			}
		}
	}
}

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

func (b *backlog) full(waiting int) bool { return waiting >= b.limit }

// done notes that a block was stored.
func (b *backlog) done() {
	if b.limit == b.most {
		return
	}
	if b.stored++; b.stored >= b.limit {
		b.limit, b.stored = b.limit+1, 0
	}
}

// late notes that a block sealed at the given time waited too long, while so many others still waited. It reports whether
// the limit shrank.
func (b *backlog) late(sealed time.Time, waiting int, now time.Time) bool {
	if !sealed.After(b.shrunk) {
		return false
	}
	b.limit, b.stored, b.shrunk = max(1, min(b.limit, waiting+1)/2), 0, now
	return true
}
