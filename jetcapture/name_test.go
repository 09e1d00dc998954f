package jetcapture

import (
	"slices"
	"testing"
	"time"
)

func TestFileName(t *testing.T) {
	start := time.Date(2026, 11, 23, 13, 15, 0, 0, time.FixedZone("CET", 3600))
	got := fileName(start, 7, 200_000, "4g8wkzq0v3c1m9ta", ".csv", "gz", "")
	if want := "20261123T121500Z-0000000000000007-0000000000200000-4g8wkzq0v3c1m9ta.csv.gz"; got != want {
		t.Errorf("fileName = %s, want %s", got, want)
	}
}

func TestFileNamesSortByIntervalThenSequence(t *testing.T) {
	start := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	names := []string{
		fileName(start, 9, 10, newBlockID("")),
		fileName(start, 10, 11, newBlockID("")),
		fileName(start, 1_000_000_000_000, 1_000_000_000_001, newBlockID("")),
		fileName(start.Add(time.Hour), 1, 2, newBlockID("")),
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %q", names)
	}
}

func TestBlockIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 100_000 {
		id := newBlockID("")
		if len(id) != 16 || seen[id] {
			t.Fatalf("block id %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
	}
}
