package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/docs"
	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// A session runs the blocks of a document one after the other, in a folder of its own, with a server that has orders. They run as
// they stand, but for the address of the server, folders, and the commands of instead.
type session struct {
	t       *testing.T
	root    string // of the repository
	dir     string // the working directory
	program string // jc-parquet
	server  *capturetest.Server
	duck    *formattest.Duck
}

// instead are commands that would take too long or change the machine, and what is run for them.
var instead = []struct {
	command *regexp.Regexp
	run     string
}{
	{regexp.MustCompile(`^make( .*)?$`), `make -C "$$ROOT" -n$1`},
	{regexp.MustCompile(`^go run \./cmd/jc-parquet `), `jc-parquet `},
	{regexp.MustCompile(`^go install (\S+)@latest$`), `go -C "$$ROOT" list $1`},
	{regexp.MustCompile(`^go test (.*)$`), `go -C "$$ROOT" test -n $1`},
	{regexp.MustCompile(`^(model=.*|spin .*)$`), `sh -nc '$1'`},
	{regexp.MustCompile(`^(jetcapture/ledger/model/check\.sh)( -D\w+=\d+)*$`), `sh -n "$$ROOT/$1"`},
}

var lakeFolder = regexp.MustCompile(`(^|[\s'"])/(lake|typed|inferred)\b`)

func newSession(t *testing.T) *session {
	t.Helper()
	root, err := docs.Root()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, root: root, dir: t.TempDir(), program: filepath.Join(t.TempDir(), "jc-parquet"), server: capturetest.Start(t)}
	script := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", asProgram, self)
	if err := os.WriteFile(s.program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	s.server.Stream("ORDERS", "orders.>")
	s.server.Publish(100, func(i int) *nats.Msg {
		data, err := json.Marshal(map[string]any{
			"order": map[string]any{"id": i}, "customer": fmt.Sprint("c", i%3), "placed": time.Now(), "shipped": time.Now().UnixMilli(),
			"total": "12.50", "items": []any{map[string]any{"sku": "x"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return &nats.Msg{Subject: []string{"orders.eu.new", "orders.us.new"}[i%2], Data: data}
	})
	return s
}

// places is the folder that stands for the root of the file system.
func (s *session) places() string { return filepath.Join(s.dir, "places") }

// local returns text with the session's server and folders.
func (s *session) local(text string) string {
	text = strings.ReplaceAll(text, "nats://localhost:4222", s.server.URL())
	return lakeFolder.ReplaceAllString(text, "${1}"+s.places()+"/$2")
}

// command returns a line of a shell as a process that is not started yet.
func (s *session) command(line string) *exec.Cmd {
	for _, i := range instead {
		line = i.command.ReplaceAllString(line, i.run)
	}
	cmd := exec.Command("sh", "-c", "exec "+s.local(line))
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(s.program)+":"+os.Getenv("PATH"), "NATS_URL="+s.server.URL(), "ROOT="+s.root)
	return cmd
}

// shell runs the commands of a block. One that captures until it is stopped is stopped once it has made a file.
func (s *session) shell(b docs.Block) {
	for line := range strings.Lines(strings.ReplaceAll(b.Text, "\\\n", " ")) {
		line, _, _ = strings.Cut(line, "  #")
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(line, "jc-parquet run ") && !strings.Contains(line, "--until-caught-up"):
			s.capture(b, line)
		default:
			if out, err := s.command(line).CombinedOutput(); err != nil {
				s.t.Errorf("%v: %s: %v\n%s", b, line, err, out)
			}
		}
	}
}

// capture runs a capture until it has made its first file, and stops it as Ctrl-C does.
func (s *session) capture(b docs.Block, line string) {
	out := new(screen)
	cmd := s.command(line)
	cmd.Stdout, cmd.Stderr = s, out
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("%v: %v", b, err)
	}
	for end := time.Now().Add(time.Minute); len(s.parquetFiles()) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			s.t.Fatalf("%v: after a minute there is no file, and stderr says\n%s", b, out)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		s.t.Errorf("%v: interrupted it ends with %v\n%s", b, err, out)
	}
	for _, want := range []string{"connected", `"delivery": "exactly-once"`, "first file", "stopping", `"messages": 100,`} {
		if !strings.Contains(out.String(), want) {
			s.t.Errorf("%v: stderr does not say %s:\n%s", b, want, out)
		}
	}
}

// Write takes the standard output of a capture, which has none.
func (s *session) Write(p []byte) (int, error) {
	s.t.Errorf("a capture prints %s", p)
	return len(p), nil
}

func (s *session) parquetFiles() (list []string) {
	_ = filepath.WalkDir(s.places(), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			list = append(list, path)
		}
		return nil
	})
	return list
}

