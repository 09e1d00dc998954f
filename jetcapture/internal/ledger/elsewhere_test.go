package ledger

import (
	"slices"
	"testing"
)

func TestFoldersOfCapturesWithOtherFlagsHaveAnotherShape(t *testing.T) {
	b := NewBook(1 << 20)
	for i, name := range []string{
		"region=eu/date=2026-11-29/hour=01/a", "region=us/date=2026-11-29/hour=23/b", "region=us/date=2026-11-30/hour=00/c", // mine
		"date=2026-11-29/hour=01/d", "date=2026-11-29/hour=02/e", "all/2026/11/29/14/30/f", "all/2026/11/29/14/31/g", "flat/h",
	} {
		e := part(name, 1, 1, uint64(1+i))
		e.Place = Place{Name: name}
		story(b, e)
	}
	want := []Place{{Name: "all/2026/11/29/14"}, {Name: "date=2026-11-29"}, {Name: "flat"}}
	if got := b.foldersUnlike(Place{Name: "region=de/date=2026-12-01/hour=05"}.shape()); !slices.Equal(got, want) {
		t.Errorf("the folders are %v, want %v", got, want)
	}
	rootless := part("i", 1, 1, 100)
	rootless.Place = Place{Name: "i"}
	story(b, rootless)
	if got := b.foldersUnlike("*"); !slices.Equal(got, []Place{{Name: "."}}) {
		t.Errorf("beside files in no folder, the folders are %v", got)
	}
}
