package ledger

import (
	"math"
	"testing"
	"time"
)

// FuzzBook applies any log to a Book, whatever else happens to it: it must not panic, and holders must be claims that count and may have
// the message.
func FuzzBook(f *testing.F) {
	f.Add([]byte{0, 1, 1, 1, 3, 5, 7, 9, 0, 2, 1, 1, 2, 5, 7, 1, 1, 8, 5, 9, 2, 7, 1, 6, 1, 10, 2, 12})
	f.Add([]byte{0, 1, 1, 2, 2, 5, 7, 0, 1, 2, 2, 1, 200, 8, 200, 3, 1, 11, 4, 5, 9, 13, 0, 8, 5})
	f.Fuzz(func(t *testing.T, data []byte) {
		b := NewBook(2_000)
		next := func() (n uint64) {
			if len(data) > 0 {
				n, data = uint64(data[0]), data[1:]
			}
			return n
		}
		wide := func() uint64 { return next() << (next() % 57) } // any sequence
		seq := uint64(0)
		apply := func(e *Entry) {
			seq += 1 + next()%2
			b.Apply(seq, time.Unix(int64(seq), 0), e)
		}
		id := func() string { return string(rune('a' + next()%8)) }
		now := time.Unix(0, 0)
		for len(data) > 0 {
			now = now.Add(time.Minute)
			switch op := next() % 14; op {
			case 0:
				e := &Entry{Block: id(), State: Claimed, Part: int(next() % 4), Parts: int(next() % 4), Again: next()%4 == 0}
				var messages []Message
				for range next() % 16 {
					s := wide()
					messages = append(messages, Message{s, int64(s % math.MaxInt64)})
				}
				e.Segments = NewSegments(received(messages))
				apply(e)
			case 1, 2, 3:
				apply(state(id(), []State{Stored, Aborted, Revoked}[op-1]))
			case 4:
				apply(&Entry{State: settingsEntry, Settings: &Settings{Retention: time.Duration(next()) * time.Minute}})
			case 5:
				apply(&Entry{State: lineageEntry, Fork: &Fork{Lineage: id(), Seq: wide(), Old: int64(next()), New: int64(next())}})
			case 6:
				apply(&Entry{State: presenceEntry, Instance: id(), Presence: &Presence{Does: []Doing{asks, works, left}[next()%3]}})
			case 7:
				b.Skip(next())
			case 8:
				s := wide()
				holders, _ := b.holders(Message{s, int64(s % math.MaxInt64)})
				for _, h := range holders {
					if c := b.claims[h.id]; c == nil || !b.counts(c) || !c.covers(s) {
						t.Fatalf("a holder of %d is %+v", s, h)
					}
				}
			case 9:
				b.rivals(id())
			case 10:
				b.forget(id())
			case 11:
				apply(nil)
			case 12:
				b.Rewind(now)
				seq = 0
			case 13:
				b.overdue(now, time.Minute, time.Hour)
				b.forgettable(wide(), time.Hour, now)
				b.prefix()
				b.Anchors()
				b.Stats()
			}
		}
	})
}