// console runs a command behind "$ " and compares what it prints with the lines below, in which … stands for anything, and alone in
// a line for any lines.
func (s *session) console(b docs.Block) {
	first, want, _ := strings.Cut(b.Text, "\n")
	line, ok := strings.CutPrefix(first, "$ ")
	if !ok {
		s.t.Fatalf("%v does not begin with a command", b)
	}
	out, err := s.command(line).Output()
	if err != nil {
		s.t.Fatalf("%v: %s: %v\n%s", b, line, err, out)
	}
	var pattern strings.Builder
	for l := range strings.Lines(want) {
		if l == "…\n" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(l), "…", ".*"))
	}
	if !regexp.MustCompile(`^` + pattern.String() + `$`).Match(out) {
		s.t.Errorf("%v: %s prints\n%s\nand the document has\n%s", b, line, out, want)
	}
}

// query runs the statements of a block in the reader that its first comment names, DuckDB if it has none. Each has rows.
func (s *session) query(b docs.Block) {
	if strings.HasPrefix(b.Text, "-- ClickHouse") {
		sql := strings.ReplaceAll(b.Text, "'/lake/", "'")
		if rows := formattest.NewLake(s.t, filepath.Join(s.places(), "lake")).ClickHouse(sql); len(rows) == 0 || rows[0][0] == nil {
			s.t.Errorf("%v: ClickHouse has %v", b, rows)
		}
		return
	}
	if s.duck == nil {
		s.duck = formattest.DuckDB(s.t)
	}
	for sql := range strings.SplitSeq(strings.TrimSpace(b.Text), ";") {
		if strings.TrimSpace(sql) != "" && len(s.duck.Query(s.local(sql)).Values) == 0 {
			s.t.Errorf("%v: no rows of %s", b, sql)
		}
	}
}

// polars checks the snippet for Python against the options and folders with which TestThreeReadersGiveTheTextOfFoldersBack runs polars.
func (s *session) polars(b docs.Block) {
	folders := []string{"by_subject", "date", "hour"}
	want := "# Polars: the schema names all folders\n" + `pl.scan_parquet("/lake/**/*.parquet", ` + asInPolars + `, hive_schema={`
	for i, folder := range folders {
		want += strings.Repeat(", ", min(i, 1)) + fmt.Sprintf(`"%s": pl.String`, folder)
	}
	if got := regexp.MustCompile(`,\s+hive`).ReplaceAllString(b.Text, ", hive"); got != want+"})\n" {
		s.t.Errorf("%v: the test knows another snippet:\n%s", b, want)
	}
	for _, file := range s.parquetFiles() {
		name, _ := filepath.Rel(filepath.Join(s.places(), "lake"), file)
		if parts := strings.Split(name, string(filepath.Separator)); len(parts) == 4 {
			for i, folder := range folders {
				if !strings.HasPrefix(parts[i], folder+"=") {
					s.t.Errorf("%v: the folders of %s are others", b, name)
				}
			}
		}
	}
}

// file writes a block into the file that its first comment names.
func (s *session) file(b docs.Block) {
	name, ok := strings.CutPrefix(b.Text, "# ")
	if name, _, _ = strings.Cut(name, "\n"); !ok {
		s.t.Fatalf("%v has no comment that names its file", b)
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(b.Text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// TestDocumentsRunAsTheyStand runs all blocks but those of Go, which TestGoSnippetsCompile has, and the bench's, which would take hours.
func TestDocumentsRunAsTheyStand(t *testing.T) {
	formattest.DuckDB(t) // or skips
	for _, document := range docs.Documents {
		blocks, err := docs.Blocks(document)
		if err != nil {
			t.Fatal(err)
		}
		blocks = slices.DeleteFunc(blocks, func(b docs.Block) bool { return b.Language == "go" })
		if len(blocks) == 0 || strings.Contains(document, "/bench/") {
			continue
		}
		t.Run(document, func(t *testing.T) {
			s := newSession(t)
			if strings.HasPrefix(document, "cmd/") { // whose doctor has something to fix
				s.server.Consumer("ORDERS", "lake", func(c *jetstream.ConsumerConfig) { c.MaxAckPending, c.AckWait = 1_000, time.Hour })
			}
			for _, b := range blocks {
				switch b.Language {
				case "sh":
					s.shell(b)
				case "console":
					s.console(b)
				case "sql":
					s.query(b)
				case "python":
					s.polars(b)
				case "yaml":
					s.file(b)
				default:
					t.Errorf("%v: nothing runs %q", b, b.Language)
				}
			}
		})
	}
}
