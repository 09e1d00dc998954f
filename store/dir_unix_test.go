//go:build darwin || linux

package store_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/jetcapture/lake/store"
)

func TestSpecialFilesAreNoObjects(t *testing.T) {
	root := t.TempDir()
	d := store.NewDir(root)
	mustPut(t, d, "x", "content")
	if err := syscall.Mkfifo(root+"/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x", root+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".", root+"/loop"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+`/back\slash`, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := d.Open(t.Context(), "fifo", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a named pipe gives %v, %v", r, err)
	}
	if err := put(t, d, "fifo", "content"); !store.IsPermanent(err) || errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a named pipe returns %v", err)
	}
	var names []string
	for object, err := range d.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, object.Name)
	}
	if want := []string{"link", "x"}; !slices.Equal(names, want) {
		t.Errorf("List yields %q, want %q", names, want)
	}
}
