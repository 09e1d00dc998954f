package jetcapture

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/blockname"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/held"
	"github.com/jetcapture/lake/jetcapture/internal/suspects"
	"github.com/jetcapture/lake/store"
)

// openBlocks are the blocks that take messages. The loop owns them, and takes no lock.
type openBlocks[P Payload, K DestKey] struct {
	o       *Options[P, K]
	specs   *blockSpecs
	limits  sealLimits
	budget  *budget
	clocks  *clocks
	lineage string // of the stream, as the ledger had it when the epoch began

	payloads    map[openKey[K]]*openBlock[P, K]
	latest      map[K]*openBlock[P, K]               // of each destination key, the block that may take messages of later intervals
	deadLetters map[int64]*openBlock[*DeadLetter, K] // by interval start
	recent      *openBlock[P, K]                     // the one that was found last, if it is still there
	recentKey   openKey[K]

	openSize
}

// openSize is what open blocks have together.
type openSize struct {
	messages int
	fullest  int // the most messages that a block has, or had
	memory   int64
	heaviest int64 // the most memory that a block has, or had
}

// An openKey tells open blocks of payloads apart.
type openKey[K DestKey] struct {
	destKey K
	start   int64 // of the interval, in nanoseconds since 1970
	failed  int   // how many blocks of its messages failed
}

func newOpenBlocks[P Payload, K DestKey](o *Options[P, K], specs *blockSpecs, b *budget, c *clocks) openBlocks[P, K] {
	return openBlocks[P, K]{
		o: o, specs: specs, limits: o.sealLimits(), budget: b, clocks: c,
		payloads: make(map[openKey[K]]*openBlock[P, K]), latest: make(map[K]*openBlock[P, K]),
		deadLetters: make(map[int64]*openBlock[*DeadLetter, K]),
	}
}

// count returns how many blocks are open.
func (o *openBlocks[P, K]) count() int { return len(o.payloads) + len(o.deadLetters) }

// oldest returns when the block of payloads was opened that is open longest, zero without one.
func (o *openBlocks[P, K]) oldest() (opened time.Time) {
	for _, b := range o.payloads {
		if opened.IsZero() || b.opened.Before(opened) {
			opened = b.opened
		}
	}
	return opened
}

// find returns the open block of a destination key and a message's interval, for messages of as many failed blocks. It opens one if
// there is none.
func (o *openBlocks[P, K]) find(destKey K, d *acks.Delivery, failed int) (*openBlock[P, K], error) {
	start := o.limits.intervalOf(d.Timestamp)
	key := openKey[K]{destKey, start.UnixNano(), failed}
	if o.recent != nil && key == o.recentKey {
		return o.recent, nil
	}
	if b := o.payloads[key]; b != nil {
		o.recent, o.recentKey = b, key
		return b, nil
	}
	if b := o.lingering(key, start); b != nil {
		return b, nil
	}
	return o.open(key, start)
}

// open opens a block.
func (o *openBlocks[P, K]) open(key openKey[K], start time.Time) (*openBlock[P, K], error) {
	if err := o.canLocate(key.destKey, start); err != nil {
		return nil, err
	}
	b := &openBlock[P, K]{block: o.newBlock(start)}
	b.destKey, b.failed = key.destKey, key.failed
	if err := guard.Call("WriterFactory", func() error { b.writer = o.o.WriterFactory(); return nil }); err != nil {
		return nil, err
	}
	if err := b.openEncoder(b.writer, o.specs.blocks); err != nil {
		return nil, err
	}
	o.payloads[key] = b
	if latest := o.latest[key.destKey]; o.limits.minMessages > 0 && key.failed == 0 && (latest == nil || latest.start.Before(start)) {
		o.latest[key.destKey] = b
	}
	o.opened(b.block)
	return b, nil
}

