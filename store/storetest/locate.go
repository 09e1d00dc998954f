package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/jetcapture/lake/store"
)

// RunLocator tests the stores that open returns, which must be Locators, RootWriters and Probers, with at least two destination keys
// in different places. It calls open once for each subtest and expects an empty store of which it is the only user.
func RunLocator[K comparable](t *testing.T, open func(t *testing.T) store.BlockStore[K], keys ...K) {
	tests := []struct {
		name string
		run  func(locatorTest[K], *testing.T)
	}{
		{"a block is where Locate says", locatorTest[K].blockIsThere},
		{"what is created where Locate says is in the way of Write", locatorTest[K].createdIsInTheWay},
		{"locations are one for each block", locatorTest[K].locationsDiffer},
		{"bad names have no location", locatorTest[K].badNames},
		{"hostile roots have no bucket", locatorTest[K].hostileRoots},
		{"each root has one identity", locatorTest[K].identities},
		{"it can be probed, which leaves nothing", locatorTest[K].probing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, ok := open(t).(locating[K])
			if !ok {
				t.Fatal("the store is no Locator, or no RootWriter")
			}
			test.run(locatorTest[K]{s, keys}, t)
		})
	}
}

type locating[K comparable] interface {
	store.BlockStore[K]
	store.RootWriter
	store.Locator[K]
}

type locatorTest[K comparable] struct {
	store locating[K]
	keys  []K
}

// A placeTest is one destination key, or the root.
type placeTest struct {
	what   string
	locate func(dir, fileName string) (store.Location, error)
	write  func(block io.Reader, dir, fileName string) (location string, err error)
}

func (l locatorTest[K]) places(t *testing.T) []placeTest {
	ctx := t.Context()
	all := []placeTest{{
		"root",
		func(dir, fileName string) (store.Location, error) { return l.store.LocateRoot(ctx, dir, fileName) },
		func(block io.Reader, dir, fileName string) (string, error) {
			location, _, _, err := l.store.WriteRoot(ctx, block, dir, fileName)
			return location, err
		},
	}}
	for _, destKey := range l.keys {
		all = append(all, placeTest{
			fmt.Sprintf("destination key %.80s", fmt.Sprintf("%#v", destKey)),
			func(dir, fileName string) (store.Location, error) { return l.store.Locate(ctx, destKey, dir, fileName) },
			func(block io.Reader, dir, fileName string) (string, error) {
				location, _, _, err := l.store.Write(ctx, block, destKey, dir, fileName)
				return location, err
			},
		})
	}
	return all
}

func (l locatorTest[K]) bucket(t *testing.T, at store.Location) store.Bucket {
	t.Helper()
	bucket, err := l.store.Bucket(t.Context(), at.Root)
	if err != nil {
		t.Fatalf("Bucket(%q): %v", at.Root, err)
	}
	return bucket
}

func (l locatorTest[K]) located(t *testing.T, p placeTest, dir, fileName string) (store.Location, store.Bucket) {
	t.Helper()
	at, err := p.locate(dir, fileName)
	if err != nil {
		t.Fatalf("%s: locate: %v", p.what, err)
	}
	if err := store.ValidName(at.Name); err != nil {
		t.Fatalf("%s: location %+v: %v", p.what, at, err)
	}
	return at, l.bucket(t, at)
}

func (l locatorTest[K]) blockIsThere(t *testing.T) {
	for i, p := range l.places(t) {
		dir := fmt.Sprintf("place=%d", i) // the root may be a destination key's place too
		at, bucket := l.located(t, p, dir, "1.parquet")
		if object, err := bucket.Stat(t.Context(), at.Name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: before Write, Stat returns %+v, %v", p.what, object, err)
		}
		content := pattern(1000, uint32(i))
		location, err := p.write(bytes.NewReader(content), dir, "1.parquet")
		if err != nil {
			t.Fatalf("%s: Write: %v", p.what, err)
		}
		wantContent(t, bucket, at.Name, content)
		if object, err := bucket.Stat(t.Context(), at.Name); err != nil || object.Location != location {
			t.Errorf("%s: Write says %s, but Stat where Locate says %s, %v", p.what, location, object.Location, err)
		}
	}
}

