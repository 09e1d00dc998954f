package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestWordsAreFoundInCommentsStringsNamesAndDocuments(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go":                  "package a\n\n// Close it lest it leaks, or for\n// ever.\nvar a = \"mend it\"\n\nfunc f(how int) { took := how; _ = took }\n",
		"b.md":                  "# B\n\nAll are kept, Save\nfor one. A mender and a cohere are no finds.\n",
		"Makefile":              "x: ## anew\n",
		"testdata/c.md":         "lest\n",
		"node_modules/d/e.md":   "lest\n",
		".tools/f.md":           "lest\n",
		"c.txt":                 "lest\n",
		"mended.go":             "package a\n",
		"identifiers_only.go":   "package a\n\ntype letters struct{ nil, lest bool }\n",
		"a_string_in_a_test.go": "package a\n\nvar s = `one\nanew`\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := search(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`Makefile:1: "anew": write again`,
		`a.go:3: "for ever": write permanently`,
		`a.go:3: "lest": write so that … not`,
		`a.go:5: "mend": write fix`,
		`a.go:7: the name how: name the thing`,
		`a.go:7: the name took: elapsed, or the name of the duration`,
		`a_string_in_a_test.go:4: "anew": write again`,
		`b.md:3: "save for": write except for`,
		`identifiers_only.go:3: the name letters: deadLetters`,
		`identifiers_only.go:3: the name nil: isNull`,
	}
	slices.Sort(found)
	if !slices.Equal(found, want) {
		t.Errorf("got\n%q\nwant\n%q", found, want)
	}
}
