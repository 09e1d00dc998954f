package ledger_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// opened is a ledger's stream that is followed until the test ends.
type opened struct {
	*ledger.Stream
	book *ledger.Book
	js   jetstream.JetStream
	info *jetstream.StreamInfo
	stop func() error
}

func open(t *testing.T, s *capturetest.Server) *opened {
	t.Helper()
	return openBy(t, s.Connect())
}

func openBy(t *testing.T, nc *nats.Conn) *opened {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	source, err := js.Stream(t.Context(), "ORDERS")
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{js: js, info: source.CachedInfo(), book: ledger.NewBook(1 << 20)}
	if o.Stream, err = ledger.OpenStream(t.Context(), nc, js, o.info, "lake", ledger.StreamOptions{}, o.book); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	o.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = o.stop() })
	return o
}

// server runs a server with a stream, and fails the test if a goroutine is left at its end.
func server(t *testing.T) *capturetest.Server {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, ignore) })
	return anyServer(t)
}

// parallelServer is server for a test that waits for real time, which it lets run beside others. Goroutines may be theirs.
func parallelServer(t *testing.T) *capturetest.Server {
	t.Helper()
	t.Parallel()
	return anyServer(t)
}

func anyServer(t *testing.T) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	return s
}

func claim(id string, seqs ...uint64) *ledger.Entry {
	return &ledger.Entry{
		Block: id, State: ledger.Claimed, Part: 1, Parts: 1, Place: ledger.Place{Name: "d/" + id}, Tombstone: []byte("-"),
		Segments: ledger.NewSegments(func(yield func(ledger.Message, bool) bool) {
			for _, seq := range seqs {
				yield(ledger.Message{Seq: seq, Time: int64(seq)}, false)
			}
		}),
	}
}

func applied(t *testing.T, o *opened, seq uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := o.Await(ctx, func() bool { return o.book.Applied() >= seq }); err != nil {
		t.Fatal(err)
	}
}

func TestAppendsAreInOneOrderForAll(t *testing.T) {
	s := server(t)
	a, b := open(t, s), open(t, s)
	if seq, err := a.Append(t.Context(), claim("one", 1), 0); err != nil || seq != 1 {
		t.Fatalf("Append = %d, %v", seq, err)
	}
	if _, err := b.Append(t.Context(), claim("one", 1), 0); !errors.Is(err, ledger.ErrChanged) {
		t.Errorf("a second claim of a block: %v", err)
	}
	stored := &ledger.Entry{Block: "one", State: ledger.Stored}
	if seq, err := b.Append(t.Context(), stored, 1); err != nil || seq != 2 {
		t.Fatalf("Append = %d, %v", seq, err)
	}
	if _, err := a.Append(t.Context(), stored, 1); !errors.Is(err, ledger.ErrChanged) {
		t.Errorf("a second state of a block: %v", err)
	}
	applied(t, a, 2)
	applied(t, b, 2)
	e, err := b.Fetch(t.Context(), 1)
	if err != nil || e.Block != "one" || !e.Segments.Set().Contains(1) || string(e.Tombstone) != "-" || e.Place.Name != "d/one" {
		t.Errorf("Fetch = %+v, %v", e, err)
	}
	if err := a.Forget(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Fetch(t.Context(), 1); !errors.Is(err, ledger.ErrForgotten) {
		t.Errorf("a forgotten entry: %v", err)
	}
	if _, err := b.Fetch(t.Context(), 99); err == nil || errors.Is(err, ledger.ErrForgotten) {
		t.Errorf("an entry that the log has lost: %v", err)
	}
}

// What is lost on its way is the last entry there is, so that no later one tells of it.
func TestAnEntryThatWasLostWithTheConnectionIsReadAgain(t *testing.T) {
	s := server(t)
	dialer := &capturetest.LossyDialer{}
	nc, err := nats.Connect(s.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.SetCustomDialer(dialer))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	other, o := open(t, s), openBy(t, nc)
	if _, err := other.Append(t.Context(), claim("one", 1), 0); err != nil {
		t.Fatal(err)
	}
	applied(t, o, 1)
	dialer.Lossy.Store(true)
	seq, err := other.Append(t.Context(), claim("two", 2), 0)
	if err != nil {
		t.Fatal(err)
	}
	applied(t, other, seq)
	for deadline := time.Now().Add(20 * time.Second); !sentToAll(t, other, seq); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the second entry was not sent to both")
		}
	}
	dialer.Lossy.Store(false)
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	applied(t, o, seq)
}

