package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/storetest"
)

// A tenantKey is a destination key as captures have them.
type tenantKey struct {
	Region string
	ID     int
	Since  time.Time
}

var tenants = []tenantKey{
	{"eu", 1, time.Date(2026, 11, 23, 12, 0, 0, 5, time.UTC)},
	{"eu", 2, time.Date(2026, 11, 23, 12, 0, 0, 5, time.FixedZone("", 5400))},
	{"../..", -1, time.Time{}},
	{"\x00\xff/\\", 0, time.Now()},
	{strings.Repeat("long", 500), 0, time.Time{}},
	{},
}

func TestLocatorOverMem(t *testing.T) {
	storetest.RunLocator(t, func(*testing.T) store.BlockStore[tenantKey] { return store.Blocks[tenantKey](store.NewMem(), nil) }, tenants...)
}

func TestLocatorOverDir(t *testing.T) {
	storetest.RunLocator(t, func(t *testing.T) store.BlockStore[tenantKey] {
		return store.Blocks[tenantKey](store.NewDir(t.TempDir()), nil)
	}, tenants...)
}

func TestLocatorOfLocalFSStore(t *testing.T) {
	storetest.RunLocator(t, func(t *testing.T) store.BlockStore[tenantKey] { return localFS(t) }, tenants...)
}

func localFS(t testing.TB) *store.LocalFSStore[tenantKey] {
	root := t.TempDir()
	return &store.LocalFSStore[tenantKey]{Resolver: func(key tenantKey) (string, error) {
		folder, err := store.HivePath(key)
		return filepath.Join(root, folder), err
	}}
}

func TestLocatorOfChoose(t *testing.T) {
	root := func(string) (string, error) { return "", nil }
	t.Run("a bucket each", func(t *testing.T) {
		storetest.RunLocator(t, func(*testing.T) store.BlockStore[string] {
			var mu sync.Mutex
			buckets := make(map[string]store.BlockStore[string])
			return store.Choose(func(key string) (store.BlockStore[string], error) {
				mu.Lock()
				defer mu.Unlock()
				if buckets[key] == nil {
					buckets[key] = store.Blocks(store.NewMem(), root)
				}
				return buckets[key], nil
			}, store.Blocks(store.NewMem(), root))
		}, "eu", "us", "", "../..", "k", "r")
	})
	t.Run("stores with roots, chosen twice", func(t *testing.T) {
		storetest.RunLocator(t, func(t *testing.T) store.BlockStore[tenantKey] {
			eu, others, root := localFS(t), store.Blocks[tenantKey](store.NewMem(), nil), localFS(t)
			inner := store.Choose(func(key tenantKey) (store.BlockStore[tenantKey], error) {
				if key.Region == "eu" {
					return eu, nil
				}
				return others, nil
			}, root)
			return store.Choose(func(tenantKey) (store.BlockStore[tenantKey], error) { return inner, nil }, inner)
		}, tenants...)
	})
}

func TestRootOfChooseDoesNotLeadToAnotherKeysFolder(t *testing.T) {
	local := localFS(t)
	s := store.Choose(func(tenantKey) (store.BlockStore[tenantKey], error) { return local, nil }, store.BlockStore[tenantKey](local)).(store.Locator[tenantKey])
	a, errA := s.Locate(t.Context(), tenantKey{ID: 1}, "", "x")
	b, errB := local.Locate(t.Context(), tenantKey{ID: 2}, "", "x")
	own, errOwn := local.Locate(t.Context(), tenantKey{ID: 1}, "", "x")
	if err := errors.Join(errA, errB, errOwn); err != nil {
		t.Fatal(err)
	}
	mixed := strings.TrimSuffix(a.Root, own.Root) + b.Root
	if bucket, err := s.Bucket(t.Context(), mixed); mixed == a.Root || !store.IsPermanent(err) {
		t.Errorf("Bucket(%q) returns %v, %v", mixed, bucket, err)
	}
}

