package ledger

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// A Book is the state that the log adds up to: the state of each claim, all claimed messages, the ledger's settings and the forks of the
// stream. It is a pure state machine, and safe for concurrent use.
//
// It keeps the union of all sequences that were ever claimed and are not forgotten, as one compressed set, and of each
// claim its range and state. The segments of single claims are in a cache of bounded size, and in the log.
type Book struct {
	mu         sync.Mutex
	top        atomic.Uint64 // the highest sequence claimed, for those who need no lock for a higher one
	generation atomic.Uint64 // how often the log was found to have lost its end
	claims     map[string]*claim
	index      index // of the complete ones
	owners     owners
	union      *roaring64.Bitmap
	segments   segmentCache
	settings   agreed
	lineage    lineage
	presence   presence
	applied    uint64 // the last entry
	oldest     uint64 // before which the log has no entries about blocks
	entries    uint64
	latest     time.Time     // of any entry, by the server's clock
	doubted    time.Time     // when the log may last have lost its end, by the local clock
	loose      bool          // claims were forgotten whose sequences are in the union
	changed    chan struct{} // closed at the next Apply
}

// NewBook returns the Book of an empty log. cacheBytes bounds what the segments of single claims may take in memory.
func NewBook(cacheBytes int64) *Book {
	b := &Book{changed: make(chan struct{})}
	b.segments.limit = cacheBytes
	b.clear()
	return b
}

// clear forgets all entries.
func (b *Book) clear() {
	b.claims, b.index, b.owners, b.union = map[string]*claim{}, newIndex(), owners{}, roaring64.New()
	b.segments = segmentCache{limit: b.segments.limit, sets: map[string]*cachedSegments{}}
	b.settings, b.lineage, b.presence = agreed{}, lineage{}, presence{}
	b.applied, b.oldest, b.loose = 0, 0, false
	b.top.Store(0)
}

// Rewind makes the Book that of an empty log again, of the next generation, because the log has lost its end and other entries may
// have its sequences now. now is the local time.
func (b *Book) Rewind(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.doubted = now
	b.generation.Add(1)
	b.notify()
}

// Generation returns how often Rewind was called.
func (b *Book) Generation() uint64 { return b.generation.Load() }

// inGeneration calls a function if the Book is of a generation, and as long as it is.
func (b *Book) inGeneration(generation uint64, call func()) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.generation.Load() != generation {
		return false
	}
	call()
	return true
}

// Doubt says that the log may have lost what the Book has not read yet, as its server may have been restarted: the claims of
// others that were there will be appended again. now is the local time.
func (b *Book) Doubt(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.doubted = now
}

// doubtedAt returns when Rewind or Doubt was last called, by the local clock.
func (b *Book) doubtedAt() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.doubted
}

// Latest returns the latest time of any entry, by the server's clock.
func (b *Book) Latest() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.latest
}

// Top returns the highest sequence that is claimed.
func (b *Book) Top() uint64 { return b.top.Load() }

// wake wakes all who wait for a change.
func (b *Book) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notify()
}

// notify wakes all who wait for a change. b.mu is held.
func (b *Book) notify() {
	close(b.changed)
	b.changed = make(chan struct{})
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
	b.notify()
}

// Skip tells the Book that the log has no entries about blocks before first, because another capture has forgotten them. The Book
// forgets the claims there too.
func (b *Book) Skip(first uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.skip(first)
}

// skip is Skip. b.mu is held.
func (b *Book) skip(first uint64) {
	if first <= b.oldest {
		return
	}
	b.oldest = first
	b.applied = max(b.applied, first-1)
	for id, c := range b.claims {
		if c.seqs[0] < first {
			b.drop(id)
		}
	}
	b.notify()
}

// passOver notes that the log has no entries that the Book has not read, up to a sequence. b.mu is held.
func (b *Book) passOver(upTo uint64) {
	if upTo > b.applied {
		b.applied = upTo
		b.notify()
	}
}

func (b *Book) apply(seq uint64, at time.Time, e *Entry) {
	switch e.State {
	case settingsEntry:
		b.settings.apply(seq, *e.Settings)
	case lineageEntry:
		b.lineage.apply(seq, *e.Fork)
	case presenceEntry:
		b.presence.apply(seq, at, e)
	case Claimed:
		b.applyClaim(seq, at, e)
	default:
		if c := b.claims[e.Block]; c != nil && c.complete && follows(c.state, e.State) {
			c.state, c.last = e.State, seq
		}
	}
}

