// Package storetest has the suite that every store.Bucket must pass: the promises of package store, as outcomes.
//
// A driver's test is one call:
//
//	func TestBucket(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Bucket { return s3store.New(...) })
//	}
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"testing"

	"github.com/jetcapture/lake/store"
)

// Run tests the Buckets that open returns. It calls open once for each subtest and expects an empty Bucket of which it
// is the only user; open registers the cleanup with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Bucket) {
	tests := []struct {
		name string
		run  func(*testing.T, store.Bucket)
	}{
		{"created object is there as described", createdObjectIsThere},
		{"nothing is visible before Create returns", nothingVisibleBeforeCreateReturns},
		{"one of 16 racing creators wins", oneRacingCreatorWins},
		{"racing creators of the same content all succeed", racingSameContentSucceeds},
		{"same content again is no error", sameContentAgain},
		{"other content leaves the first alone", otherContentIsRefused},
		{"concurrent creates of different names", concurrentCreates},
		{"content is read from its start", contentIsReadFromItsStart},
		{"empty object", emptyObject},
		{"object of 20 MB", bigObject},
		{"large object, read by parts", largeObjectByParts},
		{"large object, read in order", largeObjectInOrder},
		{"one of 16 racing creators of large content wins", oneRacingLargeCreatorWins},
		{"large content that fails or is cancelled midway", breakingLarge},
		{"attributes are kept", attributesAreKept},
		{"same content with other attributes is no error", sameContentWithOtherAttributes},
		{"cancelled before Create", cancelledBefore},
		{"cancelled during Create", cancelledDuring},
		{"content that fails midway", failingContent},
		{"hostile but valid names", hostileNames},
		{"invalid names are refused", invalidNames},
		{"ranges", ranges},
		{"missing objects", missingObjects},
		{"removal", removal},
		{"listing is complete and in order", listing},
		{"listing by prefix", listingByPrefix},
		{"listing stops when it is told to", listingStops},
		{"20 who identify a store at once get one identity", oneIdentity},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// create stores content, which must succeed.
func create(t *testing.T, b store.Bucket, name string, content []byte) store.Object {
	t.Helper()
	object, err := b.Create(t.Context(), name, bytes.NewReader(content), nil)
	if err != nil {
		t.Fatalf("Create(%q): %v", name, err)
	}
	return object
}

// wantContent checks that an object exists and is whole.
func wantContent(t *testing.T, b store.Bucket, name string, want []byte) {
	t.Helper()
	got, err := read(t.Context(), b, name, 0, -1)
	if err != nil {
		t.Fatalf("read %q: %v", name, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%q holds %s, want %s", name, summary(got), summary(want))
	}
	object, err := b.Stat(t.Context(), name)
	if err != nil {
		t.Fatalf("Stat(%q): %v", name, err)
	}
	if object.Name != name || object.Size != int64(len(want)) {
		t.Fatalf("Stat(%q) = %+v, want that name and %d bytes", name, object, len(want))
	}
}

// wantNothing checks that there is no object of that name.
func wantNothing(t *testing.T, b store.Bucket, name string) {
	t.Helper()
	if object, err := b.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat(%q) = %+v, %v, want fs.ErrNotExist", name, object, err)
	}
	if content, err := read(t.Context(), b, name, 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read %q: %s, %v, want fs.ErrNotExist", name, summary(content), err)
	}
	wantNames(t, b, "")
}

// wantNames checks what List yields.
func wantNames(t *testing.T, b store.Bucket, prefix string, want ...string) {
	t.Helper()
	got := list(t, b, prefix)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Fatalf("List(%q) yields %d names, want %d; too many from %q on", prefix, len(got), len(want), got[i])
		case i >= len(got):
			t.Fatalf("List(%q) yields %d names, want %d; missing from %q on", prefix, len(got), len(want), want[i])
		case got[i] != want[i]:
			t.Fatalf("List(%q) yields %q as name %d, want %q", prefix, got[i], i, want[i])
		}
	}
}

func list(t *testing.T, b store.Bucket, prefix string) []string {
	t.Helper()
	var names []string
	for object, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List(%q): %v", prefix, err)
		}
		names = append(names, object.Name)
	}
	return names
}

// read returns a range of an object.
func read(ctx context.Context, b store.Bucket, name string, offset, length int64) ([]byte, error) {
	r, err := b.Open(ctx, name, offset, length)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}

// all runs do for 0 to n-1, width at a time.
func all(n, width int, do func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range width {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// pattern returns n bytes in which no two places look alike.
func pattern(n int, seed uint32) []byte {
	p := make([]byte, n)
	x := seed*2654435761 + 1
	for i := range p {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		p[i] = byte(x)
	}
	return p
}

func summary(p []byte) string {
	if len(p) > 40 {
		return fmt.Sprintf("%d bytes %.40q...", len(p), p)
	}
	return fmt.Sprintf("%q", p)
}
