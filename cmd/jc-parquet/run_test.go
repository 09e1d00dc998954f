package main

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

const messages = 3_000

func order(i int) *nats.Msg {
	msg := nats.NewMsg("orders." + []string{"eu", "us", "asia"}[i%3] + ".new")
	msg.Data = fmt.Appendf(nil, `{"n": %d, "text": "a, \"b\""}`, i)
	if i%2 == 0 {
		msg.Header.Add("Tenant-Id", fmt.Sprint("t", i%4))
		msg.Header.Add("Tenant-Id", "second")
	}
	return msg
}

// ordersServer runs a server with a stream of orders in it.
func ordersServer(t *testing.T) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	s.Publish(messages, order)
	return s
}

// archiveAll archives all orders into a new folder and returns that.
func archiveAll(t *testing.T, s *capturetest.Server, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "lake")
	args = append([]string{
		"run", "--server", s.URL(), "--stream=ORDERS", "--consumer", fmt.Sprint("c", time.Now().UnixNano()), "--create-consumer",
		"--until-caught-up", "--out", dir,
	}, args...)
	if code, _, stderr := jcParquet(args...); code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	} else if want := fmt.Sprintf(`{"messages": %d, "rows": %d,`, messages, messages); !strings.Contains(stderr, want) {
		t.Errorf("the log does not sum up %s:\n%s", want, stderr)
	}
	return dir
}

// files returns the files below dir, slash-separated, except what the library keeps there for itself.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path == "_jetcapture" {
			return fs.SkipDir
		}
		if err == nil && !entry.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// folders returns the first so many folders of the files below dir, without repetition.
