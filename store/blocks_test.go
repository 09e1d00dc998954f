package store_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
)

// stream hides that a reader can be rewound.
type stream struct{ io.Reader }

func read(t *testing.T, b store.Bucket, name string) string {
	t.Helper()
	r, err := b.Open(t.Context(), name, 0, -1)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer func() { _ = r.Close() }()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(content)
}

func TestBlocksGoBelowTheirDestinationKey(t *testing.T) {
	mem := store.NewMem()
	type key struct{ Region, Tenant string }
	blocks := store.Blocks[key](mem, nil)
	location, n, duration, err := blocks.Write(t.Context(), strings.NewReader("content"), key{"eu", "../.."}, "date=2026-11-23", "1.parquet")
	const name = "region=eu/tenant=..%2F../date=2026-11-23/1.parquet"
	if location != "mem:///"+name || n != 7 || duration <= 0 || err != nil {
		t.Errorf("Write returns %q, %d, %v, %v", location, n, duration, err)
	}
	if got := read(t, mem, name); got != "content" {
		t.Errorf("the block holds %q", got)
	}
}

func TestBlocksLeaveOutEmptyFolders(t *testing.T) {
	mem := store.NewMem()
	none := store.Blocks[struct{}](mem, nil)
	own := store.Blocks(mem, func(key int) (string, error) { return strings.Repeat("k", key), nil })
	for want, write := range map[string]func() (string, error){
		"1": func() (string, error) {
			l, _, _, err := none.Write(t.Context(), strings.NewReader("x"), struct{}{}, "", "1")
			return l, err
		},
		"a/b/1": func() (string, error) {
			l, _, _, err := none.Write(t.Context(), strings.NewReader("x"), struct{}{}, "a/b", "1")
			return l, err
		},
		"2": func() (string, error) {
			l, _, _, err := own.Write(t.Context(), strings.NewReader("x"), 0, "", "2")
			return l, err
		},
		"kk/2": func() (string, error) {
			l, _, _, err := own.Write(t.Context(), strings.NewReader("x"), 2, "", "2")
			return l, err
		},
		"kk/c/2": func() (string, error) {
			l, _, _, err := own.Write(t.Context(), strings.NewReader("x"), 2, "c", "2")
			return l, err
		},
		"_dead/3": func() (string, error) {
			l, _, _, err := own.(store.RootWriter).WriteRoot(t.Context(), strings.NewReader("x"), "_dead", "3")
			return l, err
		},
	} {
		if location, err := write(); location != "mem:///"+want || err != nil {
			t.Errorf("the block is at %q, %v, want %q", location, err, want)
		}
	}
}

func TestBlocksCreateOnly(t *testing.T) {
	blocks := store.Blocks[string](store.NewMem(), nil)
	for _, write := range []struct {
		content string
		want    error
	}{{"first", nil}, {"first", nil}, {"second", fs.ErrExist}} {
		for _, block := range []io.Reader{strings.NewReader(write.content), stream{strings.NewReader(write.content)}} {
			if _, _, _, err := blocks.Write(t.Context(), block, "key", "dir", "1"); !errors.Is(err, write.want) {
				t.Errorf("Write of the %s block returns %v, want %v", write.content, err, write.want)
			}
		}
	}
}

func TestBlocksReadStreamsToTheirEnd(t *testing.T) {
	mem := store.NewMem()
	blocks := store.Blocks[string](mem, nil)
	content := strings.Repeat("content", 100_000)
	if _, n, _, err := blocks.Write(t.Context(), stream{strings.NewReader(content)}, "key", "", "1"); err != nil || n != int64(len(content)) {
		t.Errorf("Write returns %d, %v", n, err)
	}
	if got := read(t, mem, "key/1"); got != content {
		t.Errorf("the block holds %d bytes of %d", len(got), len(content))
	}
	broken := errors.New("broken")
	half := stream{io.MultiReader(strings.NewReader("half"), errorReader{broken})}
	if _, _, _, err := blocks.Write(t.Context(), half, "key", "", "2"); !errors.Is(err, broken) {
		t.Errorf("Write returns %v, want the error of the block", err)
	}
	if _, err := mem.Stat(t.Context(), "key/2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a block is there: %v", err)
	}
}

type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) { return 0, e.err }

func TestBlocksRefuseBadNames(t *testing.T) {
	mem := store.NewMem()
	unknown := errors.New("no such tenant")
	blocks := store.Blocks(mem, func(key string) (string, error) {
		if key == "unknown" {
			return "", unknown
		}
		return key, nil
	})
	for _, w := range []struct{ key, dir, fileName string }{
		{"..", "", "1"}, {"a/../../b", "", "1"}, {"/", "", "1"}, {"a/", "", "1"}, {"a", "../..", "1"}, {"a", "", ".."}, {"a", "", ""}, {"a", "b", "c/../../d"}, {"a\x00", "", "1"},
	} {
		if location, _, _, err := blocks.Write(t.Context(), strings.NewReader("x"), w.key, w.dir, w.fileName); !store.IsPermanent(err) {
			t.Errorf("Write of %q returns %q, %v, want a Permanent error", w, location, err)
		}
	}
	if _, _, _, err := blocks.Write(t.Context(), strings.NewReader("x"), "unknown", "", "1"); !errors.Is(err, unknown) || store.IsPermanent(err) {
		t.Errorf("Write returns %v, want the error of resolve as it is", err)
	}
	for object, err := range mem.List(t.Context(), "") {
		t.Errorf("%v is there (%v)", object, err)
	}
}

