package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var fileName = regexp.MustCompile("`([a-z0-9_]+\\.go)`")

// TestDesignHasAMapOfTheCore compares the file map of DESIGN.md with the files of the core's folder.
func TestDesignHasAMapOfTheCore(t *testing.T) {
	_, design, ok := strings.Cut(read(t, "jetcapture/DESIGN.md"), "\n## The pipe\n")
	design, _, closed := strings.Cut(design, "\n## ")
	if !ok || !closed {
		t.Fatal(`DESIGN.md has no section "The pipe"`)
	}
	var mapped []string
	for _, name := range fileName.FindAllStringSubmatch(design, -1) {
		if slices.Contains(mapped, name[1]) {
			t.Errorf("%s is in the map twice", name[1])
		}
		mapped = append(mapped, name[1])
	}
	paths, err := filepath.Glob(filepath.Join(root(t), "jetcapture", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, path := range paths {
		if name := filepath.Base(path); !strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
	}
	for _, name := range mapped {
		if !slices.Contains(files, name) {
			t.Errorf("the map has %s, and there is no such file", name)
		}
	}
	for _, name := range files {
		if !slices.Contains(mapped, name) {
			t.Errorf("the map lacks %s", name)
		}
	}
}