func folders(t *testing.T, dir string, depth int) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, file := range files(t, dir) {
		parts := strings.Split(file, "/")
		seen[strings.Join(parts[:min(depth, len(parts)-1)], "/")] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestNDJSONHasEveryMessageUnchanged(t *testing.T) {
	dir := archiveAll(t, ordersServer(t), "--format=ndjson", "--max-messages=700")
	seen := map[int]bool{}
	for _, file := range files(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row struct {
				Subject   string
				Headers   map[string][]string
				Data      []byte
				Stream    string
				StreamSeq int `json:"stream_seq"`
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			want := order(row.StreamSeq - 1)
			if row.Subject != want.Subject || string(row.Data) != string(want.Data) || row.Stream != "ORDERS" ||
				!maps.EqualFunc(row.Headers, want.Header, slices.Equal) {
				t.Fatalf("%s: the row of message %d is %s", file, row.StreamSeq, line)
			}
			seen[row.StreamSeq] = true
		}
	}
	if len(seen) != messages {
		t.Errorf("%d messages are stored, want %d", len(seen), messages)
	}
	if n := len(files(t, dir)); n < messages/700 {
		t.Errorf("there are %d files, want one for each 700 messages", n)
	}
}

func TestCSVHasEveryMessageInTheSameColumns(t *testing.T) {
	dir := archiveAll(t, ordersServer(t), "--format=csv")
	n := 0
	for _, file := range files(t, dir) {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(f).ReadAll()
		_ = f.Close()
		if err != nil || !slices.Equal(rows[0], format.RawColumns()) {
			t.Fatalf("%s: %v, columns %v", file, err, rows[0])
		}
		for _, row := range rows[1:] {
			if data, err := base64.StdEncoding.DecodeString(row[3]); err != nil || string(data) != string(order(n).Data) {
				t.Fatalf("%s: data of row %d is %q, %v", file, n, data, err)
			}
			n++
		}
	}
	if n != messages {
		t.Errorf("%d messages are stored, want %d", n, messages)
	}
}

func TestSplitKeysBecomeHiveFolders(t *testing.T) {
	s := ordersServer(t)
	for split, want := range map[string][]string{
		"subject":          {"by_subject=orders.asia.new", "by_subject=orders.eu.new", "by_subject=orders.us.new"},
		"token:2":          {"token_2=asia", "token_2=eu", "token_2=us"},
		"token:9":          {"token_9=__HIVE_DEFAULT_PARTITION__"},
		"header:Tenant-Id": {"tenant_id=__HIVE_DEFAULT_PARTITION__", "tenant_id=t0", "tenant_id=t2"},
	} {
		if got := folders(t, archiveAll(t, s, "--split", split, "--format=ndjson"), 1); !slices.Equal(got, want) {
			t.Errorf("--split %s makes folders %q, want %q", split, got, want)
		}
	}
}

func TestMessagesWithoutAValueForTheSplitAreCounted(t *testing.T) {
	s := ordersServer(t)
	for split, want := range map[string]string{
		"token:9":          fmt.Sprintf(`"without_split": %d`, messages),
		"header:Tenant-Id": `"without_split": `,
		"token:2":          "",
		"none":             "",
	} {
		code, _, stderr := jcParquet("run", "--server", s.URL(), "--stream=ORDERS", "--consumer", fmt.Sprint("c", time.Now().UnixNano()),
			"--create-consumer", "--until-caught-up", "--out", t.TempDir(), "--split", split)
		if code != app.ExitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		wanted := 0
		if want != "" {
			wanted = 1
		}
		if n := strings.Count(stderr, "messages have no value for --split"); n != wanted || !strings.Contains(stderr, want) {
			t.Errorf("--split %s warns %d times, want %d and %q: %s", split, n, wanted, want, stderr)
		}
		if want == "" && strings.Contains(stderr, "without_split") {
			t.Errorf("--split %s counts messages without a value: %s", split, stderr)
		}
	}
}

func TestALakeInMemoryIsRefused(t *testing.T) {
	for _, out := range []string{"mem://", "MEM:///"} {
		code, _, stderr := jcParquet("run", "--server", "nats://127.0.0.1:1", "--stream=ORDERS", "--consumer=lake", "--out", out)
		if code != app.ExitUsage || !strings.Contains(stderr, "would lose") {
			t.Errorf("--out %s: exit code %d: %s", out, code, stderr)
		}
	}
}

func TestLayoutSaysHowFoldersByTimeLook(t *testing.T) {
	s := ordersServer(t)
	for layout, want := range map[string]string{"hive": "date=2*/hour=*", "date": "2*/*/*/*/*"} {
		depth := strings.Count(want, "/") + 1
		for _, folder := range folders(t, archiveAll(t, s, "--layout", layout), depth) {
			if ok, err := filepath.Match(want, folder); !ok || err != nil {
				t.Errorf("--layout %s makes the folder %q", layout, folder)
			}
		}
	}
}

func TestEnvironmentIsEnough(t *testing.T) {
	s := ordersServer(t)
	dir := t.TempDir()
	for name, value := range map[string]string{
		"NATS_URL": s.URL(), "JC_STREAM": "ORDERS", "JC_CONSUMER": "lake", "JC_CREATE_CONSUMER": "true",
		"JC_UNTIL_CAUGHT_UP": "true", "JC_OUT": "file://" + dir, "JC_FORMAT": "csv", "JC_COMPRESSION": "gzip", "JC_SPLIT": "token:2",
		"JC_LOG_LEVEL": "error",
	} {
		t.Setenv(name, value)
	}
	if code, _, stderr := jcParquet("run"); code != app.ExitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, file := range files(t, dir) {
		if !strings.HasPrefix(file, "token_2=") || !strings.HasSuffix(file, ".csv.gz") {
			t.Errorf("there is a file %s", file)
		}
	}
}

func TestDeliveryIsExactlyOnceUnlessLessIsAskedFor(t *testing.T) {
	s := ordersServer(t)
	for _, c := range []struct {
		consumer string
		args     []string
		ledger   string
	}{
		{"usual", nil, "JC_ORDERS_usual"},
		{"named", []string{"--ledger=ARCHIVED", "--ledger-retention=3h"}, "ARCHIVED"},
		{"less", []string{"--delivery=at-least-once"}, ""},
	} {
		code, _, stderr := jcParquet(append([]string{
			"run", "--server", s.URL(), "--stream=ORDERS", "--consumer", c.consumer, "--create-consumer", "--until-caught-up", "--out", t.TempDir(),
		}, c.args...)...)
		if code != app.ExitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		reported := regexp.MustCompile(`INFO exactly once: the ledger is open .*"ledger": "(.+)", "instance": ".+"`).FindStringSubmatch(stderr)
		if c.ledger == "" && reported != nil || c.ledger != "" && (reported == nil || reported[1] != c.ledger) {
			t.Errorf("%q: the log says of ledger and instance %q:\n%s", c.args, reported, stderr)
		}
		var streams []string
		for name := range s.JetStream().StreamNames(t.Context()).Name() {
			streams = append(streams, name)
		}
		if c.ledger != "" && !slices.Contains(streams, c.ledger) || slices.Contains(streams, "JC_ORDERS_less") {
			t.Errorf("%q: there are the streams %q", c.args, streams)
		}
	}
}

func TestFolderThatIsAFileIsRefusedBeforeAnythingIsPulled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := jcParquet("run", "--stream=S", "--consumer=C", "--out", file)
	if want := "jc-parquet: --out: "; code != app.ExitUsage || !strings.HasPrefix(stderr, want) || !strings.Contains(stderr, "not a directory") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestPlaceThatCannotBeWrittenIsRefusedBeforeAnythingIsPulled(t *testing.T) {
	link := filepath.Join(t.TempDir(), "lake")
	if err := os.Symlink(filepath.Join(t.TempDir(), "none"), link); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := jcParquet("run", "--stream=S", "--consumer=C", "--out", link)
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	last := lines[len(lines)-1]
	if code != app.ExitUsage || !strings.HasPrefix(last, "jc-parquet: --out: probe the store: it cannot be written: create "+link) ||
		!strings.HasSuffix(last, ": make the place writable, or name another") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if n := strings.Count(stderr, "the store cannot be used yet; retrying"); n != 4 {
		t.Errorf("it says %d times that it will retry", n)
	}
}

func TestNothingIsLeftOfTheProbe(t *testing.T) {
	dir := archiveAll(t, ordersServer(t))
	if left, err := filepath.Glob(filepath.Join(dir, "_jetcapture", "probe-*")); err != nil || len(left) > 0 {
		t.Errorf("%q are there, %v", left, err)
	}
}

func TestMissingStreamIsOneLineAndExitCodeOne(t *testing.T) {
	s := capturetest.Start(t)
	p := start(t, "run", "--server", s.URL(), "--stream=NONE", "--consumer=lake", "--out", t.TempDir(), "--log-level=error")
	code := p.exit()
	want := `jc-parquet: stream not found: "NONE": create it, or name another (with a JetStream domain, if it is in one)` + "\n"
	if code != app.ExitError || p.output.String() != want {
		t.Errorf("exit code %d and\n%s, want 1 and\n%s", code, p.output, want)
	}
}

// capturing starts a process that holds all orders in open files.
func capturing(t *testing.T, s *capturetest.Server, out string, args ...string) *process {
	t.Helper()
	s.Consumer("ORDERS", "lake", nil)
	p := start(t, append([]string{
		"run", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--out", out, "--interval=24h", "--format=ndjson",
	}, args...)...)
	p.await(fmt.Sprintf(`"held": %d`, messages)) // what the server has sent may still be on its way
	return p
}

func TestSIGTERMStoresAndAcksWhatIsHeld(t *testing.T) { storesOn(t, syscall.SIGTERM) }

// A terminal that is closed sends it.
func TestSIGHUPStoresAndAcksWhatIsHeld(t *testing.T) { storesOn(t, syscall.SIGHUP) }

func storesOn(t *testing.T, ends os.Signal) {
	t.Helper()
	caught := make(chan os.Signal, 1) // so that a process that this one starts does not ignore it, as this one may
	signal.Notify(caught, ends)
	defer signal.Stop(caught)
	s := ordersServer(t)
	dir := t.TempDir()
	p := capturing(t, s, dir)
	if n := len(files(t, dir)); n > 0 {
		t.Fatalf("there are %d files before the signal", n)
	}
	p.signal(ends)
	if code := p.exit(); code != app.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, p.output)
	}
	info := s.Info("ORDERS", "lake")
	if n := len(files(t, dir)); n != 1 || info.NumAckPending != 0 || info.NumPending != 0 {
		t.Errorf("%d files are stored, %d messages un-acked, %d pending", n, info.NumAckPending, info.NumPending)
	}
}

