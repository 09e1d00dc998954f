package ledger

import (
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
)

// story applies entries, one second after the other.
func story(b *Book, entries ...*Entry) {
	for _, e := range entries {
		seq := b.Stats().Applied + 1
		b.Apply(seq, time.Unix(int64(seq), 0), e)
	}
}

func state(id string, s State) *Entry { return &Entry{Block: id, State: s} }

func part(id string, n, of int, seqs ...uint64) *Entry {
	return &Entry{Block: id, State: Claimed, Part: n, Parts: of, Segments: segmentsOf(seqs...)}
}

func ids(views []view) (ids []string) {
	for _, v := range views {
		ids = append(ids, v.id)
	}
	return ids
}

func TestRivalsAreEarlierClaimsThatMayShareAMessage(t *testing.T) {
	b := NewBook(1 << 20)
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
	b := NewBook(1 << 20)
	story(b, claimEntry("a", 1), state("a", Stored), state("a", Aborted), state("unknown", Stored))
	if v, _ := b.view("a"); v.state != Stored || v.last != 2 {
		t.Errorf("a is %+v", v)
	}
	if _, ok := b.view("unknown"); ok {
		t.Error("a state makes a claim")
	}
}

func held(seq uint64) Message { return Message{seq, second(int64(seq))} }

func holdersOf(b *Book, m Message) (views []view) {
	holders, _ := b.holders(m)
	for _, h := range holders {
		views = append(views, h.view)
	}
	return views
}

func TestAClaimDoesNotCountForOtherMessagesOfItsSequences(t *testing.T) {
	b := NewBook(1 << 20)
	story(b, claimEntry("a", 1, 2, 3), state("a", Stored))
	if got := ids(holdersOf(b, held(2))); !slices.Equal(got, []string{"a"}) {
		t.Errorf("message 2 is held by %v", got)
	}
	if got := ids(holdersOf(b, Message{2, second(1_000)})); got != nil {
		t.Errorf("a later message with sequence 2 is held by %v", got)
	}
}

func TestWhatIsBehindAForkIsForgottenAfterTheRetention(t *testing.T) {
	b := NewBook(1 << 20)
	story(b, claimEntry("a", 1, 2, 3), state("a", Stored), &Entry{State: lineageEntry, Fork: &Fork{Lineage: "f", Seq: 2, Old: second(3)}})
	now := time.Unix(1000, 0)
	b.forgettable(0, time.Hour, now)
	if old := b.forgettable(0, time.Hour, now.Add(time.Hour)); old != nil {
		t.Errorf("%v is forgotten, though message 1 may come again", ids(old))
	}
	b.forgettable(1, time.Hour, now)
	if old := b.forgettable(1, time.Hour, now.Add(time.Hour)); len(old) != 1 {
		t.Error("a claim whose last messages never come again is never forgotten")
	}
}

// The clock of the server was behind when it took the second message with sequence 2.
func TestAMessageIsUnclearOnlyWhereTwoMayHaveItsSequenceAndTime(t *testing.T) {
	b := NewBook(1 << 20)
	story(b, &Entry{State: lineageEntry, Fork: &Fork{Lineage: "f1", Seq: 10, Old: second(100), New: second(50)}})
	for _, c := range []struct {
		lineage string
		m       Message
		want    bool
	}{
		{"", Message{12, second(60)}, true},
		{"f1", Message{12, second(60)}, false}, // claimed by a capture that knew
		{"", Message{9, second(60)}, false},
		{"", Message{12, second(49)}, false},
		{"", Message{12, second(101)}, false},
	} {
		if got := b.unclear(c.lineage, c.m); got != c.want {
			t.Errorf("%v claimed in lineage %q: %v", c.m, c.lineage, got)
		}
	}
	story(b, &Entry{State: lineageEntry, Fork: &Fork{Lineage: "f2", Parent: "f1", Seq: 20, Old: second(200), New: second(300)}})
	if b.unclear("f2", Message{22, second(250)}) || b.unclear("f1", Message{22, second(250)}) {
		t.Error("a fork whose times do not overlap leaves something unclear")
	}
}

func TestAForkIsNotedOnce(t *testing.T) {
	b := NewBook(1 << 20)
	f := Fork{Lineage: "f1", Seq: 10, Old: second(100), New: second(200)}
	story(b, &Entry{State: lineageEntry, Fork: &f})
	for _, c := range []struct {
		f   Fork
		new bool
	}{
		{f, false},
		{Fork{Seq: 12, Old: second(90), New: second(201)}, false},
		{Fork{Seq: 12, Old: second(90)}, false},
		{Fork{Seq: 9, Old: second(90), New: second(199)}, true},
		{Fork{Seq: 20, Old: second(210), New: second(300)}, true},
	} {
		if _, _, unknown := b.nextFork(c.f); unknown != c.new {
			t.Errorf("%+v is new: %v", c.f, unknown)
		}
	}
}

