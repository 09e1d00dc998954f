package storetest

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/jetcapture/lake/store"
)

func ranges(t *testing.T, b store.Bucket) {
	const size = 100_000
	content := pattern(size, 11)
	create(t, b, "x/y", content)
	for _, r := range []struct {
		what           string
		offset, length int64
		want           []byte
	}{
		{"all", 0, -1, content},
		{"all, by its length", 0, size, content},
		{"start", 0, 10, content[:10]},
		{"middle", 40_000, 30_000, content[40_000:70_000]},
		{"one byte", 99_999, 1, content[99_999:]},
		{"to the end", 60_000, -1, content[60_000:]},
		{"nothing", 50, 0, nil},
		{"over the end", 99_990, 1000, content[99_990:]},
		{"far over the end", 99_990, 1<<63 - 1, content[99_990:]},
		{"at the end", size, -1, nil},
		{"at the end, with a length", size, 10, nil},
		{"beyond the end", size + 50, -1, nil},
		{"beyond the end, with a length", size + 50, 10, nil},
	} {
		got, err := read(t.Context(), b, "x/y", r.offset, r.length)
		if err != nil || !bytes.Equal(got, r.want) {
			t.Errorf("%s: read %s, %v, want %s", r.what, summary(got), err, summary(r.want))
		}
	}
	for _, r := range [][2]int64{{-1, 10}, {0, -2}} {
		if got, err := read(t.Context(), b, "x/y", r[0], r[1]); err == nil {
			t.Errorf("Open with offset %d and length %d gives %d bytes, want an error", r[0], r[1], len(got))
		}
	}
}

func missingObjects(t *testing.T, b store.Bucket) {
	wantNothing(t, b, "x")
	wantNothing(t, b, "x/y")
	create(t, b, "folder/object", []byte("content"))
	for _, name := range []string{"folder", "folder/o", "folder/object2", "folder/object/below", "other/object"} {
		if object, err := b.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%q) = %+v, %v, want fs.ErrNotExist", name, object, err)
		}
		for _, length := range []int64{-1, 0, 10} {
			if got, err := read(t.Context(), b, name, 0, length); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read %d bytes of %q: %s, %v, want fs.ErrNotExist", length, name, summary(got), err)
			}
		}
		if err := b.Remove(t.Context(), name); err != nil {
			t.Errorf("Remove(%q): %v", name, err)
		}
	}
	wantNames(t, b, "", "folder/object")
}

func removal(t *testing.T, b store.Bucket) {
	create(t, b, "a/x", []byte("x"))
	create(t, b, "a/xy", []byte("xy"))
	for range 2 {
		if err := b.Remove(t.Context(), "a/x"); err != nil {
			t.Fatal(err)
		}
		wantNames(t, b, "", "a/xy")
	}
	create(t, b, "a/x", []byte("other content"))
	wantContent(t, b, "a/x", []byte("other content"))
	wantContent(t, b, "a/xy", []byte("xy"))
	for _, name := range []string{"a/x", "a/xy"} {
		if err := b.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	wantNothing(t, b, "a/x")
}
