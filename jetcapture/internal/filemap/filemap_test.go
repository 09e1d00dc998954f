package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder writes files with these contents.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var pipe = map[string]string{
	"pull.go": `package pipe
		import "net/http"
		type puller struct { client *http.Client; next *loop[int] }
		func (p *puller) pull() { p.next.run() }`,
	"loop.go": `package pipe
		type loop[P any] struct { p *puller; fields, of, its, own int }
		func (l *loop[P]) run() { l.p.pull(); l.stop() }
		func (l *loop[P]) stop() {}`,
	"loop_test.go": `package pipe
		func broken(`,
	"DESIGN.md": "| file | is |\n|---|---|\n| `pull.go` | first |\n| `loop.go` | last |\n",
}

func TestNamesOfAFileFurtherDownRunBack(t *testing.T) {
	var out strings.Builder
	broken, err := run(&out, folder(t, pipe), limits{files: 2, back: 2, fields: 5, methods: 2}, "")
	if err != nil || len(broken) > 0 {
		t.Fatal(broken, err)
	}
	for _, want := range []string{"runs back to loop.go: loop, loop.run\n", "takes from pull (2)\n", "2 names that run back", "loop                5 fields  2 methods"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestEachLimitIsHeld(t *testing.T) {
	dir := folder(t, pipe)
	enough := limits{files: 2, back: 2, fields: 5, methods: 2}
	for _, c := range []struct {
		limit string
		lower func(*limits)
	}{
		{"2 files, more than 1", func(l *limits) { l.files-- }},
		{"2 names run back, more than 1", func(l *limits) { l.back-- }},
		{"type loop has 5 fields, more than 4", func(l *limits) { l.fields-- }},
		{"type loop has 2 methods, more than 1", func(l *limits) { l.methods-- }},
	} {
		l := enough
		c.lower(&l)
		broken, err := run(&strings.Builder{}, dir, l, "")
		if err != nil || len(broken) != 1 || broken[0] != c.limit {
			t.Errorf("got %q, %v; want %q", broken, err, c.limit)
		}
	}
	if broken, _ := run(&strings.Builder{}, dir, limits{files: 2, back: 2, fields: 4, methods: 2}, "loop"); len(broken) > 0 {
		t.Error("the exempt type is counted:", broken)
	}
}

func TestTheFileMapNamesEachFile(t *testing.T) {
	for name, c := range map[string]struct{ design, want string }{
		"one is missing":      {"| `pull.go` | |\n", "loop.go is not listed"},
		"one does not exist":  {"| `pull.go` | |\n| `loop.go` | |\n| `ack.go` | |\n", "ack.go is listed in DESIGN.md and does not exist"},
		"one is listed twice": {"| `pull.go` | |\n| `pull.go` | |\n", "lists pull.go twice"},
	} {
		files := map[string]string{"pull.go": pipe["pull.go"], "loop.go": pipe["loop.go"], "DESIGN.md": c.design}
		if _, err := run(&strings.Builder{}, folder(t, files), limits{}, ""); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
