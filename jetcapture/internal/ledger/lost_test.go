package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

const ledgerStream = "JC_ORDERS_lake"

func wantGeneration(t *testing.T, o *opened, n uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := o.Await(ctx, func() bool { return o.book.Generation() == n }); err != nil {
		t.Fatalf("the log has lost its end, and nobody noticed: %v", err)
	}
}

func mustAppend(t *testing.T, o *opened, e *ledger.Entry) uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		seq, err := o.Append(ctx, e, 0)
		if err == nil {
			return seq
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // the server restarts
	}
}

// A server that dies loses what it has not synced.
func TestALogThatLostItsEndIsNoticed(t *testing.T) {
	for name, grow := range map[string]int{"and stays short": 0, "and is as long as before": 2, "and is longer than before": 3} {
		t.Run(name, func(t *testing.T) {
			s := server(t)
			o := open(t, s)
			mustAppend(t, o, claim("kept", 1))
			s.Stop()
			before := s.Backup()
			s.Restart()
			mustAppend(t, o, claim("lost1", 2))
			applied(t, o, mustAppend(t, o, claim("lost2", 3)))
			s.Stop()
			before.PutBackStream(ledgerStream)
			s.Restart()
			other := open(t, s)
			for i := range grow {
				mustAppend(t, other, claim(fmt.Sprint("new", i), uint64(10+i)))
			}
			wantGeneration(t, o, 1)
			applied(t, o, uint64(1+grow))
			if got := o.book.Stats().Claims; got != 1+grow {
				t.Errorf("the book has %d claims, want %d", got, 1+grow)
			}
		})
	}
}

func TestALogThatIsTheSameAfterARestartIsNotTakenForAnother(t *testing.T) {
	s := server(t)
	o := open(t, s)
	applied(t, o, mustAppend(t, o, claim("a", 1)))
	for i := range 2 {
		s.Restart()
		applied(t, o, mustAppend(t, o, claim(fmt.Sprint("b", i), 2)))
	}
	if g := o.book.Generation(); g != 0 {
		t.Errorf("the book was read again %d times", g)
	}
}

