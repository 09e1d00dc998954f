package ledger

import (
	"cmp"
	"iter"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

const (
	windowBits  = 16        // a window has 65,536 sequences, as a container of a bitmap
	windowsMost = 8         // of which tables are kept: 2 MiB, and as much as the anchors take
	ownersMost  = 1 << 18   // of a window, of which one sequence may have many; with more, the window is made again
	ownerBytes  = 32 + 4*16 // with a few anchors
)

// owners say which claims have a sequence, without a look at each claim whose range it is in: with ten thousand destination keys
// these are ten thousand. They are tables of windows of sequences, each made when one of its sequences is looked up.
type owners struct {
	windows []*window // the one that was used last is the last
}

// A window is a table of the claims of some sequences.
type window struct {
	first  uint64
	table  [1 << windowBits]uint32 // of each sequence, the place of its owner in owners, from 1; 0 if it has none
	owners []owner
	more   map[uint64][]uint32 // of sequences with several owners: all but the one in the table
	unread []*claim            // whose segments were not in memory: they may own any sequence of their range
}

// An owner is a segment of a claim.
type owner struct {
	claim   *claim
	anchors []Message
}

// find returns the window of a sequence, nil if there is none.
func (o *owners) find(seq uint64) *window {
	first := seq >> windowBits << windowBits
	for i := len(o.windows) - 1; i >= 0; i-- {
		if w := o.windows[i]; w.first == first {
			if i < len(o.windows)-1 {
				o.windows = append(slices.Delete(o.windows, i, i+1), w)
			}
			return w
		}
	}
	return nil
}

// put adds a window, in place of the one that was not used for the longest time if they are too many.
func (o *owners) put(w *window) {
	if len(o.windows) == windowsMost {
		o.windows = slices.Delete(o.windows, 0, 1)
	}
	o.windows = append(o.windows, w)
}

// add tells the windows of a new claim.
func (o *owners) add(c *claim, segments Segments) {
	o.windows = slices.DeleteFunc(o.windows, func(w *window) bool {
		if c.first <= w.last() && w.first <= c.final {
			w.add(c, segments)
		}
		return len(w.owners) > ownersMost
	})
}

// read tells the windows of the segments of a claim, if they lacked them.
func (o *owners) read(c *claim, segments Segments) {
	for _, w := range o.windows {
		if i := slices.Index(w.unread, c); i >= 0 {
			w.unread = slices.Delete(w.unread, i, i+1)
			w.add(c, segments)
		}
	}
}

// size is what the windows take in memory.
func (o *owners) size() (bytes uint64) {
	for _, w := range o.windows {
		bytes += 4<<windowBits + ownerBytes*uint64(len(w.owners)) + 64*uint64(len(w.more)) + 8*uint64(len(w.unread))
	}
	return bytes
}

func (w *window) last() uint64 { return w.first + 1<<windowBits - 1 }

// add makes a claim an owner of its sequences in the window.
func (w *window) add(c *claim, segments Segments) {
	for i := range segments {
		in := segments[i].set.Iterator()
		if in.AdvanceIfNeeded(w.first); !in.HasNext() || in.PeekNext() > w.last() {
			continue
		}
		w.owners = append(w.owners, owner{c, segments[i].anchors})
		w.own(in, uint32(len(w.owners)))
	}
}

func (w *window) own(in roaring64.IntPeekable64, place uint32) {
	for in.HasNext() && in.PeekNext() <= w.last() {
		seq := in.Next()
		if at := &w.table[seq-w.first]; *at == 0 {
			*at = place
			continue
		}
		if w.more == nil {
			w.more = map[uint64][]uint32{}
		}
		w.more[seq] = append(w.more[seq], place)
	}
}

// of yields the owners of a sequence.
func (w *window) of(seq uint64) iter.Seq[*owner] {
	return func(yield func(*owner) bool) {
		place := w.table[seq-w.first]
		if place == 0 || !yield(&w.owners[place-1]) {
			return
		}
		for _, place := range w.more[seq] {
			if !yield(&w.owners[place-1]) {
				return
			}
		}
	}
}

// A holder is a claim that may hold a message.
type holder struct {
	view
	match match // unread if its segments are not in memory
}

// readsMost is how many claims are read from the log to find out whether they hold one message. Where there are more, as when the
// segments of ten thousands of claims do not fit into memory, Commit reads them, beside whoever takes messages.
const readsMost = 16

// holders returns the claims that count and hold a message, or may. Which of them need a closer look is up to the caller. reused
// reports that a claim has its sequence for another message.
func (b *Book) holders(m Message) (holders []holder, reused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.union.Contains(m.Seq) {
		return nil, false
	}
	w := b.window(m.Seq)
	for o := range w.of(m.Seq) {
		if b.claims[o.claim.id] != o.claim || !b.counts(o.claim) {
			continue
		}
		if match := matchAnchors(o.anchors, m); match != other {
			holders = append(holders, holder{o.claim.view(), match})
		} else {
			reused = true
		}
	}
	known := len(holders)
	for _, c := range w.unread {
		if !c.covers(m.Seq) || !b.counts(c) || b.claims[c.id] != c {
			continue
		}
		if len(holders) == known+readsMost {
			return holders[:known], reused
		}
		holders = append(holders, holder{c.view(), unread})
	}
	return holders, reused
}

// window returns the table of the claims near a sequence. b.mu is held.
func (b *Book) window(seq uint64) *window {
	if w := b.owners.find(seq); w != nil {
		return w
	}
	w := &window{first: seq >> windowBits << windowBits}
	for _, c := range b.claimsOf(w.first, w.last()) {
		if segments := b.segments.get(c.id); segments != nil {
			w.add(c, segments)
		} else {
			w.unread = append(w.unread, c)
		}
	}
	b.owners.put(w)
	return w
}

// claimsOf returns the claims of which a part may be in a range, as they stand in the log. b.mu is held.
func (b *Book) claimsOf(first, last uint64) (in []*claim) {
	for c := range b.index.near(first, last) {
		if c.first <= last && first <= c.final {
			in = append(in, c)
		}
	}
	slices.SortFunc(in, func(a, b *claim) int { return cmp.Compare(a.position(), b.position()) })
	return slices.Compact(in)
}
