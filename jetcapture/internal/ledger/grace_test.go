package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// Reading the ledger again takes a capture long, and only then can it append what the ledger has lost of its claims.
func TestCapturesWaitAsLongForOthersAsReadingTheLedgerTakes(t *testing.T) {
	s := parallelServer(t)
	f := new(files)
	_, other := capture(t, s, f, ledger.Options{})
	other.ReadIn(5 * time.Second)
	slow := open(t, s)
	l := ledger.New(slow.book, slow.Stream, f, ledger.Options{Instance: "slow", RewindGrace: time.Second})
	m := ledger.Message{Seq: 7, Time: 700}
	s.Stop()
	before := s.Backup()
	s.Restart()
	mine := block("mine", m)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	theirs := make(chan ledger.Outcome, 1)
	o, err := l.Commit(ctx, mine, func(context.Context, func(context.Context) error) error {
		s.Stop()
		before.PutBackStream(ledgerStream)
		s.Restart()
		wantGeneration(t, slow, 1)
		go func() {
			o, err := commit(t, other, f, block("theirs", m))
			if err != nil {
				t.Error(err)
			}
			theirs <- o
		}()
		time.Sleep(4 * time.Second) // as if the ledger was being read again
		if err := l.Restore(ctx); err != nil {
			t.Error(err)
		}
		return f.create(mine.Place.Name, "data of mine")
	})
	if err != nil || !o.Stored {
		t.Errorf("%+v, %v: its block is the first", o, err)
	}
	if o := <-theirs; o.Stored {
		t.Error("its message is claimed by a capture that reads the ledger slowly")
	}
}
