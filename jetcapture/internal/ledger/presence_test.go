package ledger_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

const inTime = 2 * time.Second

func answering(t *testing.T, l *ledger.Ledger) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = l.Answer(ctx) }) // it ends with ctx
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}

func owns(t *testing.T, l *ledger.Ledger) bool {
	t.Helper()
	owned, err := l.Owns(t.Context())
	if err != nil && !errors.Is(err, ledger.ErrTaken) {
		t.Fatal(err)
	}
	return owned
}

func TestAConsumerIsTakenFromNobodyWhoAnswers(t *testing.T) {
	s := server(t)
	_, first := capture(t, s, new(files), ledger.Options{})
	_, second := capture(t, s, new(files), ledger.Options{})
	if err := first.Take(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	stop := answering(t, first)
	if err := second.Take(t.Context(), time.Hour); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("the second takes it: %v", err)
	}
	if !owns(t, first) || owns(t, second) {
		t.Error("the first does not own it any more")
	}
	stop()
	if err := second.Take(t.Context(), time.Millisecond); err != nil {
		t.Errorf("nobody answers: %v", err)
	}
	if _, err := first.Owns(t.Context()); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("the first does not notice that the consumer was taken: %v", err)
	}
	if !owns(t, second) {
		t.Error("the second does not own it")
	}
}

func TestAConsumerThatWasLeftIsTakenAtOnce(t *testing.T) {
	s := server(t)
	_, first := capture(t, s, new(files), ledger.Options{})
	o, second := capture(t, s, new(files), ledger.Options{})
	if err := first.Take(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := first.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := second.Take(ctx, time.Hour); err != nil {
		t.Errorf("it waits for one that has left: %v", err)
	}
}

// Those who ask end before they have an answer, again and again: the time in which nobody has answered counts from the first.
func TestACrashLoopTakesTheConsumerOfOneThatIsGone(t *testing.T) {
	s := server(t)
	_, gone := capture(t, s, new(files), ledger.Options{})
	if err := gone.Take(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	for tries := 1; ; tries++ {
		o, l := capture(t, s, new(files), ledger.Options{})
		if err := o.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), inTime/2)
		err := l.Take(ctx, inTime)
		cancel()
		if err == nil && tries > 1 {
			return
		}
		if err == nil || tries > 20 {
			t.Fatalf("try %d: %v", tries, err)
		}
	}
}

func TestOfTwoThatWantAConsumerOneGetsIt(t *testing.T) {
	s := server(t)
	_, gone := capture(t, s, new(files), ledger.Options{})
	if err := gone.Take(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for range 2 {
		o, l := capture(t, s, new(files), ledger.Options{})
		if err := o.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		go func() {
			err := l.Take(t.Context(), inTime)
			if err == nil {
				answering(t, l)
			}
			ended <- err
		}()
	}
	if a, b := <-ended, <-ended; (a == nil) == (b == nil) || !errors.Is(errors.Join(a, b), ledger.ErrTaken) {
		t.Errorf("they get %v and %v", a, b)
	}
}

func TestCapturesHearOfEachOther(t *testing.T) {
	s := parallelServer(t)
	_, first := capture(t, s, new(files), ledger.Options{})
	_, second := capture(t, s, new(files), ledger.Options{})
	if other, err := first.Others(t.Context(), time.Millisecond); other != "" || err != nil {
		t.Errorf("nobody is there, and %q answers, %v", other, err)
	}
	const inTime = 3 * time.Second
	time.Sleep(inTime) // the second must not take the question of the first for one that nobody has answered
	answering(t, first)
	if other, err := second.Others(t.Context(), inTime); other == "" || err != nil {
		t.Errorf("the first does not answer: %v", err)
	}
}

// All captures of a crashed machine begin again at once: one of them must let the messages come.
func TestOfCapturesThatBeginTogetherOneHearsOfNoOther(t *testing.T) {
	s := server(t)
	others := make(chan string, 3)
	for range cap(others) {
		_, l := capture(t, s, new(files), ledger.Options{})
		go func() {
			other, err := l.Others(t.Context(), inTime)
			if err != nil {
				t.Error(err)
			}
			answering(t, l)
			others <- other
		}()
	}
	alone := 0
	for range cap(others) {
		if <-others == "" {
			alone++
		}
	}
	if alone != 1 {
		t.Errorf("%d captures take themselves for the only one", alone)
	}
}

// mustTake takes the consumer, though the server may just have been restarted.
func mustTake(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := l.Take(t.Context(), time.Millisecond)
		if err == nil {
			return
		}
		if errors.Is(err, ledger.ErrTaken) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// The owner before, which has crashed, is the owner again in a log that has lost its end. The one that is at work answers all the same.
func TestAnOwnerAnswersThoughTheLogHasLostThatItTookTheConsumer(t *testing.T) {
	s := server(t)
	_, crashed := capture(t, s, new(files), ledger.Options{})
	if err := crashed.Take(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	o, l := capture(t, s, new(files), ledger.Options{})
	s.Stop()
	before := s.Backup()
	s.Restart()
	mustTake(t, l)
	answering(t, l)
	s.Stop()
	before.PutBackStream(ledgerStream)
	s.Restart()
	mustAppend(t, open(t, s), claim("new", 10))
	wantGeneration(t, o, 1)
	_, another := capture(t, s, new(files), ledger.Options{})
	if err := another.Take(t.Context(), 20*time.Second); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("another takes it: %v", err)
	}
	if !owns(t, l) {
		t.Error("it does not own the consumer any more")
	}
}

// What captures have said is forgotten, but for who owns the consumer.
func TestAQuestionDoesNotMakeTheLogForgetTheOwner(t *testing.T) {
	s := server(t)
	o, l := capture(t, s, new(files), ledger.Options{})
	for range 3 {
		if err := l.Take(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	_, asking := capture(t, s, new(files), ledger.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := asking.Take(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if err := o.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := o.Forget(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	log, err := o.js.Stream(t.Context(), ledgerStream)
	if err != nil {
		t.Fatal(err)
	}
	if n := log.CachedInfo().State.Msgs; n != 3 { // settings, the owner, a question
		t.Errorf("the log has %d entries", n)
	}
	_, another := capture(t, s, new(files), ledger.Options{})
	if owned, err := another.Owns(t.Context()); owned || err != nil {
		t.Errorf("a new one owns it: %v, %v", owned, err)
	}
	answering(t, l)
	if err := another.Take(t.Context(), time.Hour); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("it is taken: %v", err)
	}
}
