package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/jetcapture/lake/store"
)

// listing goes beyond the 1,000 objects that S3 and Google give at once; Azure gives 5,000.
func listing(t *testing.T, b store.Bucket) {
	var names []string
	for i := range 1040 {
		names = append(names, fmt.Sprintf("list/%02d/%04d", i%7, i))
	}
	names = append(names, "list-a", "list.a", "list0", "lisu") // two sort before "list/", two after it
	all(len(names), 16, func(i int) {
		if _, err := b.Create(t.Context(), names[i], bytes.NewReader([]byte(names[i])), nil); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		return
	}
	names = sorted(names)
	wantNames(t, b, "", names...)
	for object, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if object.Size != int64(len(object.Name)) || object.Location == "" || object.Modified.IsZero() {
			t.Fatalf("List yields %+v", object)
		}
	}
	wantNames(t, b, "list/", names[2:1042]...)
}

// listingByPrefix uses names that sort otherwise as text than as folders.
func listingByPrefix(t *testing.T, b store.Bucket) {
	names := []string{
		"a!/x", "a-b", "a-bc", "a-d/x", "a.b/x", "a/b", "a/b-c", "a/b.c/x", "a/bc/d", "a/bc/e/f", "a/c", "a0", "a=1/x", "ab/c", "b/a/b", "é/x",
	}
	for _, name := range names {
		create(t, b, name, []byte(name))
	}
	for _, prefix := range []string{
		"", "a", "a/", "a-", "a-b", "a-b/", "a/b", "a/bc", "a/bc/", "a/bc/e/f", "a/bc/e/f/", "a/bc/e/fg", "a=", "b", "b/a", "c", "\u00e9",
		"/", "/a", "//", ".", "..", "../", "a/../a/", "./a", "a//", "zzz/zzz/zzz",
	} {
		var want []string
		for _, name := range sorted(names) {
			if len(name) >= len(prefix) && name[:len(prefix)] == prefix {
				want = append(want, name)
			}
		}
		wantNames(t, b, prefix, want...)
	}
}

func listingStops(t *testing.T, b store.Bucket) {
	for i := range 20 {
		create(t, b, fmt.Sprintf("x/%d/y", i), nil)
	}
	n := 0
	for _, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 5 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n = 0
	for object, err := range b.List(ctx, "") {
		if n++; !errors.Is(err, context.Canceled) {
			t.Fatalf("List yields %+v, %v with a context that is cancelled", object, err)
		}
	}
	if n != 1 {
		t.Errorf("List with a context that is cancelled yields %d times, want the error once", n)
	}
}

func sorted(names []string) []string { return slices.Sorted(slices.Values(names)) }