// canLocate checks that the store has a location for a destination key, where it can be asked. Otherwise the block could never be
// stored, and its messages would come again and again. Other errors show when it is stored.
func (o *openBlocks[P, K]) canLocate(destKey K, start time.Time) (err error) {
	locator, ok := o.o.Store.(store.Locator[K])
	if !ok {
		return nil
	}
	err = guard.Call("the store", func() error {
		_, err := locator.Locate(context.Background(), destKey, o.o.Layout(start), deadLetterSuffix)
		return err
	})
	if !errors.Is(err, store.ErrDestKey) {
		return nil
	}
	return err
}

// findDeadLetters is find for dead letters.
func (o *openBlocks[P, K]) findDeadLetters(d *acks.Delivery) (*openBlock[*DeadLetter, K], error) {
	start := o.limits.intervalOf(d.Timestamp)
	if b := o.deadLetters[start.UnixNano()]; b != nil {
		return b, nil
	}
	b := &openBlock[*DeadLetter, K]{block: o.newBlock(start), writer: newDeadLetterWriter()}
	b.deadLetter = true
	if err := b.openEncoder(b.writer, o.specs.deadLetters); err != nil {
		return nil, err
	}
	o.deadLetters[start.UnixNano()] = b
	o.opened(b.block)
	return b, nil
}

func (o *openBlocks[P, K]) newBlock(start time.Time) *block[K] {
	end := start.Add(o.limits.interval)
	return &block[K]{
		id: blockname.NewID(o.specs.idPrefix), lineage: o.lineage, start: start, end: end,
		opening: opening{last: start, opened: o.clocks.now, late: !o.clocks.stream.Before(end.Add(o.limits.grace))},
	}
}

func (o *openBlocks[P, K]) opened(b *block[K]) {
	o.account(b)
	if o.o.Observer.BlockOpened != nil {
		o.o.Observer.BlockOpened(b.describe())
	}
}

// add counts a message that was written to a block.
func (o *openBlocks[P, K]) add(b *block[K], d *acks.Delivery, rows int) {
	b.add(d, rows)
	o.messages++
	o.fullest = max(o.fullest, b.Count())
	o.account(b)
}

// account brings the memory count up to date with a block.
func (o *openBlocks[P, K]) account(b *block[K]) {
	n := b.measure()
	o.memory += n - b.budgeted
	o.heaviest = max(o.heaviest, n)
	b.budgeted = n
}

// close takes a block out of the open ones.
func (o *openBlocks[P, K]) close(b *block[K]) {
	o.recent = nil
	o.messages -= b.Count()
	o.memory -= b.budgeted
	if b.deadLetter {
		delete(o.deadLetters, b.start.UnixNano())
		return
	}
	delete(o.payloads, b.key())
	if latest := o.latest[b.destKey]; latest != nil && latest.block == b {
		delete(o.latest, b.destKey)
	}
}

// all yields all open blocks, of payloads and of dead letters.
func (o *openBlocks[P, K]) all() iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for _, b := range o.payloads {
			if !yield(b.block) {
				return
			}
		}
		for _, b := range o.deadLetters {
			if !yield(b.block) {
				return
			}
		}
	}
}

// reason decides whether an open block seals now. One that has few messages when its interval ends lingers: it takes
// the blocks of the next intervals in the same folder.
func (o *openBlocks[P, K]) reason(b *block[K]) SealReason {
	if suspects.BlockIsFull(b.failed, b.Count()) {
		return SealSuspect
	}
	stats := b.stats()
	if o.limits.maxBytes > 0 { // it takes longer than all else, and ten thousand blocks are checked ten times a second
		stats.bytes = b.spool.Size() + b.buffered()
	}
	reason := sealReason(stats, o.limits, *o.clocks)
	switch reason {
	case SealInterval, SealIdle, SealAge:
		if o.lingers(b) {
			return ""
		}
	}
	return reason
}

// lingers says whether a block whose interval is over waits for messages of later ones.
func (o *openBlocks[P, K]) lingers(b *block[K]) bool {
	most := o.limits.interval + o.limits.grace + o.limits.maxLinger
	if b.deadLetter || b.failed > 0 || b.Count() >= o.limits.minMessages || o.clocks.now.Sub(b.opened) >= most {
		return false
	}
	now := o.clocks.stream.Add(-o.limits.grace).UTC().Truncate(o.limits.interval)
	return o.sameFolder(b, b.end) && (now.Before(b.end) || o.sameFolder(b, now))
}

