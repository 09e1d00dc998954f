package storetest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
)

// hostileNames stores objects whose names programs misread: as escapes, patterns, options, folders.
func hostileNames(t *testing.T, b store.Bucket) {
	names := []string{
		"with space/ leading/trailing ",
		"percent/100%/%41/a%2Fb/%",
		"percent/A", // is not %41
		"a+b", "a b",
		"region=eu/name==/=",
		"question?mark#hash&and;semicolon:colon",
		"quotes'\"`<>|*[a-z]{x,y}$HOME~!@^",
		"...", "..x/.hidden/_deadletter/-rf",
		"umlaut-ä/日本語/👩‍🚀/\u200b",
		"http:/x",
		strings.Repeat("n", 255),
		"deep/" + strings.Repeat("d/", 250) + strings.Repeat("ü", 60),
		"CON", "nul.parquet", "x.tmp", "y.tmp/x.lock",
	}
	for i, name := range names {
		if err := store.ValidName(name); err != nil {
			t.Fatalf("the test itself: %v", err)
		}
		create(t, b, name, pattern(100+i, uint32(i)))
	}
	for i, name := range names {
		wantContent(t, b, name, pattern(100+i, uint32(i)))
	}
	wantNames(t, b, "", sorted(names)...)
	for _, name := range names {
		if err := b.Remove(t.Context(), name); err != nil {
			t.Errorf("Remove(%q): %v", name, err)
		}
	}
	wantNames(t, b, "")
}

func invalidNames(t *testing.T, b store.Bucket) {
	create(t, b, "a/b", []byte("b"))
	for _, name := range []string{
		"", "/", "/a/b", "a/b/", "a//b", ".", "..", "./a/b", "a/./b", "a/../a/b", "../outside", "a/..",
		`a\b`, "nul\x00", "latin-1-\xe4", strings.Repeat("n", 256), strings.Repeat("n/", 512) + "n",
	} {
		ctx := t.Context()
		if _, err := b.Create(ctx, name, bytes.NewReader([]byte("x")), nil); !store.IsPermanent(err) {
			t.Errorf("Create(%.40q) returns %v, want a Permanent error", name, err)
		}
		if r, err := b.Open(ctx, name, 0, -1); !store.IsPermanent(err) {
			t.Errorf("Open(%.40q) returns %v, %v, want a Permanent error", name, r, err)
		}
		if _, err := b.Stat(ctx, name); !store.IsPermanent(err) {
			t.Errorf("Stat(%.40q) returns %v, want a Permanent error", name, err)
		}
		if err := b.Remove(ctx, name); !store.IsPermanent(err) {
			t.Errorf("Remove(%.40q) returns %v, want a Permanent error", name, err)
		}
	}
	wantNames(t, b, "", "a/b")
	wantContent(t, b, "a/b", []byte("b"))
}