func (l locatorTest[K]) createdIsInTheWay(t *testing.T) {
	for i, p := range l.places(t) {
		dir := fmt.Sprintf("place=%d", i)
		at, bucket := l.located(t, p, dir, "1.parquet")
		tombstone := pattern(100, uint32(i))
		object := create(t, bucket, at.Name, tombstone)
		if _, err := p.write(bytes.NewReader(pattern(1000, 99)), dir, "1.parquet"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: Write of another block returns %v, want fs.ErrExist", p.what, err)
		}
		if location, err := p.write(bytes.NewReader(tombstone), dir, "1.parquet"); err != nil || location != object.Location {
			t.Errorf("%s: Write of what is there returns %s, %v, want %s", p.what, location, err, object.Location)
		}
		for _, content := range [][]byte{nil, tombstone[:99], append(bytes.Clone(tombstone), 0), pattern(100, 98)} {
			if err := store.RemoveExactly(t.Context(), bucket, at.Name, content); err != nil {
				t.Errorf("%s: removal of what is not there: %v", p.what, err)
			}
			wantContent(t, bucket, at.Name, tombstone)
		}
		for range 2 {
			if err := store.RemoveExactly(t.Context(), bucket, at.Name, tombstone); err != nil {
				t.Errorf("%s: removal: %v", p.what, err)
			}
		}
		if _, err := p.write(bytes.NewReader(pattern(1000, 99)), dir, "1.parquet"); err != nil {
			t.Errorf("%s: Write after the removal: %v", p.what, err)
		}
	}
}

func (l locatorTest[K]) locationsDiffer(t *testing.T) {
	seen := make(map[store.Location]string)
	for _, p := range l.places(t)[1:] {
		for _, dir := range []string{"", "hour=12"} {
			for _, fileName := range []string{"1", "2"} {
				at, _ := l.located(t, p, dir, fileName)
				what := fmt.Sprintf("%s/%s of %s", dir, fileName, p.what)
				if other, taken := seen[at]; taken {
					t.Errorf("%s and %s are both at %+v", other, what, at)
				}
				seen[at] = what
				if second, err := p.locate(dir, fileName); err != nil || second != at {
					t.Errorf("%s is at %+v, and then at %+v, %v", what, at, second, err)
				}
			}
		}
	}
	for at := range seen {
		for object, err := range l.bucket(t, at).List(t.Context(), "") {
			t.Fatalf("to locate a block made an object: %+v, %v", object, err)
		}
	}
}

func (l locatorTest[K]) badNames(t *testing.T) {
	for _, p := range l.places(t) {
		for _, bad := range [][2]string{{"..", "x"}, {"a/../../..", "x"}, {"/", "x"}, {"", ""}, {"", "../x"}, {"a", "x\x00"}} {
			if at, err := p.locate(bad[0], bad[1]); !store.IsPermanent(err) || errors.Is(err, store.ErrDestKey) || at != (store.Location{}) {
				t.Errorf("%s: %q is at %+v, %v, want a Permanent error that is not about the destination key", p.what, bad, at, err)
			}
		}
	}
}

func (l locatorTest[K]) hostileRoots(t *testing.T) {
	hostile := []string{
		"..", "../..", "/", "/etc", "/tmp/x", ".", "https://127.0.0.1:1/container", "s3://bucket", "k/", "k..", "r/", "r../..", "r/etc", "k\x00",
		"1:k", "0:", "-1:k", "99999999999999999999:k", "2:k", "1:k/", "+1:k", "01:k", ":", "1:r", "k====", "k+/+/",
	}
	for _, p := range l.places(t) {
		at, _ := l.located(t, p, "", "x")
		hostile = append(hostile, at.Root+"/", at.Root+"/..", at.Root+"\x00", "/"+at.Root, "../"+at.Root, at.Root+"=")
	}
	for _, root := range hostile {
		if bucket, err := l.store.Bucket(t.Context(), root); !store.IsPermanent(err) || bucket != nil {
			t.Errorf("Bucket(%q) returns %v, %v, want a Permanent error", root, bucket, err)
		}
	}
}

func (l locatorTest[K]) identities(t *testing.T) {
	idOf := make(map[string]string) // by root
	for _, p := range l.places(t) {
		at, bucket := l.located(t, p, "", "x")
		before, err := store.ReadIdentity(t.Context(), bucket) // roots may share a bucket
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: ReadIdentity: %v", p.what, err)
		}
		id, err := store.Identify(t.Context(), bucket)
		if err != nil || before != "" && id != before {
			t.Errorf("%s: Identify returns %q, %v; it was %q before", p.what, id, err, before)
		}
		if idOf[at.Root] != "" && idOf[at.Root] != id {
			t.Errorf("%s: the identity is %q, and was %q by the same root", p.what, id, idOf[at.Root])
		}
		idOf[at.Root] = id
	}
	for root, want := range idOf {
		if id, err := store.ReadIdentity(t.Context(), l.bucket(t, store.Location{Root: root})); id != want || err != nil {
			t.Errorf("root %q: ReadIdentity returns %q, %v, want %q", root, id, err, want)
		}
	}
}

func (l locatorTest[K]) probing(t *testing.T) {
	prober, ok := any(l.store).(store.Prober)
	if !ok {
		t.Fatalf("a %T is no Prober: nobody could tell whether it overwrites", l.store)
	}
	if err := prober.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	for _, p := range l.places(t) {
		_, bucket := l.located(t, p, "place", "1.parquet")
		for object, err := range bucket.List(t.Context(), "") {
			t.Errorf("%s: there is %s after Probe, %v", p.what, object.Name, err)
		}
	}
}
