package ledger

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

const (
	anchorEvery       = 1_000 // messages of a segment
	anchorEverySparse = 100   // where sequences take sparseBytes or more each, so that a claim can be split between anchors
	sparseBytes       = 8
	fewInRun          = 32 // sequences in a row that are added one by one, as adding a range copies what is there
	minSet            = 12 // the fewest bytes that 65,536 sequences of an encoded set take
)

// A segment is a set of sequences whose times never fall, as one capture received them without a break. It keeps the times
// of its anchors alone: the first message, the last, and one of every thousand between.
type segment struct {
	set     *roaring64.Bitmap
	anchors []Message
}

// Segments are the messages of a claim: all their sequences, and the times of about one in a thousand, which tell them from other
// messages with the same sequences. They must not be changed.
type Segments []segment

// groups are what NewSegments puts in order, kept for the next call.
var groups = sync.Pool{New: func() any { return new([]Message) }}

// NewSegments makes Segments of messages in the order in which they were received. The bool of a message says that
// something may have been lost before it: the stream may be another one since, so a segment ends there.
func NewSegments(messages iter.Seq2[Message, bool]) Segments {
	group, _ := groups.Get().(*[]Message)
	defer groups.Put(group)
	var s Segments
	flush := func() {
		s = s.appendGroup(*group)
		*group = (*group)[:0]
	}
	for m, cut := range messages {
		if cut {
			flush()
		}
		*group = append(*group, m)
	}
	flush()
	return s
}

// appendGroup cuts messages that were received without a break wherever their time falls.
func (s Segments) appendGroup(group []Message) Segments {
	bySeq := func(a, b Message) int { return cmp.Compare(a.Seq, b.Seq) }
	if !slices.IsSortedFunc(group, bySeq) {
		slices.SortFunc(group, bySeq)
	}
	for begin := 0; begin < len(group); {
		end := begin + 1
		for end < len(group) && group[end].Time >= group[end-1].Time {
			end++
		}
		s = append(s, newSegment(group[begin:end]))
		begin = end
	}
	return s
}

// newSegment makes a segment of at least one message, by rising sequence and time.
func newSegment(messages []Message) segment {
	g := segment{set: roaring64.New()}
	for i := 0; i < len(messages); {
		first := messages[i].Seq
		next := first + 1
		for i++; i < len(messages) && messages[i].Seq == next; i++ {
			next++
		}
		if next-first > fewInRun {
			g.set.AddRange(first, next)
			continue
		}
		for seq := first; seq < next; seq++ {
			g.set.Add(seq)
		}
	}
	g.set.RunOptimize()
	every := anchorEvery
	if g.set.GetSerializedSizeInBytes() >= uint64(sparseBytes*len(messages)) {
		every = anchorEverySparse
	}
	for i := 0; i < len(messages)-1; i += every {
		g.anchors = append(g.anchors, messages[i])
	}
	g.anchors = append(g.anchors, messages[len(messages)-1])
	return g
}

// A match says whether a message is the one that a claim has with its sequence.
type match int

const (
	other   match = iota // the sequence is another message's, or not there
	unread               // not known yet
	between              // its time lies between the known ones around it, as that of another message may if the server's clock went back
	exact                // it is an anchor, so that there is no doubt
)

// match compares a message with those of the segment.
func (g *segment) match(m Message) match {
	if !g.set.Contains(m.Seq) {
		return other
	}
	return matchAnchors(g.anchors, m)
}

// matchAnchors compares a message, whose sequence a segment has, with its anchors.
func matchAnchors(anchors []Message, m Message) match {
	at, found := slices.BinarySearchFunc(anchors, m.Seq, func(a Message, seq uint64) int { return cmp.Compare(a.Seq, seq) })
	switch {
	case found && anchors[at].Time == m.Time:
		return exact
	case found, at == 0, at == len(anchors): // a set has no sequences outside of its anchors
		return other
	case anchors[at-1].Time <= m.Time && m.Time <= anchors[at].Time:
		return between
	default:
		return other
	}
}

// match compares a message with all of them.
func (s Segments) match(m Message) (best match) {
	for i := range s {
		best = max(best, s[i].match(m))
	}
	return best
}

// Hold reports whether a message is among them: its sequence is, and its time lies between the known ones around it. So it may
// report true for another message with the same sequence, if the server's clock went back.
func (s Segments) Hold(m Message) bool { return s.match(m) != other }

// Set returns the sequences of all segments. It must not be changed.
func (s Segments) Set() *roaring64.Bitmap {
	switch len(s) {
	case 0:
		return roaring64.New()
	case 1:
		return s[0].set
	}
	all := roaring64.New()
	for i := range s {
		all.Or(s[i].set)
	}
	return all
}

// latest returns the highest time of any anchor.
func (s Segments) latest() (latest int64) {
	for i := range s {
		latest = max(latest, s[i].anchors[len(s[i].anchors)-1].Time)
	}
	return latest
}

// timeOf returns the time of the message with the last sequence of all.
func (s Segments) timeOf(final uint64) int64 {
	for i := range s {
		if last := s[i].anchors[len(s[i].anchors)-1]; last.Seq == final {
			return last.Time
		}
	}
	return 0
}