// sentToAll says whether the server has sent an entry to everybody who follows the log.
func sentToAll(t *testing.T, o *opened, seq uint64) bool {
	t.Helper()
	stream, err := o.js.Stream(t.Context(), o.Name())
	if err != nil {
		t.Fatal(err)
	}
	followers, behind := stream.ListConsumers(t.Context()), 0
	for info := range followers.Info() {
		if info.Delivered.Stream < seq {
			behind++
		}
	}
	return followers.Err() == nil && behind == 0
}

func TestTheLogIsFollowedOverRestarts(t *testing.T) {
	s := server(t)
	o := open(t, s)
	for i := range uint64(3) {
		if i > 0 {
			s.Restart()
		}
		var seq uint64
		for deadline := time.Now().Add(20 * time.Second); ; {
			var err error
			seq, err = o.Append(t.Context(), claim(string(rune('a'+i)), i), 0)
			if err == nil || errors.Is(err, ledger.ErrChanged) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
		applied(t, o, max(seq, i+1))
	}
	if s := o.book.Stats(); s.Claims != 3 {
		t.Errorf("the book is %+v", s)
	}
}

func TestALogThatWasPurgedIsRead(t *testing.T) {
	s := server(t)
	a := open(t, s)
	for i := range uint64(5) {
		if _, err := a.Append(t.Context(), claim(string(rune('a'+i)), i), 0); err != nil {
			t.Fatal(err)
		}
	}
	applied(t, a, 5)
	if err := a.stop(); err != nil { // and does not read what comes now
		t.Fatal(err)
	}
	b := open(t, s)
	applied(t, b, 5)
	if err := b.Forget(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	c := open(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		t.Fatalf("an empty log is never read: %v", err)
	}
	if seq, err := c.Append(t.Context(), claim("z", 9), 0); err != nil || seq != 6 {
		t.Fatalf("Append = %d, %v", seq, err)
	}
	applied(t, c, 6)
}

func TestOpenRefusesWhatIsNoLedger(t *testing.T) {
	s := server(t)
	nc := s.Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	source, err := js.Stream(t.Context(), "ORDERS")
	if err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]jetstream.StreamConfig{
		"other subjects": {Name: "L1", Subjects: []string{"l1"}},
		"no token":       {Name: "L3", Subjects: []string{"JC_LEDGER.ORDERS.lake.*"}},
		"another token":  {Name: "L4", Subjects: []string{"JC_LEDGER.t.>"}, Metadata: map[string]string{"jetcapture.ledger": "u"}},
		"an age limit":   {Name: "L2", Subjects: []string{"JC_LEDGER.t.>"}, MaxAge: time.Hour, Metadata: map[string]string{"jetcapture.ledger": "t"}},
	} {
		if _, err := js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.OpenStream(t.Context(), nc, js, source.CachedInfo(), "lake", ledger.StreamOptions{Name: config.Name}, ledger.NewBook(1)); err == nil {
			t.Errorf("a stream with %s is taken for the ledger", name)
		}
		if err := js.DeleteStream(t.Context(), config.Name); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunEndsWhenTheStreamIsDeleted(t *testing.T) {
	s := server(t)
	o := open(t, s)
	if _, err := o.Append(t.Context(), claim("a", 1), 0); err != nil {
		t.Fatal(err)
	}
	applied(t, o, 1)
	if err := o.js.DeleteStream(t.Context(), o.Name()); err != nil {
		t.Fatal(err)
	}
	if err := o.Await(t.Context(), func() bool { return false }); !errors.Is(err, ledger.ErrLost) {
		t.Errorf("Await = %v", err)
	}
}

// A question that the server never answers, as it dies, keeps nobody from what the Book has meanwhile: whoever waits for the log to
// have lost its end appends its claims again before others store anything.
func TestAwaitReturnsAtOnceThoughTheServerDoesNotAnswer(t *testing.T) {
	s := parallelServer(t)
	o := open(t, s)
	s.Stop()
	var returned time.Time
	ended := make(chan error, 1)
	go func() {
		err := o.Await(t.Context(), func() bool { return o.book.Generation() > 0 })
		returned = time.Now()
		ended <- err
	}()
	time.Sleep(2500 * time.Millisecond) // it looks for gaps every two seconds, and waits for the answer for five
	rewound := time.Now()
	o.book.Rewind(rewound)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if late := returned.Sub(rewound); late > time.Second {
		t.Errorf("it returned after %v", late)
	}
}

func TestALedgerKeepsTheSubjectsThatItWasMadeWith(t *testing.T) {
	s := server(t)
	nc := s.Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	source, err := js.Stream(t.Context(), "ORDERS")
	if err != nil {
		t.Fatal(err)
	}
	made, err := ledger.OpenStream(t.Context(), nc, js, source.CachedInfo(), "lake", ledger.StreamOptions{Subject: "_JC.ledgers"}, ledger.NewBook(1))
	if err != nil {
		t.Fatal(err)
	}
	o := openBy(t, nc) // without that option
	if o.Created() || o.Token() != made.Token() || len(o.Token()) != 16 {
		t.Errorf("the tokens are %q and %q", made.Token(), o.Token())
	}
	seq, err := o.Append(t.Context(), &ledger.Entry{State: ledger.Aborted, Block: "b", Instance: "i"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := js.Stream(t.Context(), o.Name())
	if err != nil {
		t.Fatal(err)
	}
	entry, err := msg.GetMsg(t.Context(), seq)
	if want := "_JC.ledgers." + o.Token() + ".b.b"; err != nil || entry.Subject != want {
		t.Errorf("the subject is %q, %v, want %s", entry.Subject, err, want)
	}
	if err := o.Await(t.Context(), func() bool { return o.book.Applied() >= seq }); err != nil || o.Skips() != 0 {
		t.Errorf("Await = %v, %d passed over", err, o.Skips())
	}
}

func TestTryAppendAddsNothing(t *testing.T) {
	s := server(t)
	o := open(t, s)
	info, err := ledger.Inspect(t.Context(), o.js, "ORDERS", "lake", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := ledger.TryAppend(t.Context(), o.js, info); err != nil {
			t.Errorf("TryAppend = %v", err)
		}
	}
	stream, err := o.js.Stream(t.Context(), o.Name())
	if err != nil || stream.CachedInfo().State.LastSeq != 0 {
		t.Errorf("the ledger has %+v, %v", stream.CachedInfo().State, err)
	}
	if err := o.js.DeleteStream(t.Context(), o.Name()); err != nil {
		t.Fatal(err)
	}
	if err := ledger.TryAppend(t.Context(), o.js, info); err == nil {
		t.Error("a ledger that is gone takes entries")
	}
}

// A capture that stood still while the ledger was removed, and another made a new one, knows what nobody else does.
func TestALedgerThatWasMadeAgainIsLost(t *testing.T) {
	s := server(t)
	nc := s.Connect()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, s)
	still, err := ledger.OpenStream(t.Context(), nc, js, other.info, "lake", ledger.StreamOptions{}, ledger.NewBook(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	_ = other.stop()
	if err := js.DeleteStream(t.Context(), still.Name()); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, open(t, s), claim("b", 1))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := still.Run(ctx); !errors.Is(err, ledger.ErrLost) || !strings.Contains(err.Error(), still.Name()) {
		t.Errorf("Run = %v", err)
	}
}
