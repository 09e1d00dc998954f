package formattest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A node is the process of reader.mjs, in which all foreign readers run. It may be used by several goroutines.
type node struct {
	mu      sync.Mutex
	process *exec.Cmd
	in      io.WriteCloser
	answers *json.Decoder
	last    int // id of the last request
}

// request is a line for reader.mjs.
type request struct {
	ID      int      `json:"id"`
	Reader  string   `json:"reader"`
	SQL     string   `json:"sql,omitempty"`
	Path    string   `json:"path,omitempty"`
	Folders []string `json:"folders,omitempty"` // the names of name=value folders, for polars
}

type answer struct {
	ID      int      `json:"id"`
	Columns []column `json:"columns"`
	Rows    [][]any  `json:"rows"`
	Done    bool     `json:"done"`
	Error   string   `json:"error"`
}

type column struct {
	Name string   `json:"name"`
	Type wireType `json:"type"`
}

// A wireType is a type as reader.mjs describes it: wire.mjs says how, and duckdb.mjs for DuckDB.
type wireType struct {
	ID    string     `json:"id"`
	Name  string     `json:"name"`  // of a field of a struct
	Alias string     `json:"alias"` // of a type of DuckDB with another name, such as JSON
	Unit  string     `json:"unit"`
	UTC   bool       `json:"utc"`
	Scale int        `json:"scale"`
	Of    []wireType `json:"of"`
}

// startNode starts a process that ends with the test. Where the readers are not installed it skips the test, and where they
// are required, because CI or JETCAPTURE_REQUIRE_TOOLS is set, it fails the test.
func startNode(t testing.TB) *node {
	t.Helper()
	dir, err := readersFolder()
	if err != nil {
		missing(t, err)
	}
	n := &node{process: exec.CommandContext(context.WithoutCancel(t.Context()), "node", filepath.Join(dir, "reader.mjs"))}
	n.process.Stderr = os.Stderr
	out, err := n.process.StdoutPipe()
	if err != nil {
		t.Fatalf("start the foreign readers: %v", err)
	}
	if n.in, err = n.process.StdinPipe(); err != nil {
		t.Fatalf("start the foreign readers: %v", err)
	}
	if err := n.process.Start(); err != nil {
		t.Fatalf("start the foreign readers: %v", err)
	}
	t.Cleanup(n.close)
	n.answers = json.NewDecoder(out)
	n.answers.UseNumber()
	return n
}

// packages are the packages of the readers, which `npm ci` installs. Three have a part for each system.
var packages = []string{
	"@duckdb/node-bindings-*", "nodejs-polars-*", "@chdb/lib-*", "parquet-wasm", "hyparquet", "hyparquet-compressors", "apache-arrow",
}

// readersFolder returns the folder of reader.mjs, with its packages installed.
func readersFolder() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "readers")
	lacking := slices.DeleteFunc(slices.Clone(packages), func(name string) bool {
		found, err := filepath.Glob(filepath.Join(dir, "node_modules", filepath.FromSlash(name)))
		return err == nil && len(found) > 0
	})
	if len(lacking) > 0 {
		return "", fmt.Errorf("no %s for this system in %s", strings.Join(lacking, ", "), filepath.Join(dir, "node_modules"))
	}
	if _, err := exec.LookPath("node"); err != nil {
		return "", err
	}
	return dir, nil
}

func missing(t testing.TB, err error) {
	t.Helper()
	const loud = "NOT TESTED: no foreign reader: %v; `make tools` installs it, or `npm ci` in format/formattest/readers"
	if os.Getenv("CI") != "" || os.Getenv("JETCAPTURE_REQUIRE_TOOLS") != "" {
		t.Fatalf(loud, err)
	}
	t.Skipf(loud, err)
}

func (n *node) close() {
	_ = n.in.Close()
	_ = n.process.Process.Kill()
	_ = n.process.Wait()
}

// ask sends a request, and passes on the columns and each row of the answer, whose values are JSON.
func (n *node) ask(r request, columns func([]column), each func(row []any) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	r.ID = n.last
	if err := json.NewEncoder(n.in).Encode(r); err != nil {
		return fmt.Errorf("ask %s: %w", r.Reader, err)
	}
	for {
		var a answer
		if err := n.answers.Decode(&a); err != nil {
			return fmt.Errorf("%s is gone: %w", r.Reader, err)
		}
		switch {
		case a.ID != n.last: // left over from a request whose caller did not read all rows
			continue
		case a.Error != "":
			return errors.New(a.Error)
		case a.Done:
			return nil
		case a.Columns != nil:
			columns(a.Columns)
		}
		for _, row := range a.Rows {
			if err := each(row); err != nil {
				return err
			}
		}
	}
}
