package jetcapture

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

func TestFileNamesSayWhichBlockAndSequencesTheyAreOf(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	id := newBlockID("")
	for _, c := range []struct {
		name string
		want ledger.File
		ok   bool
	}{
		{fileName(start, 3, 1<<60, id, "csv", "gz"), ledger.File{Block: id, First: 3, Last: 1 << 60}, true},
		{fileName(start, 3, 4, id), ledger.File{Block: id, First: 3, Last: 4}, true},
		{"20261123T121500Z-0000000000000001-0000000000000002-short.parquet", ledger.File{}, false},
		{"part-00000-0000000000000002-" + id + ".parquet", ledger.File{}, false},
		{fileName(start, 5, 4, id), ledger.File{}, false},
		{"a/" + fileName(start, 3, 4, id), ledger.File{}, false},
		{"store.json", ledger.File{}, false},
	} {
		if got, ok := parseFileName(c.name); ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, ok)
		}
	}
}

func TestFilesBesideAPlaceAreThoseOfItsFolder(t *testing.T) {
	mem, start := store.NewMem(), time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	beside, deeper := fileName(start, 1, 2, newBlockID(""), "ndjson"), fileName(start, 1, 2, newBlockID(""), "ndjson")
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
	known, unknown, deeper := newBlockID(""), newBlockID(""), newBlockID("")
	for name, id := range map[string]string{"k/d/1/": known, "k/d/2/": unknown, "k/d/3/4/": deeper, "k/day/": newBlockID(""), "other/": newBlockID("")} {
		if _, err := mem.Create(t.Context(), name+fileName(start, 1, 2, id, "ndjson"), bytes.NewReader([]byte("x")), nil); err != nil {
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
	mem, name := store.NewMem(), "_deadletter/"+fileName(time.Unix(0, 0), 7, 8, newBlockID(""), deadLetterSuffix)
	w, out := newDeadLetterWriter(), new(bytes.Buffer)
	if err := w.InitNew(out); err != nil {
		t.Fatal(err)
	}
	for _, letter := range []*DeadLetter{{StreamSeq: 7, Timestamp: time.Unix(5, 9)}, {StreamSeq: 8, Timestamp: time.Unix(6, 1)}} {
		if _, err := w.Write(letter); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.Create(t.Context(), name, bytes.NewReader(out.Bytes()), nil); err != nil {
		t.Fatal(err)
	}
	files := filesIn(mem)
	files.reader = func() (format.MessageReader, bool) { return nil, false }
	messages, err := files.Messages(t.Context(), ledger.Place{Name: name})
	want := []ledger.Message{{Seq: 7, Time: 5_000_000_009}, {Seq: 8, Time: 6_000_000_001}}
	if err != nil || len(messages) != 2 || messages[0] != want[0] || messages[1] != want[1] {
		t.Errorf("messages are %v, %v", messages, err)
	}
	if _, err := files.Messages(t.Context(), ledger.Place{Name: "k/data.ndjson"}); !errors.Is(err, ledger.ErrUnreadable) {
		t.Errorf("a file whose format does not tell: %v", err)
	}
}