func TestSingleDirStore(t *testing.T) {
	root := t.TempDir()
	blocks := store.SingleDirStore[string](root)
	for _, key := range []string{"a", "../..", ""} {
		if location, n, _, err := blocks.Write(t.Context(), strings.NewReader("x"), key, "2026/11", "1"); location != filepath.Join(root, "2026", "11", "1") || n != 1 || err != nil {
			t.Errorf("Write returns %q, %d, %v", location, n, err)
		}
	}
	if _, _, _, err := blocks.Write(t.Context(), strings.NewReader("other"), "a", "2026/11", "1"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Write over another block returns %v", err)
	}
	if _, _, _, err := blocks.(store.RootWriter).WriteRoot(t.Context(), strings.NewReader("dead"), "_deadletter", "1"); err != nil {
		t.Error(err)
	}
	wantTree(t, root, map[string]string{"2026/11/1": "x", "_deadletter/1": "dead"})
}

func TestLocalFSStorePutsEachKeyIntoItsFolder(t *testing.T) {
	root := t.TempDir()
	s := &store.LocalFSStore[string]{Resolver: func(key string) (string, error) {
		return filepath.Join(root, "tenants", store.EscapeHive(key), "archive"), nil
	}}
	var blocks store.BlockStore[string] = s
	location, n, duration, err := blocks.Write(t.Context(), stream{strings.NewReader("content")}, "../a", "2026/11", "1")
	if location != filepath.Join(root, "tenants/%2E.%2Fa/archive/2026/11/1") || n != 7 || duration <= 0 || err != nil {
		t.Errorf("Write returns %q, %d, %v, %v", location, n, duration, err)
	}
	for content, want := range map[string]error{"content": nil, "other": fs.ErrExist} {
		if _, _, _, err := blocks.Write(t.Context(), strings.NewReader(content), "../a", "2026/11", "1"); !errors.Is(err, want) {
			t.Errorf("Write of %s returns %v, want %v", content, err, want)
		}
	}
	if _, _, _, err := s.WriteRoot(t.Context(), strings.NewReader("dead"), "_deadletter", "1"); err != nil {
		t.Error(err)
	}
	wantTree(t, root, map[string]string{
		"tenants/%2E.%2Fa/archive/2026/11/1":                         "content",
		"tenants/%5F_HIVE_DEFAULT_PARTITION__/archive/_deadletter/1": "dead",
	})
}

func TestLocalFSStoreSweepsAFolderOnFirstUse(t *testing.T) {
	root := t.TempDir()
	stale := filepath.Join(root, "a", ".jetcapture-tmp-STALE")
	for _, path := range []string{stale, filepath.Join(root, "other", ".jetcapture-tmp-STALE")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := &store.LocalFSStore[string]{Resolver: func(string) (string, error) { return root, nil }}
	for range 2 {
		if _, _, _, err := s.Write(t.Context(), strings.NewReader("content"), "", "a", "1"); err != nil {
			t.Fatal(err)
		}
		wantTree(t, root, map[string]string{"a/1": "content", "other/.jetcapture-tmp-STALE": ""})
	}
}

func TestLocalFSStoreSaysWhatIsWrong(t *testing.T) {
	unknown := errors.New("no such tenant")
	root := t.TempDir()
	for what, test := range map[string]struct {
		resolver  func(string) (string, error)
		fileName  string
		permanent bool
		mentions  string
	}{
		"no Resolver":     {nil, "1", true, "LocalFSStore has no Resolver"},
		"empty path":      {func(string) (string, error) { return "", nil }, "1", true, "empty path"},
		"Resolver fails":  {func(string) (string, error) { return "", unknown }, "1", false, "no such tenant"},
		"bad name":        {func(string) (string, error) { return root, nil }, "../1", true, `".."`},
		"name of our own": {func(string) (string, error) { return root, nil }, ".jetcapture-tmp-1", true, "temporary files"},
	} {
		s := &store.LocalFSStore[string]{Resolver: test.resolver}
		_, _, _, err := s.Write(t.Context(), bytes.NewReader(nil), "", "", test.fileName)
		if err == nil || store.IsPermanent(err) != test.permanent || !strings.Contains(err.Error(), test.mentions) {
			t.Errorf("%s: Write returns %v, Permanent: %t", what, err, store.IsPermanent(err))
		}
	}
}
