package ledger

import (
	"cmp"
	"slices"
)

// lineage is the fold of the forks of a stream, the oldest first.
type lineage struct {
	forks []placedFork
	last  uint64 // entry in the log
}

// A placedFork is one that the log has.
type placedFork struct {
	Fork
	at uint64 // its entry
}

func (l *lineage) apply(seq uint64, f Fork) {
	l.forks = append(l.forks, placedFork{f, seq})
	l.last = seq
}

// name returns the name of what the stream is now, "" before any fork.
func (l *lineage) name() string {
	if len(l.forks) == 0 {
		return ""
	}
	return l.forks[len(l.forks)-1].Lineage
}

// knows reports whether a fork is one that the log has already: somebody else noticed it, or another message of it was
// noticed before.
func (l *lineage) knows(f Fork) bool {
	for _, known := range l.forks {
		if f.Seq >= known.Seq && f.Old <= known.Old && (f.New == 0 || f.New >= known.New) {
			return true
		}
	}
	return false
}

// endOf returns the highest sequence of a claim that the stream may still have.
func (l *lineage) endOf(c *claim) uint64 {
	end := ^uint64(0)
	for _, f := range l.forks {
		if c.lineage != f.Lineage && c.position() < f.at {
			end = min(end, f.Seq-1)
		}
	}
	return end
}

// unclear reports whether a time does not tell if a message is the one of a claim: the sequence was given to two messages, and
// the server's clock was behind when it took the second, so that either may have this time. That is so in claims of captures
// that had not noticed the fork.
func (l *lineage) unclear(claimed string, m Message) bool {
	for i, f := range l.forks {
		if m.Seq < f.Seq || m.Time < f.New || m.Time > f.Old {
			continue
		}
		if !l.descends(claimed, i) {
			return true
		}
	}
	return false
}

// parted reports whether the stream may have given sequences to other messages since a capture knew it as a lineage says. Which ones is
// not known exactly: the first that somebody noticed may not be the first.
func (l *lineage) parted(claimed string) bool {
	return len(l.forks) > 0 && !l.descends(claimed, len(l.forks)-1)
}

// descends reports whether a lineage begins with the fork at that place, or a later one.
func (l *lineage) descends(name string, at int) bool {
	for _, f := range l.forks[at:] {
		if f.Lineage == name {
			return true
		}
	}
	return false
}

// Lineage returns the name of the stream since its latest fork, "" if the ledger knows of none.
func (b *Book) Lineage() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lineage.name()
}

// Forks returns the forks of the stream that the ledger knows, the oldest first.
func (b *Book) Forks() []Fork {
	b.mu.Lock()
	defer b.mu.Unlock()
	forks := make([]Fork, len(b.lineage.forks))
	for i, f := range b.lineage.forks {
		forks[i] = f.Fork
	}
	return forks
}

func (b *Book) parted(claimed string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lineage.parted(claimed)
}

func (b *Book) unclear(claimed string, m Message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lineage.unclear(claimed, m)
}

// nextFork returns a fork as an entry has it, with the latest time of all claims that reach beyond its sequence, and the entry of
// the lineage before it, or false if the log has it already.
func (b *Book) nextFork(f Fork) (Fork, uint64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lineage.knows(f) {
		return f, 0, false
	}
	f.Parent = b.lineage.name()
	for _, c := range b.claims {
		if c.complete && c.final >= f.Seq {
			f.Old = max(f.Old, c.latest)
		}
	}
	return f, b.lineage.last, true
}

// lastFork returns the last entry of the lineage, 0 without one.
func (b *Book) lastFork() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lineage.last
}

// Forked reports whether the ledger knows of a fork after which the stream took this message.
func (b *Book) Forked(m Message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.lineage.forks {
		if m.Seq >= f.Seq && (f.New == 0 || m.Time >= f.New) {
			return true
		}
	}
	return false
}

// anchorsMost is how many messages Anchors returns.
const anchorsMost = 128

// Anchors returns up to 128 of the claimed messages that the known forks have left in the stream, by rising sequence, the
// highest among them. If the stream does not have one of them with this time, it has forked again.
func (b *Book) Anchors() []Message {
	anchors := b.lastMessages()
	slices.SortFunc(anchors, func(a, b Message) int { return cmp.Compare(a.Seq, b.Seq) })
	anchors = slices.CompactFunc(anchors, func(a, b Message) bool { return a.Seq == b.Seq })
	for len(anchors) > anchorsMost {
		half := anchors[:0]
		for i := len(anchors)%2 ^ 1; i < len(anchors); i += 2 { // the last among them
			half = append(half, anchors[i])
		}
		anchors = half
	}
	return anchors
}

// lastMessages returns the last message of each claim that the stream may have.
func (b *Book) lastMessages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	messages := make([]Message, 0, len(b.claims))
	for _, c := range b.claims {
		if c.messages > 0 && c.final <= b.lineage.endOf(c) {
			messages = append(messages, Message{c.final, c.finalTime})
		}
	}
	return messages
}
