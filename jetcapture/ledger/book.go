package ledger

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// A Book is the fold of the log: what each claim has come to, and which messages are claimed at all. It is a pure state
// machine, and safe for concurrent use.
//
// It keeps the union of all sequences that were ever claimed and are not forgotten, as one compressed set, and of each
// claim its range and state. The sets of single claims are in a cache of bounded size, and in the log.
type Book struct {
	mu      sync.Mutex
	created time.Time     // of the stream; claims on another are ignored
	top     atomic.Uint64 // the highest sequence claimed, for those who need no lock for a higher one
	claims  map[string]*claim
	index   index // of the complete ones
	union   *roaring64.Bitmap
	sets    setCache
	applied uint64 // the last entry
	entries uint64
	latest  time.Time     // of any entry, by the server's clock
	loose   bool          // claims were forgotten whose sequences are in the union
	changed chan struct{} // closed at the next Apply
}

// A claim is what the Book knows of a block.
type claim struct {
	id       string
	state    State
	instance string
	created  time.Time
	seqs     []uint64  // of its parts in the log
	last     uint64    // entry in the log, of whatever state
	at       time.Time // when the log took the claim's last part, by the server's clock
	complete bool

	first, final uint64 // the range of sequences of the stream
	messages     uint64
	parts        *roaring64.Bitmap // of the claim while it is incomplete
	contested    *roaring64.Bitmap // which of them were claimed before; nil if none

	wanted       bool      // it was met while it was open
	openSince    time.Time // by the local clock, as far as overdue was called
	coveredSince time.Time // since when it could be forgotten, by the local clock
}

// position orders claims: the sequence of the last part.
func (c *claim) position() uint64 { return c.seqs[len(c.seqs)-1] }

func (c *claim) covers(seq uint64) bool { return c.first <= seq && seq <= c.final }

// NewBook returns the Book of an empty log. created is when the stream whose sequences are claimed was made, and
// cacheBytes bounds what the sets of single claims may take in memory.
func NewBook(created time.Time, cacheBytes int64) *Book {
	return &Book{
		created: created, claims: map[string]*claim{}, index: newIndex(), union: roaring64.New(), changed: make(chan struct{}),
		sets: setCache{limit: cacheBytes, sets: map[string]*cachedSet{}},
	}
}

