package store_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jetcapture/lake/store"
)

func put(t *testing.T, b store.Bucket, name, content string) error {
	t.Helper()
	_, err := b.Create(t.Context(), name, strings.NewReader(content), nil)
	return err
}

func mustPut(t *testing.T, b store.Bucket, name, content string) {
	t.Helper()
	if err := put(t, b, name, content); err != nil {
		t.Fatal(err)
	}
}

// tree returns all files below root with their content, those of the temporary folder too.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root+string(filepath.Separator))] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func wantTree(t *testing.T, root string, want map[string]string) {
	t.Helper()
	if got := tree(t, root); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s holds %q, want %q", root, got, want)
	}
}

func TestDirPutsObjectsAtTheirPath(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	d := store.NewDir(root)
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Error("NewDir made the root")
	}
	object, err := d.Create(t.Context(), "a/b.parquet", strings.NewReader("content"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(root, "a", "b.parquet"); object.Location != want {
		t.Errorf("the location is %q, want %q", object.Location, want)
	}
	wantTree(t, root, map[string]string{"a/b.parquet": "content"})
}

func TestDirIsRelativeToTheWorkingFolderOfItsCreation(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Chdir(first)
	d := store.NewDir("lake")
	t.Chdir(second)
	mustPut(t, d, "x", "content")
	wantTree(t, first, map[string]string{"lake/x": "content"})
	wantTree(t, second, map[string]string{})
}

func TestDirGivesTheUsualModes(t *testing.T) {
	root := t.TempDir()
	mustPut(t, store.NewDir(root), "a/x", "content")
	if err := os.WriteFile(root+"/usual", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(root+"/folder", 0o755); err != nil {
		t.Fatal(err)
	}
	for path, like := range map[string]string{"a/x": "usual", "a": "folder"} {
		got, err := os.Stat(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.Stat(filepath.Join(root, like))
		if err != nil {
			t.Fatal(err)
		}
		if got.Mode() != want.Mode() {
			t.Errorf("%s has mode %s, want %s", path, got.Mode(), want.Mode())
		}
	}
}

func TestRootThatIsAFileIsPermanent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, file + "/below", ""} {
		d := store.NewDir(root)
		if err := put(t, d, "x", "content"); !store.IsPermanent(err) || errors.Is(err, fs.ErrExist) {
			t.Errorf("root %q: Create returns %v, want a Permanent error", root, err)
		}
		if root == file+"/below" {
			continue // reads like an empty store
		}
		if _, err := d.Stat(t.Context(), "x"); !store.IsPermanent(err) {
			t.Errorf("root %q: Stat returns %v, want a Permanent error", root, err)
		}
		for object, err := range d.List(t.Context(), "") {
			if !store.IsPermanent(err) {
				t.Errorf("root %q: List yields %v, %v, want a Permanent error", root, object, err)
			}
		}
	}
}

func TestFolderAndObjectOfOneName(t *testing.T) {
	d := store.NewDir(t.TempDir())
	mustPut(t, d, "a/x", "content")
	for name, permanent := range map[string]bool{"a": true, "a/x/y": false} { // a/x may be moved, and is in the way of a/x alone
		if err := put(t, d, name, "content"); err == nil || store.IsPermanent(err) != permanent || errors.Is(err, fs.ErrExist) {
			t.Errorf("Create(%q) returns %v, Permanent: %t, want %t, and not fs.ErrExist", name, err, store.IsPermanent(err), permanent)
		}
	}
}

func TestTemporaryFilesAreNoObjects(t *testing.T) {
	root := t.TempDir()
	d := store.NewDir(root)
	mustPut(t, d, "x", "content")
	for _, path := range []string{".jetcapture-tmp/foreign", "a/.jetcapture-tmp-1"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := put(t, d, path, "content"); !store.IsPermanent(err) {
			t.Errorf("Create(%q) returns %v, want a Permanent error", path, err)
		}
		if _, err := d.Stat(t.Context(), path); err == nil {
			t.Errorf("Stat(%q) finds something", path)
		}
	}
	for _, prefix := range []string{"", ".", ".jetcapture-tmp/", "a/"} {
		for object, err := range d.List(t.Context(), prefix) {
			if err != nil || object.Name != "x" {
				t.Errorf("List(%q) yields %v, %v", prefix, object, err)
			}
		}
	}
}

func TestDirDoesNotLeaveItsRoot(t *testing.T) {
	parent := t.TempDir()
	if err := os.WriteFile(parent+"/secret", []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	d := store.NewDir(parent + "/root")
	mustPut(t, d, "x", "content")
	for _, prefix := range []string{"../", "..", "x/../../", "/", parent + "/", "./", "\x00", "a\x00/b"} {
		for object, err := range d.List(t.Context(), prefix) {
			t.Errorf("List(%q) yields %v, %v", prefix, object, err)
		}
	}
	for _, name := range []string{"../secret", "x/../../secret", parent + "/secret"} {
		if r, err := d.Open(t.Context(), name, 0, -1); err == nil {
			t.Errorf("Open(%q) gives %v", name, r)
		}
		if err := d.Remove(t.Context(), name); err == nil {
			t.Errorf("Remove(%q) returns nil", name)
		}
	}
	wantTree(t, parent, map[string]string{"secret": "secret", "root/x": "content"})
}

func TestReaderOfDirSeeks(t *testing.T) {
	d := store.NewDir(t.TempDir())
	mustPut(t, d, "x", "0123456789")
	r, err := d.Open(t.Context(), "x", 2, 6)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	p := make([]byte, 2)
	if _, err := r.(io.ReaderAt).ReadAt(p, 4); err != nil || string(p) != "67" {
		t.Errorf("ReadAt gives %q, %v", p, err)
	}
}

func TestManyDirsShareARoot(t *testing.T) {
	root := t.TempDir()
	var wins atomic.Int64
	var racers sync.WaitGroup
	for i := range 16 {
		racers.Go(func() {
			err := put(t, store.NewDir(root), "a/b/x", fmt.Sprint("content of ", i))
			if err == nil {
				wins.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	racers.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d creators won", wins.Load())
	}
	if files := tree(t, root); len(files) != 1 {
		t.Errorf("the root holds %q", files)
	}
}
