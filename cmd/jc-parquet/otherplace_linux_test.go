package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// fewOrders runs a server with n orders, and a consumer that delivers them again after a second.
func fewOrders(t *testing.T, n int) *capturetest.Server {
	t.Helper()
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	s.Consumer("ORDERS", "lake", func(c *jetstream.ConsumerConfig) { c.AckWait = time.Second })
	s.Publish(n, order)
	return s
}

// A process is stopped while it stores a file. Another one on the same consumer makes other folders, archives the messages, and
// the first one goes on.
func TestProcessThatIsStoppedWhileAnotherOneSplitsOtherwiseArchivesNothingTwice(t *testing.T) {
	t.Parallel()
	const n = 400
	s, dir := fewOrders(t, n), t.TempDir()
	args := []string{"run", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--out", dir, "--format=ndjson", "--until-caught-up"}
	first := start(t, append(args, "--split=none", "--store-rate=40KiB")...)
	js, claims := s.JetStream(), 0
	for deadline := time.Now().Add(20 * time.Second); claims == 0; time.Sleep(20 * time.Millisecond) {
		if l, err := js.Stream(t.Context(), "JC_ORDERS_lake"); err == nil {
			info, err := l.Info(t.Context(), jetstream.WithSubjectFilter("JC_LEDGER.>"))
			if err != nil {
				t.Fatal(err)
			}
			for subject := range info.State.Subjects {
				if !strings.Contains(subject, ".s.") { // settings are no claims
					claims++
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the first process has claimed nothing:\n%s", first.output)
		}
	}
	first.signal(syscall.SIGSTOP)
	if rows := ordersIn(t, dir); len(rows) > 0 {
		t.Fatalf("%d messages are stored already: this test shows nothing", len(rows))
	}
	if code, _, stderr := jcParquet(append(args, "--split=subject")...); code != app.ExitOK {
		t.Errorf("the second one: exit code %d: %s", code, stderr)
	}
	first.signal(syscall.SIGCONT)
	if code := first.exit(); code != app.ExitOK {
		t.Errorf("the first one: exit code %d: %s", code, first.output)
	}
	rows, seen := ordersIn(t, dir), map[int]bool{}
	for _, seq := range rows {
		seen[seq] = true
	}
	if len(seen) != n || len(rows) != n {
		t.Errorf("%d rows of %d messages, %d of them distinct", len(rows), n, len(seen))
	}
}

// ordersIn returns the stream sequence of each row of NDJSON files.
func ordersIn(t *testing.T, dir string) (seqs []int) {
	t.Helper()
	for _, file := range files(t, dir) {
		if !strings.HasSuffix(file, ".ndjson") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row struct {
				StreamSeq int `json:"stream_seq"`
			}
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			seqs = append(seqs, row.StreamSeq)
		}
	}
	return seqs
}

func TestAnotherOutOnTheSameConsumerIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	s, first, second := fewOrders(t, 100), t.TempDir(), t.TempDir()
	args := []string{"run", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--format=ndjson", "--until-caught-up", "--out"}
	if code, _, stderr := jcParquet(append(args, first)...); code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	s.Publish(100, order)
	code, _, stderr := jcParquet(append(args, second)...)
	if code == app.ExitOK || len(ordersIn(t, second)) > 0 {
		t.Errorf("exit code %d, and %d messages are archived in the other place", code, len(ordersIn(t, second)))
	}
	for _, want := range []string{"JC_ORDERS_lake", second, "jc-parquet reset"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("the error does not say %q:\n%s", want, stderr)
		}
	}
	if code, _, stderr := jcParquet(append(args, first)...); code != app.ExitOK || len(ordersIn(t, first)) != 200 {
		t.Errorf("where the archive is: exit code %d, %d rows of 200: %s", code, len(ordersIn(t, first)), stderr)
	}
}
