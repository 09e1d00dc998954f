package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onDisk is a Dir whose disk records each step, and calls fail to decide whether the step fails.
type onDisk struct {
	*Dir
	steps   []string                // such as "mkdir /a", with paths from the root on
	fail    func(step string) error // before the step; nil means no step fails
	synced  map[string]bool         // files whose content is durable, by their temporary path
	durable map[string]bool         // paths whose entry in their folder is durable
}

func newOnDisk(t *testing.T, root string) *onDisk {
	t.Helper()
	d := &onDisk{Dir: NewDir(root), synced: map[string]bool{}, durable: map[string]bool{}}
	actual := realDisk()
	d.files.disk = &disk{
		mkdir: func(path string) error {
			return unless(d.step("mkdir", path), func() error { return actual.mkdir(path) })
		},
		openTemp: func(path string) (f *os.File, err error) {
			err = unless(d.step("create", path), func() error { f, err = actual.openTemp(path); return err })
			return f, err
		},
		lock: actual.lock,
		write: func(f *os.File, p []byte) (n int, err error) {
			err = unless(d.step("write", f.Name()), func() error { n, err = actual.write(f, p); return err })
			return n, err
		},
		syncFile: func(f *os.File) error {
			return unless(d.step("sync", f.Name()), func() error { d.synced[f.Name()] = true; return actual.syncFile(f) })
		},
		link: func(from, to string) error {
			return unless(d.step("link", to), func() error {
				if !d.synced[from] {
					t.Errorf("%s gets its name before it is synced", from)
				}
				return actual.link(from, to)
			})
		},
		rename: actual.rename,
		syncDir: func(f *os.File) error {
			return unless(d.step("sync", f.Name()), func() error {
				entries, err := os.ReadDir(f.Name())
				for _, e := range entries {
					d.durable[filepath.Join(f.Name(), e.Name())] = true
				}
				return errors.Join(err, actual.syncDir(f))
			})
		},
		remove: func(path string) error {
			return unless(d.step("remove", path), func() error { return actual.remove(path) })
		},
		readDir: func(path string) ([]os.DirEntry, error) {
			return actual.readDir(path)
		},
	}
	return d
}

// unless does a step, unless it is to fail before it begins.
func unless(err error, do func() error) error {
	if err != nil {
		return err
	}
	return do()
}

func (d *onDisk) step(verb, path string) error {
	step := verb + " " + strings.TrimPrefix(path, d.root)
	if strings.Contains(path, tempName+"-") {
		step = verb + " temp"
	}
	d.steps = append(d.steps, step)
	if d.fail != nil {
		return d.fail(step)
	}
	return nil
}

// failNth lets the nth step fail, from 0 on.
func failNth(n int, err error) func(string) error {
	return func(string) error {
		n--
		if n == -1 {
			return err
		}
		return nil
	}
}

// failFrom lets the nth step and all later ones fail, as if the process had ended there.
func failFrom(n int, err error) func(string) error {
	return func(string) error {
		n--
		if n < 0 {
			return err
		}
		return nil
	}
}

func (d *onDisk) put(name, content string) error {
	_, err := d.Create(context.Background(), name, strings.NewReader(content), nil)
	return err
}

func (d *onDisk) temps(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(d.root, tempName, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func wantFile(t *testing.T, path, content string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("%s holds %q, %v, want %q", path, got, err, content)
	}
}

func wantNoFile(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there (%v)", path, err)
	}
}
