package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// needLocks skips on operating systems without locks on files, on which CI does not run.
func needLocks(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if tryLock(f, exclusiveLock) == lockUnsupported {
		if runtime.GOOS == "linux" {
			t.Fatal("no locks on this file system: set TMPDIR to one that has them")
		}
		t.Skip("no locks on " + runtime.GOOS)
	}
}

func writeTemp(t *testing.T, dir, name string) *os.File {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func TestStaleTemporaryFilesAreSweptOnFirstUse(t *testing.T) {
	needLocks(t)
	d := newOnDisk(t, t.TempDir())
	stale := writeTemp(t, d.root+"/"+tempName, tempName+"-STALE")
	foreign := writeTemp(t, d.root+"/"+tempName, "foreign")
	live := writeTemp(t, d.root+"/"+tempName, tempName+"-LIVE")
	if tryLock(live, exclusiveLock) != lockTaken {
		t.Fatal("no lock")
	}
	if err := d.put("x", "content"); err != nil {
		t.Fatal(err)
	}
	wantNoFile(t, stale.Name())
	wantFile(t, live.Name(), "")
	wantFile(t, foreign.Name(), "")
}

func TestSweepGoesByAgeWhereThereAreNoLocks(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	d.files.disk.lock = func(*os.File, lockMode) lockResult { return lockUnsupported }
	old := writeTemp(t, d.root+"/"+tempName, tempName+"-OLD")
	recent := writeTemp(t, d.root+"/"+tempName, tempName+"-RECENT")
	for f, age := range map[*os.File]time.Duration{old: 25 * time.Hour, recent: 23 * time.Hour} {
		if err := os.Chtimes(f.Name(), time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.put("x", "content"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, d.root+"/x", "content")
	wantNoFile(t, old.Name())
	wantFile(t, recent.Name(), "")
	if err := d.put("x", "other"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create returns %v", err)
	}
}

// TestSweepThatComesBetweenCostsARetry lets a sweep of another process take the temporary file at each bad moment.
func TestSweepThatComesBetweenCostsARetry(t *testing.T) {
	needLocks(t)
	remove := func(path string) { _ = os.Remove(path) }
	for what, sweep := range map[string]struct{ created, linking func(path string) }{
		"removes before the lock": {created: remove},
		"locks before the lock": {created: func(path string) {
			f, err := os.Open(path)
			if err != nil || tryLock(f, exclusiveLock) != lockTaken {
				t.Error("the sweep got no lock")
			}
			time.AfterFunc(20*time.Millisecond, func() { _ = f.Close() })
		}},
		"removes before the link": {linking: remove},
	} {
		d := newOnDisk(t, t.TempDir())
		tries := 0
		open, link := d.files.disk.openTemp, d.files.disk.link
		d.files.disk.openTemp = func(path string) (*os.File, error) {
			f, err := open(path)
			if tries++; tries == 1 && sweep.created != nil {
				sweep.created(path)
			}
			return f, err
		}
		d.files.disk.link = func(from, to string) error {
			if tries == 1 && sweep.linking != nil {
				sweep.linking(from)
			}
			return link(from, to)
		}
		if err := d.put("a/x", "content"); err != nil {
			t.Errorf("sweep %s: Create returns %v", what, err)
		}
		wantFile(t, d.root+"/a/x", "content")
		if tries != 2 {
			t.Errorf("sweep %s: %d tries, want 2", what, tries)
		}
		if left := d.temps(t); len(left) > 0 {
			t.Errorf("sweep %s: temporary files are left: %q", what, left)
		}
	}
}

func TestSweepsAndWritesTogether(t *testing.T) {
	needLocks(t)
	d := NewDir(t.TempDir())
	stop := make(chan struct{})
	var sweeper, writers sync.WaitGroup
	sweeper.Go(func() {
		for other := NewDir(d.root); ; time.Sleep(2 * time.Millisecond) {
			select {
			case <-stop:
				return
			default:
				other.files.sweep(other.files.tempDir)
			}
		}
	})
	for w := range 4 {
		writers.Go(func() {
			for i := range 25 {
				name := fmt.Sprintf("%d/%d", w, i)
				if _, err := d.Create(t.Context(), name, strings.NewReader(name), nil); err != nil {
					t.Error(err)
				}
				wantFile(t, filepath.Join(d.root, name), name)
			}
		})
	}
	writers.Wait()
	close(stop)
	sweeper.Wait()
}

func TestFolderThatIsRemovedMeanwhileCostsARetry(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	link := d.files.disk.link
	removed := false
	d.files.disk.link = func(from, to string) error {
		if !removed {
			removed = true
			_ = os.Remove(d.root + "/a/b")
			_ = os.Remove(d.root + "/a")
		}
		return link(from, to)
	}
	if err := d.put("a/b/x", "content"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, d.root+"/a/b/x", "content")
}

func TestFolderThatIsRemovedForEverIsAnError(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	tries := 0
	d.files.disk.link = func(from, to string) error {
		tries++
		return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.ENOENT}
	}
	if err := d.put("x", "content"); !errors.Is(err, fs.ErrNotExist) || tries != maxTries {
		t.Errorf("Create returns %v after %d tries", err, tries)
	}
}

// TestWhoeverMeetsAFileWaitsUntilItStays: a file that has its name, but whose folder is not synced yet, may be taken back, so no call
// may return because of it.
func TestWhoeverMeetsAFileWaitsUntilItStays(t *testing.T) {
	needLocks(t)
	for _, syncs := range []bool{true, false} {
		first := newOnDisk(t, t.TempDir())
		linked, goOn := make(chan struct{}), make(chan error)
		first.fail = func(step string) error {
			if step != "sync " {
				return nil
			}
			if _, err := os.Stat(first.root + "/x"); err != nil {
				return nil //nolint:nilerr // the sync of the root for its temporary folder
			}
			close(linked)
			return <-goOn
		}
		firstDone, secondDone := make(chan error, 1), make(chan error, 1)
		go func() { firstDone <- first.put("x", "first") }()
		<-linked
		second := newOnDisk(t, first.root)
		go func() { secondDone <- second.put("x", "second") }()
		select {
		case err := <-secondDone:
			t.Fatalf("the second got its answer too early: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if syncs {
			goOn <- nil
			if err := <-firstDone; err != nil {
				t.Errorf("the first gets %v", err)
			}
			if err := <-secondDone; !errors.Is(err, fs.ErrExist) {
				t.Errorf("the second gets %v, want fs.ErrExist", err)
			}
			wantFile(t, first.root+"/x", "first")
		} else {
			goOn <- syscall.EIO
			if err := <-firstDone; !errors.Is(err, syscall.EIO) {
				t.Errorf("the first gets %v, want its error", err)
			}
			if err := <-secondDone; err != nil {
				t.Errorf("the second gets %v, though the first took its file back", err)
			}
			wantFile(t, first.root+"/x", "second")
		}
	}
}

// TestFileThatChangesHandsWhileItIsMet: the first file is taken back and another gets the name, all between opening the
// first and comparing with it.
func TestFileThatChangesHandsWhileItIsMet(t *testing.T) {
	d := newOnDisk(t, t.TempDir())
	if err := d.put("x", "first"); err != nil {
		t.Fatal(err)
	}
	lock, replaced := d.files.disk.lock, false
	d.files.disk.lock = func(f *os.File, mode lockMode) lockResult {
		if mode == sharedLock && !replaced {
			replaced = true
			if err := errors.Join(os.Remove(d.root+"/x"), os.WriteFile(d.root+"/x", []byte("second"), 0o644)); err != nil {
				t.Error(err)
			}
		}
		return lock(f, mode)
	}
	if err := d.put("x", "second"); err != nil {
		t.Errorf("Create returns %v, though its own content has the name", err)
	}
}

func TestFileSystemWithoutHardLinks(t *testing.T) {
	for _, errno := range []error{syscall.EPERM, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS} {
		d := newOnDisk(t, t.TempDir())
		d.files.disk.link = func(from, to string) error { return &os.LinkError{Op: "link", Old: from, New: to, Err: errno} }
		if runtime.GOOS == "linux" {
			for i, want := range []error{nil, fs.ErrExist} {
				if err := d.put("a/x", fmt.Sprint(i)); !errors.Is(err, want) {
					t.Errorf("%v: Create returns %v, want %v", errno, err, want)
				}
			}
			wantFile(t, d.root+"/a/x", "0")
		}
		d.files.disk.rename = func(from, to string) error {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EINVAL}
		}
		if err := d.put("a/y", "content"); !IsPermanent(err) || !strings.Contains(fmt.Sprint(err), "neither hard links nor") {
			t.Errorf("%v: Create returns %v, want a clear Permanent error", errno, err)
		}
		wantNoFile(t, d.root+"/a/y")
		if left := d.temps(t); len(left) > 0 {
			t.Errorf("%v: temporary files are left: %q", errno, left)
		}
	}
}
