package ledgerfiles_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/blockname"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/store"
)

func TestFilesBesideAPlaceAreThoseOfItsFolder(t *testing.T) {
	mem, start := store.NewMem(), time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	beside, deeper := blockname.File(start, 1, 2, blockname.NewID(""), "ndjson"), blockname.File(start, 1, 2, blockname.NewID(""), "ndjson")
	for _, name := range []string{"k/h/" + beside, "k/h/deeper/" + deeper, "k/h/notes.txt", "k/other/" + deeper} {
		if _, err := mem.Create(t.Context(), name, bytes.NewReader([]byte("x")), nil); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filesIn(mem).Beside(t.Context(), ledger.Place{Name: "k/h/new.ndjson"})
	if err != nil || len(files) != 1 || files[0].Place.Name != "k/h/"+beside {
		t.Errorf("files are %+v, %v", files, err)
	}
}

func TestFilesBelowFoldersAreThoseThatNobodyKnows(t *testing.T) {
	mem, start := store.NewMem(), time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	known, unknown, deeper := blockname.NewID(""), blockname.NewID(""), blockname.NewID("")
	for name, id := range map[string]string{"k/d/1/": known, "k/d/2/": unknown, "k/d/3/4/": deeper, "k/day/": blockname.NewID(""), "other/": blockname.NewID("")} {
		if _, err := mem.Create(t.Context(), name+blockname.File(start, 1, 2, id, "ndjson"), bytes.NewReader([]byte("x")), nil); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filesIn(mem).Below(t.Context(), []ledger.Place{{Name: "k/d"}, {Name: "not/there"}}, func(id string) bool { return id == known })
	var ids []string
	for _, f := range files {
		ids = append(ids, f.Block)
	}
	if err != nil || !slices.Equal(ids, []string{unknown, deeper}) {
		t.Errorf("files are %+v, %v", files, err)
	}
}

func TestDeadLettersSayWhichMessagesTheyAre(t *testing.T) {
	mem, name := store.NewMem(), "_deadletter/"+blockname.File(time.Unix(0, 0), 7, 8, blockname.NewID(""), ledgerfiles.LetterSuffix)
	deadLetters := `{"stream_seq":7,"timestamp":"1970-01-01T00:00:05.000000009Z","reason":"x"}` + "\n" + `{"stream_seq":8,"timestamp":"1970-01-01T00:00:06.000000001Z"}` + "\n"
	if _, err := mem.Create(t.Context(), name, strings.NewReader(deadLetters), nil); err != nil {
		t.Fatal(err)
	}
	files := filesIn(mem)
	files.Reader = func() (format.MessageReader, bool) { return nil, false }
	messages, err := files.Messages(t.Context(), ledger.Place{Name: name})
	want := []ledger.Message{{Seq: 7, Time: 5_000_000_009}, {Seq: 8, Time: 6_000_000_001}}
	if err != nil || len(messages) != 2 || messages[0] != want[0] || messages[1] != want[1] {
		t.Errorf("messages are %v, %v", messages, err)
	}
	if _, err := files.Messages(t.Context(), ledger.Place{Name: "k/data.ndjson"}); !errors.Is(err, ledger.ErrUnreadable) {
		t.Errorf("a file whose format does not tell: %v", err)
	}
}
