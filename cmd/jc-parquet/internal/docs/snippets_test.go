package docs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/cmd/jc-parquet/internal/docs"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// imported are the packages that snippets use, by the names that they use them by.
var imported = map[string]string{
	"context": "context", "time": "time",
	"nats": "github.com/nats-io/nats.go", "zap": "go.uber.org/zap",
	"proto": "google.golang.org/protobuf/proto", "apipb": "google.golang.org/protobuf/types/known/apipb",
	"jetcapture": "github.com/jetcapture/lake/jetcapture", "store": "github.com/jetcapture/lake/store",
	"s3store": "github.com/jetcapture/lake/store/s3store", "parquet": "github.com/jetcapture/lake/format/parquet",
}

var qualified = regexp.MustCompile(`\b([a-z]\w*)\.[A-Z]`)

// source makes a file of a snippet, which has declarations alone: it adds the package clause, imports, and the type Order of documents
// that declare it elsewhere.
func source(name, snippet string) string {
	text := snippet
	if !strings.Contains(text, "type Order struct") && strings.Contains(text, "Order") {
		text += "\ntype Order struct{ ID, Tenant, Region string }\n"
	}
	var imports []string
	for _, use := range qualified.FindAllStringSubmatch(text, -1) {
		if p, ok := imported[use[1]]; ok && !slices.Contains(imports, p) {
			imports = append(imports, p)
		}
	}
	slices.Sort(imports)
	file := "package " + name + "\n\n"
	for _, p := range imports {
		file += fmt.Sprintf("import %q\n", p)
	}
	return file + "\n" + text
}

// goTool runs the go command on files that are only in an overlay of the module: folders and the text of their one file.
func goTool(t *testing.T, files map[string]string, args ...string) {
	t.Helper()
	temp, base := t.TempDir(), filepath.Join(root(t), "cmd", "jc-parquet", "internal", "docs")
	replace := map[string]string{}
	for folder, text := range files {
		onDisk := filepath.Join(temp, folder+".go")
		if err := os.WriteFile(onDisk, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(base, folder, "snippet.go")] = onDisk
		args = append(args, "./"+folder)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(temp, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", slices.Concat(args[:1], []string{"-overlay", file}, args[1:])...)
	cmd.Dir = base
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

func goSnippets(t *testing.T) (snippets []docs.Block) {
	t.Helper()
	for _, document := range docs.Documents {
		blocks, err := docs.Blocks(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range blocks {
			if b.Language == "go" {
				snippets = append(snippets, b)
			}
		}
	}
	return snippets
}

func TestGoSnippetsCompile(t *testing.T) {
	files := map[string]string{}
	for i, b := range goSnippets(t) {
		files[fmt.Sprintf("snippet%d", i)] = fmt.Sprintf("//line %s:%d\n%s", b.Document, b.Line, source("snippet", b.Text))
	}
	goTool(t, files, "build")
}

// run is added to the snippets that declare capture.
const run = `
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	nc, err := nats.Connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := capture(ctx, nc); err != nil {
		log.Fatal(err)
	}
}
`

func TestCapturesOfSnippetsArchiveTheirStream(t *testing.T) {
	n := 0
	for _, b := range goSnippets(t) {
		if !strings.Contains(b.Text, "func capture(ctx context.Context, nc *nats.Conn) error {") {
			continue
		}
		n++
		t.Run(b.Document, func(t *testing.T) {
			lake, program := t.TempDir(), filepath.Join(t.TempDir(), "capture")
			text := strings.ReplaceAll(b.Text, `"/lake"`, fmt.Sprintf("%q", lake)) + run
			text = strings.Replace(source("main", text), "\n\n", "\n\nimport \"log\"\nimport \"os\"\nimport \"os/signal\"\n", 1)
			goTool(t, map[string]string{"capture": text}, "build", "-o", program)

			s := capturetest.Start(t)
			s.Stream("ORDERS", "orders.>")
			s.Publish(100, func(i int) *nats.Msg {
				return &nats.Msg{Subject: "orders.new", Data: fmt.Appendf(nil, `{"id":"o-%d","region":"%s","amount":1.5}`, i, []string{"eu", "us"}[i%2])}
			})
			cmd := exec.Command(program, s.URL())
			out := new(strings.Builder)
			cmd.Stdout, cmd.Stderr = out, out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(time.Minute); !held(t, s, 100); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					_ = cmd.Process.Kill()
					_ = cmd.Wait()
					t.Fatalf("after a minute it does not hold all messages, and has said\n%s", out)
				}
			}
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, region := range []string{"eu", "us"} {
				files, err := filepath.Glob(filepath.Join(lake, region, "date=*", "hour=*", "*.parquet"))
				if err != nil || len(files) == 0 {
					t.Errorf("region %s has the files %q, %v", region, files, err)
				}
			}
			if info := s.Info("ORDERS", "lake"); info.NumAckPending != 0 || info.NumPending != 0 {
				t.Errorf("%d messages are un-acknowledged and %d pending", info.NumAckPending, info.NumPending)
			}
		})
	}
	if n == 0 {
		t.Error("no document has a snippet that captures")
	}
}

// held reports whether the consumer of the snippets exists and has delivered n messages.
func held(t *testing.T, s *capturetest.Server, n uint64) bool {
	t.Helper()
	js := s.JetStream()
	defer js.Conn().Close()
	c, err := js.Consumer(t.Context(), "ORDERS", "lake")
	return err == nil && c.CachedInfo().Delivered.Consumer >= n
}
