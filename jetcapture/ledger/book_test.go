package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

var streamMade = time.Unix(1, 2)

// story applies entries, one second after the other.
func story(b *Book, entries ...*Entry) {
	for _, e := range entries {
		seq := b.Stats().Applied + 1
		b.Apply(seq, time.Unix(int64(seq), 0), e)
	}
}

func state(id string, s State) *Entry { return &Entry{Block: id, State: s, Created: streamMade} }

func part(id string, n, of int, seqs ...uint64) *Entry {
	return &Entry{Block: id, State: Claimed, Created: streamMade, Part: n, Parts: of, Set: roaring64.BitmapOf(seqs...)}
}

func ids(views []view) (ids []string) {
	for _, v := range views {
		ids = append(ids, v.id)
	}
	return ids
}

func TestRivalsAreEarlierClaimsThatMayShareAMessage(t *testing.T) {
	b := NewBook(streamMade, 1<<20)
	story(b,
		claimEntry("a", 1, 3, 5), claimEntry("b", 2, 4), claimEntry("aborted", 1, 2, 3), state("aborted", Aborted),
		part("halves", 1, 2, 5), claimEntry("c", 5, 6), part("halves", 2, 2, 6),
		claimEntry("apart", 100, 200), claimEntry("later", 5))
	for id, want := range map[string][]string{
		"a": nil, "b": nil, "aborted": {"a", "b"}, "c": {"a"}, "halves": {"a", "c"}, "apart": nil, "later": {"a", "c", "halves"},
	} {
		if got, _ := b.rivals(id); !slices.Equal(sorted(ids(got)), sorted(want)) {
			t.Errorf("rivals of %s are %v, want %v", id, ids(got), want)
		}
	}
	if _, contested := b.rivals("c"); !contested.Equals(roaring64.BitmapOf(5)) {
		t.Errorf("contested are %v", contested)
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func TestTheFirstFinalStateCounts(t *testing.T) {
	b := NewBook(streamMade, 1<<20)
	story(b, claimEntry("a", 1), state("a", Stored), state("a", Aborted), state("unknown", Stored))
	if v, _ := b.view("a"); v.state != Stored || v.last != 2 {
		t.Errorf("a is %+v", v)
	}
	if _, ok := b.view("unknown"); ok {
		t.Error("a state makes a claim")
	}
}

func TestClaimsOnAnEarlierStreamDoNotCount(t *testing.T) {
	b := NewBook(time.Unix(99, 0), 1<<20)
	story(b, claimEntry("a", 1, 2, 3), state("a", Stored))
	if held := b.holders(2); held != nil {
		t.Errorf("sequence 2 is held by %v", ids(held))
	}
	now := time.Unix(1000, 0)
	if old := b.forgettable(0, time.Hour, now); old != nil {
		t.Errorf("%v can be forgotten at once", ids(old))
	}
	if old := b.forgettable(0, time.Hour, now.Add(time.Hour)); len(old) != 1 {
		t.Error("they are never forgotten")
	}
}

func TestClaimsAreForgottenOnceTheFloorHasPassedThemForLong(t *testing.T) {
	b := NewBook(streamMade, 1<<20)
	story(b, claimEntry("a", 1, 2), state("a", Stored), claimEntry("b", 3, 4), claimEntry("c", 5, 6), state("c", Aborted))
	now := time.Unix(1000, 0)
	if old := b.forgettable(4, time.Hour, now); old != nil {
		t.Errorf("%v can be forgotten at once", ids(old))
	}
	now = now.Add(time.Hour)
	if old := ids(b.forgettable(4, time.Hour, now)); !slices.Equal(old, []string{"a"}) { // b is open, c above the floor
		t.Errorf("%v can be forgotten", old)
	}
	b.forget("a")
	if upTo := b.prefix(); upTo != 2 {
		t.Errorf("the log can be purged up to %d", upTo)
	}
	if b.holders(1) != nil || b.holders(3) == nil {
		t.Error("the union is not that of the claims left")
	}
	b.forgettable(1, time.Hour, now) // the floor is back, as after a reset: the time starts anew
	story(b, state("b", Stored))
	b.forgettable(6, time.Hour, now)
	if old := b.forgettable(6, time.Hour, now.Add(59*time.Minute)); old != nil {
		t.Errorf("%v can be forgotten too early", ids(old))
	}
}

func TestSkipForgetsWhatTheLogHasNotAnyMore(t *testing.T) {
	b := NewBook(streamMade, 1<<20)
	story(b, claimEntry("a", 1, 2), claimEntry("b", 3))
	changed := b.waiter()
	b.Skip(2) // no news
	b.Skip(9)
	select {
	case <-changed:
	default:
		t.Error("those who wait are not told")
	}
	if s := b.Stats(); s.Claims != 0 || s.Applied != 8 {
		t.Errorf("after Skip: %+v", s)
	}
	b.Apply(9, time.Unix(9, 0), claimEntry("c", 1))
	if v, ok := b.view("c"); !ok || !v.complete {
		t.Error("the entry after the gap is not applied")
	}
}

func TestSetsAreBoundedAndUnionIsNot(t *testing.T) {
	b := NewBook(streamMade, 10_000)
	for i := range uint64(2_000) {
		story(b, claimEntry(time.Unix(int64(i), 0).String(), 3*i, 3*i+1, 3*i+2))
	}
	if b.sets.size > 10_000 || len(b.sets.sets) == 0 {
		t.Errorf("%d sets take %d bytes", len(b.sets.sets), b.sets.size)
	}
	if got := b.union.GetCardinality(); got != 6_000 {
		t.Errorf("%d sequences are in the union", got)
	}
	if b.union.RunOptimize(); b.union.GetSizeInBytes() > 200 {
		t.Errorf("one run takes %d bytes", b.union.GetSizeInBytes())
	}
}

// BenchmarkHolders asks for messages of ten thousand claims, as when many are delivered again.
func BenchmarkHolders(b *testing.B) {
	book := NewBook(streamMade, 1<<20)
	for i := range uint64(10_000) {
		e := claimEntry(time.Unix(int64(i), 0).String())
		for k := range uint64(100) { // ten claims take turns
			e.Set.Add(i/10*1_000 + i%10 + 10*k)
		}
		story(book, e)
	}
	b.ReportAllocs()
	seq := uint64(0)
	for b.Loop() {
		if book.holders(seq) == nil {
			b.Fatal("nobody has it")
		}
		seq = (seq + 7_919) % 1_000_000
	}
}
