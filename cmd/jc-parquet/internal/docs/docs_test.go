package docs_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/docs"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := docs.Root()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, document string) string {
	t.Helper()
	text, err := docs.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func prose(t *testing.T, document string) string {
	t.Helper()
	text, err := docs.Prose(document)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEveryDocumentIsInTheList(t *testing.T) {
	dir := root(t)
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case filepath.Ext(file) != ".md":
			return nil
		}
		name, err := filepath.Rel(dir, file)
		if err == nil && !slices.Contains(docs.Documents, filepath.ToSlash(name)) {
			t.Errorf("no test knows %s: add it to docs.Documents", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestREADMEIsForBusyPeople(t *testing.T) {
	if n := len(strings.Fields(read(t, "README.md"))); n > 1_300 {
		t.Errorf("README.md has %d words, and may have 1,300", n)
	}
}

func TestCONTRIBUTINGFitsOnAPage(t *testing.T) {
	if n := strings.Count(read(t, "CONTRIBUTING.md"), "\n"); n > 60 {
		t.Errorf("CONTRIBUTING.md has %d lines, and may have 60", n)
	}
}

// runners are the tests that run blocks of a language: TestDocumentsRunAsTheyStand of cmd/jc-parquet, TestREADMEsCommandsParse of
// its internal/bench, and TestGoSnippetsCompile.
var runners = []string{"sh", "console", "yaml", "sql", "python", "go"}

func TestEveryBlockIsRunByATest(t *testing.T) {
	for _, document := range docs.Documents {
		blocks, err := docs.Blocks(document)
		if err != nil {
			t.Error(err)
		}
		for _, b := range blocks {
			if !slices.Contains(runners, b.Language) {
				t.Errorf("%v: no test runs a block of %q: use %s", b, b.Language, strings.Join(runners, ", "))
			}
		}
		blank := true
		for line := range strings.Lines(prose(t, document)) {
			if blank && strings.HasPrefix(line, "    ") && strings.TrimSpace(line) != "" {
				t.Errorf("%s: an indented block is run by no test: fence it: %s", document, line)
			}
			blank = strings.TrimSpace(line) == ""
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unslug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the anchors that GitHub gives to the headings of a document.
func anchors(t *testing.T, document string) (list []string) {
	t.Helper()
	for _, h := range heading.FindAllStringSubmatch(read(t, document), -1) {
		list = append(list, strings.ReplaceAll(unslug.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return list
}

func TestLinksBetweenDocumentsWork(t *testing.T) {
	dir := root(t)
	for _, document := range docs.Documents {
		for _, l := range link.FindAllStringSubmatch(strings.ReplaceAll(prose(t, document), "\n", " "), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			name, anchor, anchored := strings.Cut(l[1], "#")
			target := document
			if name != "" {
				target = path.Join(path.Dir(document), name)
			}
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s links to %s: %v", document, l[1], err)
				continue
			}
			if anchored && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", document, l[1], target)
			}
		}
	}
}
