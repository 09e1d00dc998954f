package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestPowerCutAfterCreateLosesNothing(t *testing.T) {
	for what, prepare := range map[string]func(root string) error{
		"new root":   func(string) error { return nil },
		"empty root": func(root string) error { return os.MkdirAll(root, 0o755) },
		"folders made by another process, not yet synced": func(root string) error { return os.MkdirAll(root+"/a/b", 0o755) },
	} {
		t.Run(what, func(t *testing.T) {
			parent := t.TempDir()
			d := newOnDisk(t, filepath.Join(parent, "new", "root"))
			if err := prepare(d.root); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a/b/one", "a/b/two", "a/three", "c/four", "five"} {
				if err := d.put(name, name); err != nil {
					t.Fatal(err)
				}
				wantFile(t, filepath.Join(d.root, name), name)
				for path := filepath.Join(d.root, name); path != parent; path = filepath.Dir(path) {
					above := path == filepath.Join(parent, "new") && what != "new root"
					if !d.durable[path] && !above {
						t.Errorf("after Create(%q), the entry of %s is not durable; steps: %q", name, path, d.steps)
					}
				}
			}
			if left := d.temps(t); len(left) > 0 {
				t.Errorf("temporary files are left: %q", left)
			}
		})
	}
}

func TestNameThatIsTakenIsDurableBeforeTheAnswer(t *testing.T) {
	for _, second := range []string{"same", "other"} {
		root := t.TempDir()
		crashed := newOnDisk(t, root)
		crashed.fail = func(string) error {
			if slices.Contains(crashed.steps, "link /a/x") && crashed.steps[len(crashed.steps)-1] != "link /a/x" {
				return syscall.EIO // nothing works after the link
			}
			return nil
		}
		if err := crashed.put("a/x", "same"); err == nil {
			t.Fatal("the first Create must not come to its end")
		}
		wantFile(t, root+"/a/x", "same")

		d := newOnDisk(t, root)
		d.fail = func(step string) error {
			if step == "sync /a" {
				return syscall.EIO
			}
			return nil
		}
		if err := d.put("a/x", second); !errors.Is(err, syscall.EIO) || errors.Is(err, fs.ErrExist) {
			t.Errorf("%s content: Create returns %v while the folder cannot be synced", second, err)
		}
		d.fail = nil
		if err := d.put("a/x", second); errors.Is(err, fs.ErrExist) != (second == "other") {
			t.Errorf("%s content: Create returns %v", second, err)
		}
		if !d.durable[root+"/a/x"] {
			t.Errorf("%s content: Create answers for a name that a power cut may free", second)
		}
	}
}

// stepsOfCreate is how many steps a first Create takes.
func stepsOfCreate(t *testing.T) int {
	d := newOnDisk(t, filepath.Join(t.TempDir(), "root"))
	if err := d.put("a/x", "content"); err != nil {
		t.Fatal(err)
	}
	return len(d.steps)
}

func TestErrorInAnyStepLeavesNothing(t *testing.T) {
	for n := range stepsOfCreate(t) {
		d := newOnDisk(t, filepath.Join(t.TempDir(), "root"))
		d.fail = failNth(n, syscall.EIO)
		err := d.put("a/x", "content")
		failed := d.steps[n]
		if n == stepsOfCreate(t)-1 {
			if failed != "remove temp" || err != nil {
				t.Errorf("error in %q: Create returns %v, want nil as all is done", failed, err)
			}
			continue
		}
		if !errors.Is(err, syscall.EIO) || IsPermanent(err) {
			t.Errorf("error in %q: Create returns %v, want that error, not Permanent", failed, err)
		}
		wantNoFile(t, d.root+"/a/x")
		if left := d.temps(t); len(left) > 0 {
			t.Errorf("error in %q: temporary files are left: %q", failed, left)
		}
		if err := d.put("a/x", "content"); err != nil {
			t.Errorf("error in %q: the second try returns %v", failed, err)
		}
		wantFile(t, d.root+"/a/x", "content")
	}
}

func TestCrashInAnyStepIsMendedByTheNextProcess(t *testing.T) {
	for n := range stepsOfCreate(t) {
		d := newOnDisk(t, filepath.Join(t.TempDir(), "root"))
		d.fail = failFrom(n, syscall.EIO)
		_ = d.put("a/x", "content")
		crashed := d.steps[n]
		if got, err := os.ReadFile(d.root + "/a/x"); err == nil && string(got) != "content" {
			t.Errorf("crash before %q: %q is visible", crashed, got)
		}
		next := newOnDisk(t, d.root)
		if err := next.put("a/x", "content"); err != nil {
			t.Errorf("crash before %q: the next process gets %v", crashed, err)
		}
		wantFile(t, d.root+"/a/x", "content")
		if left := next.temps(t); len(left) > 0 {
			t.Errorf("crash before %q: temporary files are left: %q", crashed, left)
		}
	}
}