// follows reports whether a block of a state may come to another.
func follows(before, state State) bool {
	return before == Claimed && (state == Stored || state == Aborted) || before == Stored && state == Revoked
}

func (b *Book) applyClaim(seq uint64, at time.Time, e *Entry) {
	c := b.claims[e.Block]
	if c == nil {
		if e.Part != 1 {
			return
		}
		c = &claim{id: e.Block, state: Claimed, instance: e.Instance, lineage: e.Lineage, folder: unique.Make(e.Place.folder()), recovered: e.Again, first: ^uint64(0)}
		b.claims[e.Block] = c
	}
	if c.complete || e.Part != len(c.seqs)+1 {
		return
	}
	c.seqs = append(c.seqs, seq)
	c.last, c.at = seq, at
	c.parts = append(c.parts, e.Segments...)
	if e.Part == e.Parts {
		b.complete(c)
	}
}

// complete lets a claim count. Whatever was claimed before it is known now, as the log has one order for all.
func (b *Book) complete(c *claim) {
	segments := c.parts
	c.complete, c.parts = true, nil
	set := segments.Set()
	if set.IsEmpty() {
		return
	}
	c.first, c.final, c.messages, c.latest = set.Minimum(), set.Maximum(), set.GetCardinality(), segments.latest()
	c.finalTime = segments.timeOf(c.final)
	if set.Intersects(b.union) {
		c.contested = roaring64.And(set, b.union)
	}
	if c.recovered {
		b.contest(c, set)
	}
	b.index.add(c)
	b.union.Or(set)
	b.top.Store(max(b.top.Load(), c.final))
	b.owners.add(c, segments)
	b.segments.put(c.id, segments)
}

// contest tells all claims that share a message with one which the log had lost that it may have been made before them.
func (b *Book) contest(lost *claim, set *roaring64.Bitmap) {
	for c := range b.near(lost.first, lost.final) {
		if c == lost || !b.counts(c) || c.final < lost.first || lost.final < c.first {
			continue
		}
		if c.contested == nil {
			c.contested = roaring64.New()
		}
		c.contested.Or(set) // more than it has is no harm
	}
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

// rivals returns the earlier claims that may share a message with the given one and count, and the sequences of it that
// were claimed before.
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
		if _, known := seen[c]; known {
			continue
		}
		seen[c] = struct{}{}
		if b.counts(c) && c.before(mine) && c.first <= final && first <= c.final {
			earlier = append(earlier, c.view())
		}
	}
	return inOrder(earlier), mine.contested.Clone()
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

// counts reports whether a claim stands for messages: they are in its file, or may be.
func (b *Book) counts(c *claim) bool {
	return c.complete && (c.state == Claimed || c.state == Stored) && c.messages > 0
}

// segmentsOf returns the segments of a claim, if they are in the cache, and else the entries of its parts.
func (b *Book) segmentsOf(id string) (Segments, []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if segments := b.segments.get(id); segments != nil {
		return segments, nil
	}
	if c := b.claims[id]; c != nil {
		return nil, slices.Clone(c.seqs)
	}
	return nil, nil
}

// cache keeps the segments of a claim, which must not be changed any more.
func (b *Book) cache(id string, segments Segments) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.claims[id]; c != nil {
		b.owners.read(c, segments)
		b.segments.put(id, segments)
	}
}

// waiter returns a channel that closes at the next Apply.
func (b *Book) waiter() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Applied returns the sequence of the last entry of the log that the Book has, or knows to be gone.
func (b *Book) Applied() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.applied
}

// Stats are the gauges of a Book.
type Stats struct {
	Claims  int    // in memory
	Open    int    // of these, neither stored nor aborted
	Entries uint64 // applied since the start
	Applied uint64 // sequence in the log
	Bytes   uint64 // of the union, the cached segments, and the tables of who owns a sequence
	Forks   int    // of the stream, known to the ledger
}

// Stats returns the gauges. It looks at all claims.
func (b *Book) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Claims: len(b.claims), Entries: b.entries, Applied: b.applied, Bytes: b.union.GetSizeInBytes() + uint64(b.segments.size) + b.owners.size(), Forks: len(b.lineage.forks)}
	for _, c := range b.claims {
		if c.state == Claimed && c.complete {
			s.Open++
		}
	}
	return s
}