// Apply folds the entry with sequence seq of the log, which took it at the given time. Entries come in order; one that was
// applied already, or that does not fit (a state without its claim, which was forgotten), changes nothing.
func (b *Book) Apply(seq uint64, at time.Time, e *Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if seq <= b.applied {
		return
	}
	b.applied = seq
	b.entries++
	if at.After(b.latest) {
		b.latest = at
	}
	if e != nil {
		b.apply(seq, at, e)
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// Skip says that the log begins at first, as others have removed what was before. What the Book has not read of that it
// will never read, so it forgets the claims there, too.
func (b *Book) Skip(first uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first <= b.applied+1 {
		return
	}
	b.applied = first - 1
	for id, c := range b.claims {
		if c.seqs[0] < first {
			b.drop(id)
		}
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Book) apply(seq uint64, at time.Time, e *Entry) {
	c := b.claims[e.Block]
	if e.State != Claimed {
		if c != nil && c.complete && c.state == Claimed {
			c.state, c.last = e.State, seq
		}
		return
	}
	if c == nil {
		if e.Part != 1 {
			return
		}
		c = &claim{id: e.Block, state: Claimed, instance: e.Instance, created: e.Created, first: ^uint64(0), parts: roaring64.New()}
		b.claims[e.Block] = c
	}
	if c.complete || e.Part != len(c.seqs)+1 {
		return
	}
	c.seqs = append(c.seqs, seq)
	c.last, c.at = seq, at
	c.parts.Or(e.Set)
	if e.Part == e.Parts {
		b.complete(c)
	}
}

// complete lets a claim count. Whatever was claimed before it is known now, as the log has one order for all.
func (b *Book) complete(c *claim) {
	set := c.parts
	c.complete, c.parts = true, nil
	if set.IsEmpty() {
		return
	}
	c.first, c.final, c.messages = set.Minimum(), set.Maximum(), set.GetCardinality()
	if !c.created.Equal(b.created) {
		return // sequences of another stream
	}
	if set.Intersects(b.union) {
		c.contested = roaring64.And(set, b.union)
	}
	b.index.add(c)
	b.union.Or(set)
	b.top.Store(max(b.top.Load(), c.final))
	b.sets.put(c.id, set)
}

// A view is what others may know of a claim.
type view struct {
	id       string
	state    State
	complete bool
	parts    int
	last     uint64
	at       time.Time
	place    uint64 // the entry with place and tombstone
}

func (c *claim) view() view {
	return view{c.id, c.state, c.complete, len(c.seqs), c.last, c.at, c.seqs[0]}
}

func (b *Book) view(id string) (view, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.claims[id]
	if c == nil {
		return view{}, false
	}
	return c.view(), true
}

// rivals returns the earlier claims that may share a message with the given one and are not aborted, and the messages
// that were claimed before.
func (b *Book) rivals(id string) (earlier []view, contested *roaring64.Bitmap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	mine := b.claims[id]
	if mine == nil || mine.contested == nil {
		return nil, nil
	}
	first, final := mine.contested.Minimum(), mine.contested.Maximum()
	seen := map[*claim]struct{}{mine: {}}
	for c := range b.near(first, final) {
		if _, again := seen[c]; again {
			continue
		}
		seen[c] = struct{}{}
		if b.counts(c) && c.position() < mine.position() && c.first <= final && first <= c.final {
			earlier = append(earlier, c.view())
		}
	}
	return inOrder(earlier), mine.contested.Clone()
}

// holders returns the claims that hold a message, or may as their sets are not in memory, and are not aborted.
func (b *Book) holders(seq uint64) (holders []view) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.union.Contains(seq) {
		return nil
	}
	for c := range b.index.near(seq, seq) {
		if !b.counts(c) || !c.covers(seq) {
			continue
		}
		if set := b.sets.get(c.id); set == nil || set.Contains(seq) {
			holders = append(holders, c.view())
		}
	}
	return inOrder(holders)
}

// near yields the claims that may have a sequence from first to final: by the index, or all if the range is too wide for it.
func (b *Book) near(first, final uint64) iter.Seq[*claim] {
	if narrow(first, final) {
		return b.index.near(first, final)
	}
	return maps.Values(b.claims)
}

// inOrder sorts claims as they stand in the log, so that whoever works through them does it in one order.
func inOrder(claims []view) []view {
	slices.SortFunc(claims, func(a, b view) int { return cmp.Compare(a.place, b.place) })
	return claims
}

func (b *Book) counts(c *claim) bool {
	return c.complete && c.state != Aborted && c.messages > 0 && c.created.Equal(b.created)
}

// set returns the sequences of a claim, if they are in the cache, and else the entries of its parts.
func (b *Book) set(id string) (*roaring64.Bitmap, []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if set := b.sets.get(id); set != nil {
		return set, nil
	}
	if c := b.claims[id]; c != nil {
		return nil, slices.Clone(c.seqs)
	}
	return nil, nil
}

// cache keeps the sequences of a claim, which must not be changed any more.
func (b *Book) cache(id string, set *roaring64.Bitmap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.claims[id] != nil {
		b.sets.put(id, set)
	}
}

// waiter returns a channel that closes at the next Apply.
func (b *Book) waiter() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Stats are the gauges of a Book.
type Stats struct {
	Claims  int    // in memory
	Open    int    // of these, neither stored nor aborted
	Entries uint64 // applied since the start
	Applied uint64 // sequence in the log
	Bytes   uint64 // of the union and the cached sets
}

// Stats returns the gauges.
func (b *Book) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Claims: len(b.claims), Entries: b.entries, Applied: b.applied, Bytes: b.union.GetSizeInBytes() + uint64(b.sets.size)}
	for _, c := range b.claims {
		if c.state == Claimed && c.complete {
			s.Open++
		}
	}
	return s
}

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
// that no copy delivered before sits in an open block. Claims on an earlier stream need the retention alone.
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
	switch {
	case !c.created.Equal(b.created):
		return true
	case !c.complete:
		return c.parts.IsEmpty() || c.parts.Maximum() <= floor
	default:
		return c.state != Claimed && (c.messages == 0 || c.final <= floor)
	}
}

// forget drops a claim.
func (b *Book) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(id)
}

func (b *Book) drop(id string) {
	if c := b.claims[id]; c != nil && c.messages > 0 && c.created.Equal(b.created) {
		b.index.remove(c)
	}
	delete(b.claims, id)
	b.sets.drop(id)
	b.loose = true
}

// prefix returns the sequence up to which the log holds nothing that is not forgotten, and frees what that took.
func (b *Book) prefix() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	upTo, low := b.applied, ^uint64(0)
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
