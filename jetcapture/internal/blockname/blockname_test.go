package blockname_test

import (
	"slices"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/blockname"
)

func TestFileName(t *testing.T) {
	start := time.Date(2026, 11, 23, 13, 15, 0, 0, time.FixedZone("CET", 3600))
	got := blockname.File(start, 7, 200_000, "4g8wkzq0v3c1m9ta", ".csv", "gz", "")
	if want := "20261123T121500Z-0000000000000007-0000000000200000-4g8wkzq0v3c1m9ta.csv.gz"; got != want {
		t.Errorf("File = %s, want %s", got, want)
	}
}

func TestFileNamesSortByIntervalThenSequence(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	names := []string{
		blockname.File(start, 9, 10, blockname.NewID("")),
		blockname.File(start, 10, 11, blockname.NewID("")),
		blockname.File(start, 1_000_000_000_000, 1_000_000_000_001, blockname.NewID("")),
		blockname.File(start.Add(time.Hour), 1, 2, blockname.NewID("")),
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %q", names)
	}
}

func TestBlockIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100_000 {
		id := blockname.NewID("")
		if len(id) != 16 || seen[id] {
			t.Fatalf("block id %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
	}
}

func TestFileNamesSayWhichBlockAndSequencesTheyAreOf(t *testing.T) {
	type parsed struct {
		id          string
		first, last uint64
	}
	start := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	id := blockname.NewID("")
	for _, c := range []struct {
		name string
		want parsed
		ok   bool
	}{
		{blockname.File(start, 3, 1<<60, id, "csv", "gz"), parsed{id, 3, 1 << 60}, true},
		{blockname.File(start, 3, 4, id), parsed{id, 3, 4}, true},
		{"20261123T121500Z-0000000000000001-0000000000000002-short.parquet", parsed{}, false},
		{"part-00000-0000000000000002-" + id + ".parquet", parsed{}, false},
		{blockname.File(start, 5, 4, id), parsed{}, false},
		{"a/" + blockname.File(start, 3, 4, id), parsed{}, false},
		{"store.json", parsed{}, false},
	} {
		block, first, last, ok := blockname.Parse(c.name)
		if got := (parsed{block, first, last}); ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %+v, %v", c.name, got, ok)
		}
	}
}