// Raised or lowered: one capture may forget by the shorter one while another stores by the longer one.
func TestWhileTheRetentionChangesEntriesAreKeptByTheLongerAndBlocksAreTooOldByTheShorter(t *testing.T) {
	b, now := NewBook(1<<20), time.Unix(1000, 0)
	set := func(r time.Duration) { story(b, &Entry{State: settingsEntry, Settings: &Settings{Retention: r}}) }
	want := func(kept, age time.Duration) {
		t.Helper()
		if gotAge, gotKept := b.retentions(now); gotKept != kept || gotAge != age {
			t.Errorf("entries are kept for %v, and blocks too old by %v, want %v and %v", gotKept, gotAge, kept, age)
		}
	}
	set(time.Hour)
	want(time.Hour, time.Hour)
	set(time.Minute)
	want(time.Hour, time.Minute)
	now = now.Add(59 * time.Minute)
	want(time.Hour, time.Minute)
	set(2 * time.Minute)
	want(time.Hour, time.Minute)
	now = now.Add(2 * time.Hour)
	want(2*time.Minute, 2*time.Minute)
	set(3 * time.Hour)
	want(3*time.Hour, 2*time.Minute)
	now = now.Add(4 * time.Hour)
	want(3*time.Hour, 3*time.Hour)
}

// The log has lost claims, and others have claimed the same messages before they were appended again: nobody knows who was first.
func TestAClaimThatTheLogHadLostCountsAgainstAllOthers(t *testing.T) {
	b := NewBook(1 << 20)
	copied := claimEntry("lost", 1, 2)
	copied.Again = true
	twice := claimEntry("lost too", 2, 5)
	twice.Again = true
	story(b, claimEntry("before", 1), claimEntry("meanwhile", 2, 3), copied, state("lost", Stored), twice)
	for id, want := range map[string][]string{
		"meanwhile": {"before", "lost", "lost too"}, "before": {"lost", "lost too"}, // by their ranges
		"lost": {"before", "meanwhile", "lost too"}, "lost too": {"lost", "meanwhile"},
	} {
		if got, _ := b.rivals(id); !slices.Equal(sorted(ids(got)), sorted(want)) {
			t.Errorf("rivals of %s are %v, want %v", id, ids(got), want)
		}
	}
}

func TestRevokedClaimsDoNotCount(t *testing.T) {
	b := NewBook(1 << 20)
	story(b, claimEntry("a", 1), state("a", Revoked))
	if holdersOf(b, held(1)) == nil {
		t.Error("a claim is revoked that was not stored")
	}
	story(b, state("a", Stored), state("a", Revoked))
	if got := holdersOf(b, held(1)); got != nil {
		t.Errorf("message 1 is held by %v", ids(got))
	}
}

func TestRewindForgetsAll(t *testing.T) {
	b := NewBook(1 << 20)
	story(b, claimEntry("a", 1, 2), &Entry{State: settingsEntry, Settings: &Settings{Retention: time.Hour}})
	changed := b.waiter()
	b.Rewind(time.Unix(5, 0))
	select {
	case <-changed:
	default:
		t.Error("those who wait are not told")
	}
	if s := b.Stats(); s.Claims != 0 || s.Applied != 0 || b.Generation() != 1 || holdersOf(b, held(1)) != nil {
		t.Errorf("after Rewind: %+v", s)
	}
	story(b, claimEntry("a", 1))
	if holdersOf(b, held(1)) == nil {
		t.Error("the log is not applied again")
	}
}

func TestClaimsAreForgottenOnceTheFloorHasPassedThemForLong(t *testing.T) {
	b := NewBook(1 << 20)
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
	if holdersOf(b, held(1)) != nil || holdersOf(b, held(3)) == nil {
		t.Error("the union is not that of the claims left")
	}
	b.forgettable(1, time.Hour, now) // the floor is back, as after a reset: the time starts again
	story(b, state("b", Stored))
	b.forgettable(6, time.Hour, now)
	if old := b.forgettable(6, time.Hour, now.Add(59*time.Minute)); old != nil {
		t.Errorf("%v can be forgotten too early", ids(old))
	}
}

func TestSkipForgetsWhatTheLogHasNotAnyMore(t *testing.T) {
	b := NewBook(1 << 20)
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
	b := NewBook(10_000)
	for i := range uint64(2_000) {
		story(b, claimEntry(time.Unix(int64(i), 0).String(), 3*i, 3*i+1, 3*i+2))
	}
	if b.segments.size > 10_000 || len(b.segments.sets) == 0 {
		t.Errorf("%d sets take %d bytes", len(b.segments.sets), b.segments.size)
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
	book := NewBook(1 << 20)
	for i := range uint64(10_000) {
		var seqs []uint64
		for k := range uint64(100) { // ten claims take turns
			seqs = append(seqs, i/10*1_000+i%10+10*k)
		}
		e := claimEntry(time.Unix(int64(i), 0).String(), seqs...)
		story(book, e)
	}
	for name, step := range map[string]uint64{"in order": 7, "all over the place": 7_919} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			seq := uint64(0)
			for b.Loop() {
				if holdersOf(book, held(seq)) == nil {
					b.Fatal("nobody has it")
				}
				seq = (seq + step) % 1_000_000
			}
		})
	}
}
