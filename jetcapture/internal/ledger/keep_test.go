package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

var errDenied = errors.New("permission denied")

// deniedFolders are files in memory, of which those in the folder "denied" cannot be changed, and those in "hangs" not in time.
type deniedFolders struct{ *files }

func (f deniedFolders) CreateTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	if err := f.changes(ctx, at); err != nil {
		return err
	}
	return f.files.CreateTombstone(ctx, at, content)
}

func (f deniedFolders) RemoveTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	if err := f.changes(ctx, at); err != nil {
		return err
	}
	return f.files.RemoveTombstone(ctx, at, content)
}

func (deniedFolders) changes(ctx context.Context, at ledger.Place) error {
	switch folder, _, _ := strings.Cut(at.Name, "/"); folder {
	case "denied":
		return errDenied
	case "hangs":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// abandoned appends claims that nobody will store, and returns their messages and where the claims are in the log.
func abandoned(t *testing.T, o *opened, folders ...string) (messages []ledger.Message, seqs []uint64) {
	t.Helper()
	for i, folder := range folders {
		m := ledger.Message{Seq: uint64(i + 1), Time: int64(i + 1)}
		e := claim(blockOf(m), m.Seq)
		e.Place.Name = folder + "/" + e.Block
		seq := mustAppend(t, o, e)
		applied(t, o, seq)
		messages, seqs = append(messages, m), append(seqs, seq)
	}
	return messages, seqs
}

func blockOf(m ledger.Message) string { return fmt.Sprintf("block%d", m.Seq) }

// keep calls Keep a few times, with a second each.
func keep(t *testing.T, l *ledger.Ledger, times int, floor uint64) (err error) {
	t.Helper()
	for range times {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err = l.Keep(ctx, floor)
		cancel()
	}
	return err
}

func TestAClaimThatCannotBeSettledHoldsUpNoOther(t *testing.T) {
	for folder, rounds := range map[string]int{"denied": 2, "hangs": 4} { // the first sees since when claims are open; then each waits for one that hangs
		t.Run(folder, func(t *testing.T) {
			s := server(t)
			o, l := capture(t, s, deniedFolders{new(files)}, ledger.Options{SettleAfter: time.Nanosecond})
			messages, _ := abandoned(t, o, folder, folder, "good", "good")
			for _, m := range messages {
				if v := l.Look(t.Context(), m); v != ledger.Pending {
					t.Fatalf("message %d is %v before its claim is settled", m.Seq, v)
				}
			}
			if err := keep(t, l, rounds, 0); err == nil {
				t.Error("Keep does not say that it could not settle all")
			}
			for _, m := range messages[2:] {
				if v := l.Look(t.Context(), m); v != ledger.Free {
					t.Errorf("message %d of a folder that can be written is %v", m.Seq, v)
				}
			}
			for _, m := range messages[:2] {
				if v := l.Look(t.Context(), m); v != ledger.Pending {
					t.Errorf("message %d of the other folder is %v", m.Seq, v)
				}
			}
		})
	}
}

func TestATombstoneThatCannotBeRemovedHoldsUpNoOther(t *testing.T) {
	s := server(t)
	o, l := capture(t, s, deniedFolders{new(files)}, ledger.Options{Retention: 10 * time.Millisecond})
	messages, seqs := abandoned(t, o, "denied", "good", "good")
	for i, m := range messages {
		seq, err := o.Append(t.Context(), &ledger.Entry{Block: blockOf(m), State: ledger.Aborted}, seqs[i])
		if err != nil {
			t.Fatal(err)
		}
		applied(t, o, seq)
	}
	err := errors.New("not tried")
	for deadline := time.Now().Add(20 * time.Second); o.book.Stats().Claims > 1 && time.Now().Before(deadline); {
		err = keep(t, l, 1, 100) // it forgets what it has seen forgettable for the retention
	}
	if !errors.Is(err, errDenied) {
		t.Errorf("Keep = %v, want what kept it from removing a tombstone", err)
	}
	if claims := o.book.Stats().Claims; claims != 1 {
		t.Errorf("the book has %d claims, want only the one whose tombstone cannot be removed", claims)
	}
}

func TestKeepNamesNoMoreThanAFewClaims(t *testing.T) {
	s := server(t)
	folders := make([]string, 9)
	for i := range folders {
		folders[i] = "denied"
	}
	o, l := capture(t, s, deniedFolders{new(files)}, ledger.Options{SettleAfter: time.Nanosecond})
	messages, _ := abandoned(t, o, folders...)
	for _, m := range messages {
		l.Look(t.Context(), m)
	}
	err := keep(t, l, 2, 0) // the first round sees since when claims are open
	if err == nil || strings.Count(err.Error(), errDenied.Error()) != 3 || !strings.Contains(err.Error(), "and 6 more") {
		t.Errorf("%v: want three of nine, and how many more", err)
	}
}