func TestEachFolderHasAnIdentity(t *testing.T) {
	s := localFS(t)
	ids := make(map[string]bool)
	for _, key := range tenants {
		at, err := s.Locate(t.Context(), key, "", "x")
		if err != nil {
			t.Fatal(err)
		}
		bucket, err := s.Bucket(t.Context(), at.Root)
		if err != nil {
			t.Fatal(err)
		}
		if id, err := store.ReadIdentity(t.Context(), bucket); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("ReadIdentity returns %q, %v", id, err)
		}
		id, err := store.Identify(t.Context(), bucket)
		if err != nil {
			t.Error(err)
		}
		ids[id] = true
	}
	if len(ids) != len(tenants) {
		t.Errorf("%d folders have %d identities", len(tenants), len(ids))
	}
}

// failing is a destination key that cannot always be written.
type failing string

func (f failing) MarshalText() ([]byte, error) {
	if f == "bad" {
		return nil, errors.New("no text for it")
	}
	return []byte(f), nil
}

func TestErrDestKeyIsAboutOneDestinationKey(t *testing.T) {
	mem := store.NewMem()
	const at, dir = "x", "d"
	fixed := func(folder string, err error) func(string) (string, error) {
		return func(string) (string, error) { return folder, err }
	}
	unknown := errors.New("no such tenant")
	for what, test := range map[string]struct {
		locate  func() (store.Location, error)
		destKey bool
		perm    bool
	}{
		"MarshalText fails":   {locate(t, store.Blocks[failing](mem, nil), "bad"), true, true},
		"resolve, for good":   {locate(t, store.Blocks(mem, fixed("", store.Permanent(unknown))), ""), true, true},
		"resolve, for now":    {locate(t, store.Blocks(mem, fixed("", unknown)), ""), false, false},
		"resolve says so":     {locate(t, store.Blocks(mem, fixed("", store.ErrDestKey)), ""), true, true},
		"invalid folder":      {locate(t, store.Blocks(mem, fixed("../x", nil)), ""), true, true},
		"long folder":         {locate(t, store.Blocks(mem, fixed(strings.Repeat("long/", 300)+"x", nil)), ""), true, true},
		"type of no use":      {locate(t, store.Blocks[float64](mem, nil), 1), false, true},
		"Resolver, for good":  {locate(t, &store.LocalFSStore[string]{Resolver: fixed("", store.Permanent(unknown))}, ""), true, true},
		"Resolver, for now":   {locate(t, &store.LocalFSStore[string]{Resolver: fixed("", unknown)}, ""), false, false},
		"no folder":           {locate(t, &store.LocalFSStore[string]{Resolver: fixed("", nil)}, ""), true, true},
		"no Resolver":         {locate(t, &store.LocalFSStore[string]{}, ""), false, true},
		"huge":                {locate(t, &store.LocalFSStore[string]{Resolver: fixed(t.TempDir(), nil)}, strings.Repeat("x", 5000)), true, true},
		"not equal to itself": {locate(t, &store.LocalFSStore[float64]{Resolver: func(float64) (string, error) { return t.TempDir(), nil }}, nan()), true, true},
		"type with a pointer": {locate(t, &store.LocalFSStore[*int]{Resolver: func(*int) (string, error) { return t.TempDir(), nil }}, nil), false, true},
		"chosen, for good":    {locate(t, store.Choose(func(string) (store.BlockStore[string], error) { return nil, store.Permanent(unknown) }, nil), ""), true, true},
		"chosen, for now":     {locate(t, store.Choose(func(string) (store.BlockStore[string], error) { return nil, unknown }, nil), ""), false, false},
		"none chosen":         {locate(t, store.Choose(func(string) (store.BlockStore[string], error) { return nil, nil }, nil), ""), true, true},
		"chosen MarshalText":  {locate(t, store.Choose(func(failing) (store.BlockStore[failing], error) { return store.Blocks[failing](mem, nil), nil }, nil), "bad"), true, true},
		"chosen, huge":        {locate(t, store.Choose(func(string) (store.BlockStore[string], error) { return store.Blocks[string](mem, nil), nil }, nil), strings.Repeat("x", 5000)), true, true},
		"no Locator":          {locate(t, store.Choose(func(string) (store.BlockStore[string], error) { return new(onlyBlocks), nil }, nil), ""), false, true},
	} {
		got, err := test.locate()
		if err == nil || errors.Is(err, store.ErrDestKey) != test.destKey || store.IsPermanent(err) != test.perm || got != (store.Location{}) {
			t.Errorf("%s: Locate returns %+v, %v; about the destination key: %t, Permanent: %t", what, got, err, errors.Is(err, store.ErrDestKey), store.IsPermanent(err))
		}
	}
	if _, _, _, err := store.Blocks[failing](mem, nil).Write(t.Context(), strings.NewReader("x"), "bad", dir, at); !errors.Is(err, store.ErrDestKey) {
		t.Errorf("Write returns %v", err)
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

func locate[K comparable](t *testing.T, s store.BlockStore[K], destKey K) func() (store.Location, error) {
	return func() (store.Location, error) {
		return s.(store.Locator[K]).Locate(t.Context(), destKey, "d", "x")
	}
}

func TestChooseSaysThatAStoreIsNoLocator(t *testing.T) {
	only := store.BlockStore[string](new(onlyBlocks))
	s := store.Choose(func(string) (store.BlockStore[string], error) { return only, nil }, only).(store.Locator[string])
	_, err := s.Locate(t.Context(), "", "", "x")
	_, errRoot := s.LocateRoot(t.Context(), "", "x")
	_, errBucket := s.Bucket(t.Context(), "r")
	for _, err := range []error{err, errRoot, errBucket} {
		if !store.IsPermanent(err) || !strings.Contains(err.Error(), "*store_test.onlyBlocks") || !strings.Contains(err.Error(), "store.Locator") {
			t.Errorf("the error is %v", err)
		}
	}
}

// FuzzBucketStaysInside tries roots that a ledger may hold, whoever wrote them.
func FuzzBucketStaysInside(f *testing.F) {
	outside := f.TempDir()
	inside := filepath.Join(outside, "inside")
	local := &store.LocalFSStore[string]{Resolver: func(key string) (string, error) {
		return filepath.Join(inside, store.EscapeHive(key)), nil
	}}
	chosen := store.Choose(func(string) (store.BlockStore[string], error) { return local, nil }, store.BlockStore[string](local)).(store.Locator[string])
	for _, key := range []string{"", "eu", "../..", "/etc", "\x00"} {
		for _, s := range []store.Locator[string]{local, chosen} {
			at, err := s.Locate(f.Context(), key, "", "x")
			if err != nil {
				f.Fatal(err)
			}
			f.Add(at.Root)
			f.Add(at.Root[1:])
			f.Add(at.Root + at.Root)
		}
		f.Add("k" + base64.RawURLEncoding.EncodeToString([]byte(key)))
	}
	for _, root := range []string{"", "r", "rk", "r../..", "/", outside, "1:kk", "1:k" + outside, "k" + outside, "9223372036854775807:k", "-1:"} {
		f.Add(root)
	}
	f.Fuzz(func(t *testing.T, root string) {
		for _, s := range []store.Locator[string]{local, chosen} {
			bucket, err := s.Bucket(t.Context(), root)
			if err != nil {
				if !store.IsPermanent(err) {
					t.Errorf("Bucket(%q): %v, which is not Permanent", root, err)
				}
				continue
			}
			object, err := bucket.Create(t.Context(), "x", strings.NewReader("x"), nil)
			if err != nil {
				t.Errorf("Bucket(%q): Create: %v", root, err)
				continue
			}
			relative, err := filepath.Rel(inside, object.Location)
			if err != nil || !filepath.IsLocal(relative) || strings.Count(filepath.ToSlash(relative), "/") != 1 {
				t.Errorf("Bucket(%q) writes to %s", root, object.Location)
			}
			if err := os.Remove(object.Location); err != nil {
				t.Error(err)
			}
		}
		entries, err := os.ReadDir(outside)
		if err != nil || len(entries) > 1 || len(entries) == 1 && entries[0].Name() != "inside" {
			t.Errorf("outside the store there are %v, %v", entries, err)
		}
	})
}

func TestTwoProcessesIdentifyOneStore(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "there", "yet")
	dirs := [2]*store.Dir{store.NewDir(root), store.NewDir(root)}
	var ids [20]string
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], err = store.Identify(t.Context(), dirs[i%2]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("the store has the identities %q", ids)
		}
	}
}