func (o *openBlocks[P, K]) sameFolder(b *block[K], start time.Time) bool {
	return o.o.Layout(start) == o.o.Layout(b.start)
}

// lingering returns the open block of a destination key that takes messages of an interval beside those it was opened for.
func (o *openBlocks[P, K]) lingering(key openKey[K], start time.Time) *openBlock[P, K] {
	b := o.latest[key.destKey]
	switch {
	case b == nil || key.failed > 0 || start.Before(b.start):
		return nil
	case start.Before(b.end):
		return b // one that it lingered in already
	case b.Count() >= o.limits.minMessages || !o.sameFolder(b.block, start):
		return nil
	}
	delete(o.payloads, b.key())
	b.last, b.end = start, start.Add(o.limits.interval)
	o.payloads[key] = b
	return b
}

// The largest blocks are sealed while open ones hold so much, of messages or of memory, that pulling would have to wait until some
// are stored.
//
// The rest of what may be held is room for what comes in while sealed blocks are stored: as much as the largest block has, and
// a share of all at least. So one large block is sealed at half, and of many small ones, whose files should be as large as they can,
// few at a time. Where the store is slow, pulling pauses, and to seal more would not help.

// isFull reports whether open blocks hold so many messages that some must be sealed.
func (s *openSize) isFull(b *budget) bool { return s.messages >= s.messagesLimit(b) }

// isHeavy reports whether open blocks, with the record of their messages, hold so much memory that some must be sealed.
func (s *openSize) isHeavy(b *budget, h *held.Set) bool { return s.memory >= s.memoryLimit(b, h) }

func (s *openSize) messagesLimit(b *budget) int {
	return max(1, min(b.inFlight-max(s.fullest, b.inFlight/roomShare), b.open))
}

func (s *openSize) memoryLimit(b *budget, h *held.Set) int64 {
	record := float64(h.Bytes()) * float64(s.messages) / float64(max(1, h.Len())) // of the messages of open blocks
	return max(1, b.memory-int64(record)-max(s.heaviest, b.memory/roomShare))
}

// fullBlocks yields the blocks to seal when isFull.
func (o *openBlocks[P, K]) fullBlocks() iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for _, b := range o.largest(func(b *block[K]) int64 { return int64(b.Count()) }) {
			o.fullest = b.Count()
			if o.messages+o.budget.inFlight/moreMessagesShare < o.messagesLimit(o.budget) || !yield(b) {
				return
			}
		}
		o.fullest = 0
	}
}

// heavyBlocks yields the blocks to seal when isHeavy. One that can move to disk stays open.
func (o *openBlocks[P, K]) heavyBlocks(h *held.Set) iter.Seq[*block[K]] {
	return func(yield func(*block[K]) bool) {
		for _, b := range o.largest(func(b *block[K]) int64 { return b.budgeted }) {
			o.heaviest = b.budgeted
			if o.memory+o.budget.memory/moreMemoryShare < o.memoryLimit(o.budget, h) || !o.spill(b) && !yield(b) {
				return
			}
		}
		o.heaviest = 0
	}
}

// spill moves what a block's writer holds to its spool on disk, and reports whether that freed most of it.
func (o *openBlocks[P, K]) spill(b *block[K]) bool {
	spiller, ok := format.As[format.Spiller](b.encoder)
	if !ok || o.specs.blocks.spools == nil {
		return false
	}
	if err := guard.Call("Spill", spiller.Spill); err != nil {
		return false // the same error shows when it is sealed
	}
	before := b.budgeted
	o.account(b)
	return b.budgeted <= before/2
}

// largest returns the open blocks by falling size.
func (o *openBlocks[P, K]) largest(size func(*block[K]) int64) []*block[K] {
	return slices.SortedFunc(o.all(), func(a, b *block[K]) int { return cmp.Compare(size(b), size(a)) })
}

// key returns by what the block is found while it is open.
func (b *block[K]) key() openKey[K] { return openKey[K]{b.destKey, b.last.UnixNano(), b.failed} }