// Garbage is removed by people, message by message; what was there before it still counts.
func TestARemovedMessageDoesNotMakeThoseBeforeItForgotten(t *testing.T) {
	s := server(t)
	o := open(t, s)
	mustAppend(t, o, claim("a", 1))
	applied(t, o, mustAppend(t, o, claim("b", 2)))
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	stream, err := o.js.Stream(t.Context(), ledgerStream)
	if err != nil {
		t.Fatal(err)
	}
	garbage, err := o.js.Publish(t.Context(), stream.CachedInfo().Config.Subjects[0][:len("JC_LEDGER.")+16]+".b.garbage", []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	seq := mustAppend(t, o, claim("c", 3))
	if err := stream.DeleteMsg(t.Context(), garbage.Sequence); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }() // reads on
	applied(t, o, seq)
	if got := o.book.Stats().Claims; got != 3 {
		t.Errorf("the book has %d claims of 3", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSyncEndsThoughTheLastMessagesWereRemovedOneByOne(t *testing.T) {
	s := server(t)
	o := open(t, s)
	applied(t, o, mustAppend(t, o, claim("a", 1)))
	if err := o.stop(); err != nil {
		t.Fatal(err)
	}
	stream, err := o.js.Stream(t.Context(), ledgerStream)
	if err != nil {
		t.Fatal(err)
	}
	seq := mustAppend(t, o, claim("b", 2))
	if err := stream.DeleteMsg(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	if err := o.Sync(ctx); err != nil {
		t.Error(err)
	}
	if got := o.book.Stats().Claims; got != 1 {
		t.Errorf("the book has %d claims, and the log has one", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestSettingsOutliveThePurgeOfOldEntries(t *testing.T) {
	s := server(t)
	o := open(t, s)
	l := ledger.New(o.book, o.Stream, new(files), ledger.Options{Instance: "a", Retention: 2 * time.Hour, Store: "id", Place: "/lake"})
	if _, err := l.Agree(t.Context()); err != nil {
		t.Fatal(err)
	}
	seq := mustAppend(t, o, claim("a", 1))
	applied(t, o, mustAppend(t, o, claim("b", 2)))
	if err := o.Forget(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	other := open(t, s)
	if err := other.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := other.book.Settings(); got.Retention != 2*time.Hour || got.Store != "id" {
		t.Errorf("settings are %+v", got)
	}
	if got := other.book.Stats().Claims; got != 1 {
		t.Errorf("%d claims are left", got)
	}
}

func TestCapturesAgreeOnARetentionAndAStore(t *testing.T) {
	s := server(t)
	agree := func(options ledger.Options) (*ledger.Ledger, error) {
		o := open(t, s)
		options.Instance = "i"
		if err := o.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		l := ledger.New(o.book, o.Stream, new(files), options)
		_, err := l.Agree(t.Context())
		return l, err
	}
	for i, c := range []struct {
		options ledger.Options
		want    [2]time.Duration
	}{
		{ledger.Options{Retention: 2 * time.Hour, Store: "id"}, [2]time.Duration{2 * time.Hour, 2 * time.Hour}},
		{ledger.Options{Retention: time.Hour, Store: "id"}, [2]time.Duration{2 * time.Hour, 2 * time.Hour}}, // a default yields
		{ledger.Options{Retention: 3 * time.Hour, Store: "id"}, [2]time.Duration{3 * time.Hour, 2 * time.Hour}},
		{ledger.Options{Retention: time.Minute, Asked: true, LeastRetention: time.Second, Store: "id"}, [2]time.Duration{3 * time.Hour, time.Minute}}, // once that is over
		{ledger.Options{Retention: 4 * time.Hour, Asked: true}, [2]time.Duration{4 * time.Hour, time.Minute}},
	} {
		l, err := agree(c.options)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if age, kept := l.Retentions(); kept != c.want[0] || age != c.want[1] {
			t.Errorf("%d: entries are kept for %v, and blocks too old by %v, want %v", i, kept, age, c.want)
		}
	}
	if _, err := agree(ledger.Options{Store: "another"}); !errors.Is(err, ledger.ErrOtherStore) {
		t.Errorf("another store: %v", err)
	}
}

// files are a store in memory.
type files struct {
	mu    sync.Mutex
	data  map[string]string
	read  map[string][]ledger.Message
	below map[string][]ledger.Message // in folders of captures with other flags
	lists []ledger.Place              // that Below was asked for

	meanwhile func() // what happens while Below is asked for the first time
	before    func() // what happens before Beside lists for the first time
}

func (f *files) create(name, content string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.data == nil {
		f.data = map[string]string{}
	}
	if there, ok := f.data[name]; ok && there != content {
		return fs.ErrExist
	}
	f.data[name] = content
	return nil
}

func (f *files) CreateTombstone(_ context.Context, at ledger.Place, content []byte) error {
	return f.create(at.Name, string(content))
}

func (f *files) RemoveTombstone(context.Context, ledger.Place, []byte) error { return nil }

func (f *files) Beside(context.Context, ledger.Place) (list []ledger.File, _ error) {
	if before := f.before; before != nil {
		f.before = nil
		before()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, messages := range f.read {
		list = append(list, ledger.File{Place: ledger.Place{Name: name}, Block: name, First: messages[0].Seq, Last: messages[len(messages)-1].Seq})
	}
	return list, nil
}

func (f *files) Below(_ context.Context, folders []ledger.Place, known func(string) bool) (list []ledger.File, _ error) {
	if meanwhile := f.meanwhile; meanwhile != nil {
		f.meanwhile = nil
		meanwhile()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists = append(f.lists, folders...)
	for name, messages := range f.below {
		if id := path.Base(name); !known(id) {
			list = append(list, ledger.File{Place: ledger.Place{Name: name}, Block: id, First: messages[0].Seq, Last: messages[len(messages)-1].Seq})
		}
	}
	return list, nil
}

func (f *files) Messages(_ context.Context, at ledger.Place) ([]ledger.Message, error) {
	messages, ok := f.read[at.Name]
	if !ok {
		messages, ok = f.below[at.Name]
	}
	if !ok || at.Name == "unreadable" {
		return nil, ledger.ErrUnreadable
	}
	return messages, nil
}

func block(name string, messages ...ledger.Message) *ledger.Block {
	return &ledger.Block{
		ID: name, Place: ledger.Place{Name: name}, Tombstone: []byte("-"), Age: func() time.Duration { return 0 },
		Segments: ledger.NewSegments(func(yield func(ledger.Message, bool) bool) {
			for _, m := range messages {
				yield(m, false)
			}
		}),
		Messages: func(seqs *roaring64.Bitmap) (in []ledger.Message) {
			for _, m := range messages {
				if seqs.Contains(m.Seq) {
					in = append(in, m)
				}
			}
			return in
		},
		Before: [2]uint64{messages[0].Seq, messages[len(messages)-1].Seq},
	}
}

// in gives a block another folder.
func in(b *ledger.Block, folder string) *ledger.Block {
	b.Place.Name = folder + "/" + b.ID
	return b
}

// capture is one that begins now.
func capture(t *testing.T, s *capturetest.Server, f ledger.Files, options ledger.Options) (*opened, *ledger.Ledger) {
	t.Helper()
	o := open(t, s)
	if err := o.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	options.Instance, options.RewindGrace = fmt.Sprint(time.Now().UnixNano()), time.Second
	l := ledger.New(o.book, o.Stream, f, options)
	if _, err := l.Agree(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var restoring sync.WaitGroup
	restoring.Go(func() {
		for generation := uint64(0); ; {
			if o.Await(ctx, func() bool { return o.book.Generation() != generation }) != nil {
				return
			}
			generation = o.book.Generation()
			if err := l.Restore(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	t.Cleanup(func() { cancel(); restoring.Wait() })
	return o, l
}

func commit(t *testing.T, l *ledger.Ledger, f *files, b *ledger.Block) (ledger.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return l.Commit(ctx, b, func(context.Context, func(context.Context) error) error {
		return f.create(b.Place.Name, "data of "+b.ID)
	})
}

// The server loses what a running capture has claimed and stored. The messages come again to another one.
func TestARunningCaptureTellsALedgerThatLostItsEndWhatItHasStored(t *testing.T) {
	s := server(t)
	f := new(files)
	_, first := capture(t, s, f, ledger.Options{})
	m := ledger.Message{Seq: 7, Time: 700}
	s.Stop()
	before := s.Backup()
	s.Restart()
	if o, err := commit(t, first, f, block("first", m)); err != nil || !o.Stored {
		t.Fatalf("%+v, %v", o, err)
	}
	second, other := capture(t, s, f, ledger.Options{})
	s.Stop()
	before.PutBackStream(ledgerStream)
	s.Restart()
	wantGeneration(t, second, 1)
	o, err := commit(t, other, f, block("second", m, ledger.Message{Seq: 8, Time: 800}))
	if err != nil || o.Stored || o.Duplicates == nil || !o.Duplicates.Contains(7) || o.Duplicates.Contains(8) {
		t.Errorf("%+v, %v: message 7 is in a file already", o, err)
	}
}

// The server loses the claim of a block whose write has just failed, and its capture learns of it when others have stored its messages.
func TestABlockIsCheckedAgainBeforeItsWriteIsRepeatedIfTheLedgerHasLostItsEnd(t *testing.T) {
	for name, arrived := range map[string]bool{"the write did not arrive": false, "the write arrived": true} {
		t.Run(name, func(t *testing.T) {
			s := server(t)
			f := new(files)
			_, other := capture(t, s, f, ledger.Options{})
			late := open(t, s)
			l := ledger.New(late.book, late.Stream, f, ledger.Options{Instance: "late", RewindGrace: time.Second})
			m := ledger.Message{Seq: 7, Time: 700}
			s.Stop()
			before := s.Backup()
			s.Restart()
			mine := block("mine", m)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			o, err := l.Commit(ctx, mine, func(ctx context.Context, confirm func(context.Context) error) error {
				if arrived {
					if err := f.create(mine.Place.Name, "data of mine"); err != nil {
						t.Error(err)
					}
				}
				s.Stop()
				before.PutBackStream(ledgerStream)
				s.Restart()
				wantGeneration(t, late, 1)
				if !arrived {
					if o, err := commit(t, other, f, block("theirs", m)); err != nil || !o.Stored {
						t.Errorf("theirs: %+v, %v", o, err)
					}
				}
				if err := confirm(ctx); err != nil {
					return err
				}
				return f.create(mine.Place.Name, "data of mine")
			})
			switch {
			case err != nil || o.Stored != arrived:
				t.Errorf("%+v, %v", o, err)
			case !arrived && (o.Duplicates == nil || !o.Duplicates.Contains(7)):
				t.Errorf("%+v: message 7 is in a file of another", o)
			}
			if content := f.data["mine"]; !arrived && content != "-" {
				t.Errorf("the block's file is %q, want a tombstone that no late write can replace", content)
			}
		})
	}
}

// The capture that knew it has gone.
func TestACaptureTakesOverFilesOfWhichTheLedgerHasLostWhatItKnew(t *testing.T) {
	s := server(t)
	old := []ledger.Message{{Seq: 5, Time: 500}, {Seq: 7, Time: 700}}
	f := &files{read: map[string][]ledger.Message{"old": old}}
	_, l := capture(t, s, f, ledger.Options{})
	o, err := commit(t, l, f, block("new", ledger.Message{Seq: 6, Time: 600}, old[1]))
	if err != nil || o.Stored || o.Duplicates == nil || o.Duplicates.GetCardinality() != 1 || !o.Duplicates.Contains(7) {
		t.Fatalf("%+v, %v", o, err)
	}
	if o, err = commit(t, l, f, block("newer", ledger.Message{Seq: 6, Time: 600})); err != nil || !o.Stored {
		t.Errorf("%+v, %v", o, err)
	}
	f.read["unreadable"] = []ledger.Message{{Seq: 1, Time: 1}, {Seq: 20, Time: 20}}
	if _, err = commit(t, l, f, block("last", ledger.Message{Seq: 9, Time: 900})); !errors.Is(err, ledger.ErrUncertain) {
		t.Errorf("a file that does not say what it has: %v", err)
	}
}

// The capture that knew it has gone, and had other flags: only its earlier claims say where its folders are.
func TestACaptureTakesOverFilesOfCapturesWithOtherFlags(t *testing.T) {
	s := server(t)
	m := ledger.Message{Seq: 7, Time: 700}
	f := &files{below: map[string][]ledger.Message{"pair=0/date=1/hour=2/old": {m}}}
	_, l := capture(t, s, f, ledger.Options{})
	if o, err := commit(t, l, f, in(block("mine", ledger.Message{Seq: 1, Time: 100}), "key=a/date=1/hour=1")); err != nil || !o.Stored {
		t.Fatalf("%+v, %v", o, err)
	}
	if len(f.lists) > 0 {
		t.Errorf("%v were listed, though all captures have the same flags", f.lists)
	}
	_, other := capture(t, s, f, ledger.Options{})
	if o, err := commit(t, other, f, in(block("theirs", ledger.Message{Seq: 2, Time: 200}), "pair=0/date=1/hour=1")); err != nil || !o.Stored {
		t.Fatalf("%+v, %v", o, err)
	}
	_, l = capture(t, s, f, ledger.Options{})
	for _, id := range []string{"new", "newer"} {
		o, err := commit(t, l, f, in(block(id, m, ledger.Message{Seq: 8, Time: 800}), "key=a/date=1/hour=1"))
		if err != nil || o.Stored || o.Duplicates == nil || !o.Duplicates.Contains(7) || o.Duplicates.Contains(8) {
			t.Errorf("%s: %+v, %v: message 7 is in a file of a capture with other flags", id, o, err)
		}
	}
	if last := f.lists[1:]; !slices.Equal(last, []ledger.Place{{Name: "pair=0/date=1"}}) {
		t.Errorf("%v were listed, want the day's folder once", last)
	}
}

// Two captures look for the same file at the same time, and one is faster: the other must learn what it found.
func TestACaptureLearnsOfAFileThatAnotherOneHasJustTakenOver(t *testing.T) {
	s := server(t)
	m := ledger.Message{Seq: 7, Time: 700}
	f := &files{below: map[string][]ledger.Message{"pair=0/date=1/hour=2/old": {{Seq: 5, Time: 500}, m}}}
	_, gone := capture(t, s, f, ledger.Options{})
	if o, err := commit(t, gone, f, in(block("theirs", ledger.Message{Seq: 2, Time: 200}), "pair=0/date=1/hour=1")); err != nil || !o.Stored {
		t.Fatalf("%+v, %v", o, err)
	}
	_, fast := capture(t, s, f, ledger.Options{})
	slow, l := capture(t, s, f, ledger.Options{})
	f.meanwhile = func() {
		if o, err := commit(t, fast, f, in(block("fast", ledger.Message{Seq: 6, Time: 600}), "key=a/date=1/hour=1")); err != nil || !o.Stored {
			t.Errorf("fast: %+v, %v", o, err)
		}
		if err := slow.Sync(t.Context()); err != nil {
			t.Error(err)
		}
	}
	o, err := commit(t, l, f, in(block("slow", m), "key=a/date=1/hour=1"))
	if err != nil || o.Stored || o.Duplicates == nil || !o.Duplicates.Contains(7) {
		t.Errorf("%+v, %v: message 7 is in a file that another capture has just taken over", o, err)
	}
}

// Another capture claims and stores a file while this one has not read the ledger to its end.
func TestAFileIsKnownThoughItsClaimHasNotBeenReadYet(t *testing.T) {
	s := server(t)
	f := &files{read: map[string][]ledger.Message{}}
	_, fast := capture(t, s, f, ledger.Options{})
	slow, l := capture(t, s, f, ledger.Options{})
	var reading sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() { cancel(); reading.Wait() })
	f.before = func() {
		if err := slow.stop(); err != nil {
			t.Error(err)
		}
		m := ledger.Message{Seq: 8, Time: 800}
		if o, err := commit(t, fast, f, block("unreadable", m)); err != nil || !o.Stored {
			t.Errorf("fast: %+v, %v", o, err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.read["unreadable"] = []ledger.Message{m}
		reading.Go(func() {
			time.Sleep(readsOnAfter)
			_ = slow.Run(ctx)
		})
	}
	o, err := commit(t, l, f, block("slow", ledger.Message{Seq: 7, Time: 700}, ledger.Message{Seq: 9, Time: 900}))
	if err != nil || !o.Stored {
		t.Errorf("%+v, %v", o, err)
	}
}

const readsOnAfter = 300 * time.Millisecond

// A sequence is given to two messages, and both are stored.
func TestBothMessagesOfASequenceAreStored(t *testing.T) {
	s := server(t)
	f := new(files)
	_, l := capture(t, s, f, ledger.Options{})
	for i, m := range []ledger.Message{{Seq: 7, Time: 700}, {Seq: 7, Time: 900}} {
		if o, err := commit(t, l, f, block(fmt.Sprint(i), m)); err != nil || !o.Stored {
			t.Fatalf("message %d: %+v, %v", i, o, err)
		}
	}
	if v := l.Look(t.Context(), ledger.Message{Seq: 7, Time: 700}); v != ledger.Archived {
		t.Errorf("the first is %v", v)
	}
	if v := l.Look(t.Context(), ledger.Message{Seq: 7, Time: 800}); v != ledger.Reused {
		t.Errorf("a third is %v", v)
	}
}

func TestAForkIsInTheLedgerOnce(t *testing.T) {
	s := server(t)
	a, first := capture(t, s, new(files), ledger.Options{})
	b, second := capture(t, s, new(files), ledger.Options{})
	if err := first.NoteFork(t.Context(), 100, 1000, 2000); err != nil {
		t.Fatal(err)
	}
	if err := second.NoteFork(t.Context(), 101, 990, 2001); err != nil {
		t.Fatal(err)
	}
	if err := b.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(a.book.Forks()) != 1 || len(b.book.Forks()) != 1 || b.book.Lineage() != "f1@100" {
		t.Errorf("forks are %v and %v", a.book.Forks(), b.book.Forks())
	}
}

// A capture stores a block whose times do not tell which message of a sequence it has, as the stream was found to have lost its end
// meanwhile. There is no file to look into, so another capture that gets the message must settle the claim before it stores anything.
func TestAnOpenClaimHoldsWhatItMayHoldUntilItIsSettled(t *testing.T) {
	s := server(t)
	f := new(files)
	_, first := capture(t, s, f, ledger.Options{})
	_, second := capture(t, s, f, ledger.Options{SettleAfter: time.Millisecond})
	m := ledger.Message{Seq: 7, Time: 1500}
	storing, goOn := make(chan struct{}), make(chan struct{})
	type result struct {
		ledger.Outcome
		error
	}
	ended := make(chan result, 1)
	go func() {
		b := block("first", m)
		o, err := first.Commit(context.Background(), b, func(context.Context, func(context.Context) error) error {
			close(storing)
			<-goOn
			return f.create(b.Place.Name, "data of "+b.ID)
		})
		ended <- result{o, err}
	}()
	<-storing
	if err := second.NoteFork(t.Context(), 5, 2000, 1000); err != nil {
		t.Fatal(err)
	}
	if v := second.Look(t.Context(), m); v != ledger.Pending {
		t.Errorf("the message is %v, want it to be pending", v)
	}
	o, err := commit(t, second, f, block("second", m))
	if err != nil || !o.Stored {
		t.Errorf("the second: %+v, %v", o, err)
	}
	close(goOn)
	if r := <-ended; r.error != nil || r.Stored {
		t.Errorf("the first: %+v, %v: its message is in the file of the second", r.Outcome, r.error)
	}
}