// encode appends the segments to b.
func (s Segments) encode(b []byte) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(s)))
	for i := range s {
		set, err := s[i].set.ToBytes()
		if err != nil {
			return nil, fmt.Errorf("encode sequences: %w", err)
		}
		b = binary.AppendUvarint(b, uint64(len(set)))
		b = append(b, set...)
		b = binary.AppendUvarint(b, uint64(len(s[i].anchors)))
		var last Message
		for _, a := range s[i].anchors {
			b = binary.AppendUvarint(b, a.Seq-last.Seq)
			b = binary.AppendVarint(b, a.Time-last.Time)
			last = a
		}
	}
	return b, nil
}

var errCutOff = errors.New("it is cut off")

// decodeSegments reads what encode wrote, from an untrusted source: what it allocates is bounded by the length of b.
func decodeSegments(b []byte) (Segments, error) { return readSegments(b, decodeSet) }

func readSegments(b []byte, decodeSet func([]byte) (*roaring64.Bitmap, error)) (Segments, error) {
	r := reader{rest: b}
	n := r.count(minSet)
	s := make(Segments, 0, n)
	for range n {
		var g segment
		var err error
		if g.set, err = decodeSet(r.bytes()); r.err == nil && err != nil {
			return nil, err
		}
		anchors := r.count(2)
		var last Message
		for range anchors {
			last.Seq += r.uvarint()
			last.Time += r.varint()
			g.anchors = append(g.anchors, last)
		}
		if r.err != nil {
			return nil, r.err
		}
		if err := g.check(); err != nil {
			return nil, err
		}
		s = append(s, g)
	}
	if r.err == nil && len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the segments", len(r.rest))
	}
	return s, r.err
}

// check sees that anchors rise, and enclose the set.
func (g *segment) check() error {
	if g.set.IsEmpty() || len(g.anchors) == 0 {
		return errors.New("a segment is empty")
	}
	for i := 1; i < len(g.anchors); i++ {
		if g.anchors[i].Seq <= g.anchors[i-1].Seq || g.anchors[i].Time < g.anchors[i-1].Time {
			return errors.New("the anchors of a segment do not rise")
		}
	}
	if g.anchors[0].Seq != g.set.Minimum() || g.anchors[len(g.anchors)-1].Seq != g.set.Maximum() {
		return errors.New("the anchors of a segment do not enclose its sequences")
	}
	return nil
}

// decodeSet reads a bitmap. Its library believes the number of containers that it reads, however large, so that is checked
// against the length first.
func decodeSet(b []byte) (*roaring64.Bitmap, error) {
	if len(b) < 8 || binary.LittleEndian.Uint64(b) > uint64(len(b)/minSet) {
		return nil, errors.New("sequences: their number is wrong")
	}
	set := roaring64.New()
	if err := set.UnmarshalBinary(b); err != nil {
		return nil, fmt.Errorf("sequences: %w", err)
	}
	if err := set.Validate(); err != nil {
		return nil, fmt.Errorf("sequences: %w", err)
	}
	return set, nil
}

// split cuts segments into lists that take at most room bytes each, encoded.
func (s Segments) split(room int) []Segments {
	if whole, err := s.encode(nil); err == nil && len(whole) <= room {
		return []Segments{s}
	}
	const overhead = 64 // of a segment, beside its set and its anchors
	var lists []Segments
	var list Segments
	left := room
	for i := range s {
		for _, piece := range s[i].split(room - overhead) {
			if size := piece.size() + overhead; size > left && len(list) > 0 {
				lists, list, left = append(lists, list), nil, room
			}
			list = append(list, piece)
			left -= piece.size() + overhead
		}
	}
	return append(lists, list)
}

func (g *segment) size() int {
	return int(g.set.GetSerializedSizeInBytes()) + 20*len(g.anchors)
}

// split cuts a segment into pieces that are segments themselves. They end at anchors, since only these have times; a piece
// without one of its own at either side would say less than the whole.
func (g *segment) split(room int) []segment {
	if g.size() <= room || len(g.anchors) < 3 {
		return []segment{*g}
	}
	middle := len(g.anchors) / 2
	low, high := segment{anchors: g.anchors[:middle+1]}, segment{anchors: g.anchors[middle:]}
	at := g.anchors[middle].Seq
	low.set, high.set = g.set.Clone(), g.set.Clone()
	low.set.RemoveRange(at+1, g.set.Maximum()+1)
	high.set.RemoveRange(0, at)
	low.set.RunOptimize()
	high.set.RunOptimize()
	return append(low.split(room), high.split(room)...)
}

// A reader reads numbers and fields of an untrusted source. After its first error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.err = cmp.Or(r.err, errCutOff)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.err = cmp.Or(r.err, errCutOff)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads how many items follow that take at least so many bytes each.
func (r *reader) count(each int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/each) {
		r.err = cmp.Or(r.err, errCutOff)
		return 0
	}
	return int(n)
}

// bytes reads a field with its length before it.
func (r *reader) bytes() []byte {
	n := r.count(1)
	field := r.rest[:n]
	r.rest = r.rest[n:]
	return field
}