// mounted is a folder in which nothing can be stored any more once unmount was called.
func mounted(t *testing.T) (dir string, unmount func()) {
	t.Helper()
	disk, link := filepath.Join(t.TempDir(), "disk"), filepath.Join(t.TempDir(), "lake")
	if err := errors.Join(os.Mkdir(disk, 0o755), os.Symlink(disk, link)); err != nil {
		t.Fatal(err)
	}
	return link, func() {
		if err := os.RemoveAll(disk); err != nil {
			t.Error(err)
		}
	}
}

func TestWhatCannotBeStoredInTimeIsExitCodeThree(t *testing.T) {
	s := ordersServer(t)
	dir, unmount := mounted(t)
	p := capturing(t, s, dir, "--drain-timeout=300ms")
	unmount()
	p.signal(syscall.SIGINT)
	if code := p.exit(); code != app.ExitTimeout || !strings.Contains(p.output.String(), "1 blocks with 3000 messages were not stored within the 300ms of --drain-timeout") {
		t.Errorf("exit code %d:\n%s", code, p.output)
	}
	if n := s.Info("ORDERS", "lake").NumAckPending; n != messages {
		t.Errorf("%d messages are un-acked, want %d: they are not stored", n, messages)
	}
}

func TestSecondSignalEndsAtOnceUnlessItIsTheSame(t *testing.T) {
	dir, unmount := mounted(t)
	p := capturing(t, ordersServer(t), dir, "--drain-timeout=1h")
	unmount()
	p.signal(syscall.SIGTERM)
	p.await("another signal after a second ends the process at once")
	p.signal(syscall.SIGTERM) // as a terminal or a wrapper sends it again
	ended := make(chan struct{})
	defer close(ended)
	go func() { // again and again, as a busy process may count the second from later
		for {
			select {
			case <-time.After(1100 * time.Millisecond):
				_ = p.command.Process.Signal(syscall.SIGINT) // it may have ended
			case <-ended:
				return
			}
		}
	}()
	code := p.exit() // not by the drain, which has an hour, and not killed by a test that gave up waiting
	if status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("exit code %d, want the end by the last signal:\n%s", code, p.output)
	}
}