func TestCancelledOnceAllIsWritten(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	d.fail = func(step string) error {
		if step == "sync temp" {
			cancel()
		}
		return nil
	}
	if _, err := d.Create(ctx, "x", strings.NewReader("content"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Create returns %v", err)
	}
	wantNoFile(t, d.root+"/x")
	if left := d.temps(t); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

func TestCancelledContextEndsReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	content := strings.NewReader(strings.Repeat("content", 1_000_000))
	d := newOnDisk(t, t.TempDir())
	d.fail = func(step string) error {
		if step == "write temp" {
			cancel()
		}
		return nil
	}
	if _, err := d.Create(ctx, "x", content, nil); !errors.Is(err, context.Canceled) || content.Len() < 6_000_000 {
		t.Errorf("Create returns %v with %d bytes unread", err, content.Len())
	}
}

func TestWritesThatLoseBytesAreNoticed(t *testing.T) {
	for what, write := range map[string]func(f *os.File, p []byte) (int, error){
		"short":  func(f *os.File, p []byte) (int, error) { return f.Write(p[:len(p)/2]) },
		"silent": func(f *os.File, p []byte) (int, error) { _, err := f.Write(p[:len(p)/2]); return len(p), err },
	} {
		d := newOnDisk(t, t.TempDir())
		d.files.disk.write = write
		if err := d.put("x", "content"); err == nil {
			t.Errorf("%s write: Create returns nil", what)
		}
		wantNoFile(t, d.root+"/x")
	}
}

func TestErrorsOfTheDiskComeThrough(t *testing.T) {
	for err, permanent := range map[error]bool{
		syscall.ENOSPC: false, syscall.EDQUOT: false, syscall.EROFS: false, syscall.EACCES: false, syscall.EMFILE: false,
		syscall.ENOTDIR: false, syscall.ENAMETOOLONG: true, syscall.EXDEV: false,
	} {
		d := newOnDisk(t, t.TempDir())
		d.files.disk.link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: err} }
		got := d.put("a/x", "content")
		if !errors.Is(got, err) || IsPermanent(got) != permanent {
			t.Errorf("Create returns %v, Permanent: %t, want %t", got, IsPermanent(got), permanent)
		}
		if want := "create " + d.root + "/a/x: "; !strings.HasPrefix(fmt.Sprint(got), want) {
			t.Errorf("Create returns %q, want it to start with %q", got, want)
		}
	}
}

func TestDiskFull(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	d.fail = func(step string) error {
		if step == "write temp" {
			return syscall.ENOSPC
		}
		return nil
	}
	if err := d.put("x", "content"); !errors.Is(err, syscall.ENOSPC) || IsPermanent(err) {
		t.Errorf("Create returns %v", err)
	}
	if left := d.temps(t); len(left) > 0 {
		t.Errorf("temporary files fill the disk: %q", left)
	}
}

func TestListReadsOnlyFoldersThatCanMatch(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	for _, name := range []string{"a/b/x", "a/bc/x", "a/c/x", "ab/x", "b/x"} {
		if err := d.put(name, name); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{
		"":       {"", "/a", "/a/b", "/a/bc", "/a/c", "/ab", "/b"},
		"a":      {"", "/a", "/a/b", "/a/bc", "/a/c", "/ab"},
		"a/b":    {"/a", "/a/b", "/a/bc"},
		"a/b/":   {"/a/b"},
		"x":      {""},
		"../":    nil,
		"a/\xff": {"/a"},
	} {
		var got []string
		d.files.disk.readDir = func(path string) ([]os.DirEntry, error) {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(path, d.root), "/"))
			return os.ReadDir(path)
		}
		for _, err := range d.List(context.Background(), prefix) {
			if err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("List(%q) reads the folders %q, want %q", prefix, got, want)
		}
	}
}

func TestSettledFoldersAreBounded(t *testing.T) {
	var c creator
	for i := range 3 * maxSettled {
		c.markSettled(fmt.Sprint(i))
	}
	if len(c.settled) > maxSettled {
		t.Errorf("%d folders are remembered", len(c.settled))
	}
}