func TestMarkerThatWasSpoiltIsLeftAlone(t *testing.T) {
	good := `"id": "ABCDEFGHIJKLMNOPQRSTUVWXY7"`
	for what, content := range map[string]string{
		"empty":       "",
		"no JSON":     "store 7",
		"cut off":     "{" + good,
		"no id":       `{"made": "2026-11-29T12:00:00Z"}`,
		"short id":    `{"id": "x"}`,
		"hostile id":  `{"id": "ABCDEFGHIJKLMNOPQRSTUVWX/."}`,
		"no object":   `["ABCDEFGHIJKLMNOPQRSTUVWXYZ"]`,
		"huge":        "{" + good + "}" + strings.Repeat(" ", 64<<10),
		"two of them": "{" + good + "}{" + good + "}",
	} {
		mem := store.NewMem()
		if _, err := mem.Create(t.Context(), "_jetcapture/store.json", strings.NewReader(content), nil); err != nil {
			t.Fatal(err)
		}
		for _, identify := range []func(context.Context, store.Bucket) (string, error){store.Identify, store.ReadIdentity} {
			id, err := identify(t.Context(), mem)
			if id != "" || !store.IsPermanent(err) || !strings.Contains(err.Error(), "_jetcapture/store.json") || !strings.Contains(err.Error(), `it should hold {"id":`) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the identity is %q, %v", what, id, err)
			}
		}
		if got := read(t, mem, "_jetcapture/store.json"); got != content {
			t.Errorf("%s: now it holds %q", what, got)
		}
	}
	mem := store.NewMem()
	if _, err := mem.Create(t.Context(), "_jetcapture/store.json", strings.NewReader("{"+good+`, "later": [1]}`), nil); err != nil {
		t.Fatal(err)
	}
	if id, err := store.Identify(t.Context(), mem); id != "ABCDEFGHIJKLMNOPQRSTUVWXY7" || err != nil {
		t.Errorf("with what a later version adds, the identity is %q, %v", id, err)
	}
}

// denying is a Bucket of which nothing may be read.
type denying struct{ store.Bucket }

var errDenied = fmt.Errorf("403 AccessDenied: %w", fs.ErrPermission)

func (denying) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, errDenied
}

func TestIdentityThatMayNotBeReadSaysSo(t *testing.T) {
	mem := store.NewMem()
	for _, identify := range []func(context.Context, store.Bucket) (string, error){store.Identify, store.ReadIdentity} {
		if id, err := identify(t.Context(), denying{mem}); id != "" || !errors.Is(err, errDenied) {
			t.Errorf("the identity is %q, %v", id, err)
		}
	}
	if got := names(t, mem); len(got) > 0 {
		t.Errorf("%q were made", got)
	}
}

func TestMarkerIsNoDataOfALake(t *testing.T) {
	if got := store.EscapeHive("_jetcapture"); strings.HasPrefix(got, "_") {
		t.Errorf("a destination key has the folder %s", got)
	}
}
