package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func runAgain(s *capturetest.Server, dir string) (code int, stderr string) {
	code, _, stderr = jcParquet("run", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--create-consumer", "--until-caught-up", "--out", dir)
	return code, stderr
}

func resetOf(s *capturetest.Server, args ...string) (code int, stdout, stderr string) {
	return jcParquet(append([]string{"reset", "--server", s.URL()}, args...)...)
}

func removeConsumer(t *testing.T, s *capturetest.Server) {
	t.Helper()
	if err := s.JetStream().DeleteConsumer(t.Context(), "ORDERS", "lake"); err != nil {
		t.Fatal(err)
	}
}

// What a new user does to start over: remove the files and the consumer, and run again.
func TestStartingOverIsRefusedUntilTheLedgerIsReset(t *testing.T) {
	t.Parallel()
	s, dir := ordersServer(t), filepath.Join(t.TempDir(), "lake")
	if code, stderr := runAgain(s, dir); code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	removeConsumer(t, s)
	code, stderr := runAgain(s, dir)
	if code != app.ExitError {
		t.Errorf("run ends with %d, want %d", code, app.ExitError)
	}
	for _, want := range []string{"JC_ORDERS_lake", fmt.Sprintf("%d messages in 1 files of %s", messages, dir), "jc-parquet reset"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("run does not say %q:\n%s", want, stderr)
		}
	}
	if s.Info("ORDERS", "lake").NumAckPending+int(s.Info("ORDERS", "lake").AckFloor.Stream) > 0 {
		t.Error("run took messages although it refuses to begin")
	}

	code, stdout, stderr := resetOf(s, "--stream=ORDERS", "--consumer=lake")
	if code != app.ExitOK || !strings.Contains(stdout, fmt.Sprintf("%d messages in 1 files, sequences 1 to %d", messages, messages)) ||
		!strings.Contains(stdout, dir) || !strings.Contains(stdout, "Nothing was changed") {
		t.Errorf("reset without --yes: exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr := resetOf(s, "--stream=ORDERS", "--consumer=lake", "--yes"); code != app.ExitOK {
		t.Errorf("reset --yes: exit code %d: %s", code, stderr)
	}
	if code, stderr := runAgain(s, dir); code != app.ExitOK {
		t.Errorf("run after a reset: exit code %d: %s", code, stderr)
	}
	wantMessagesOnce(t, dir, messages)
}

// The files are there and the consumer is new: nothing is to be stored, and the summary says so.
func TestSummaryCountsWhatWasAlreadyStored(t *testing.T) {
	t.Parallel()
	s, dir := ordersServer(t), filepath.Join(t.TempDir(), "lake")
	if code, stderr := runAgain(s, dir); code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	removeConsumer(t, s)
	code, stderr := runAgain(s, dir)
	if want := fmt.Sprintf(`"already_stored": %d`, messages); code != app.ExitOK || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d, and no %s in\n%s", code, want, stderr)
	}
	wantMessagesOnce(t, dir, messages)
}

func TestResetRefusesWhileACaptureIsAtWork(t *testing.T) {
	t.Parallel()
	s, dir := ordersServer(t), filepath.Join(t.TempDir(), "lake")
	p := start(t, "run", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--create-consumer", "--out", dir)
	p.await("the ledger is open")
	for range 500 { // until it holds all
		if info, err := s.JetStream().Consumer(t.Context(), "ORDERS", "lake"); err == nil && info.CachedInfo().NumAckPending == messages {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	code, _, stderr := resetOf(s, "--stream=ORDERS", "--consumer=lake", "--yes")
	if code != app.ExitError || !strings.Contains(stderr, "a capture is at work on consumer lake of stream ORDERS") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	p.signal(os.Interrupt)
	if code := p.exit(); code != app.ExitOK {
		t.Fatalf("the capture ends with %d: %s", code, p.output)
	}
	if code, _, stderr := resetOf(s, "--stream=ORDERS", "--consumer=lake", "--yes"); code != app.ExitOK {
		t.Errorf("after it was stopped: exit code %d: %s", code, stderr)
	}
}

func TestResetListsLedgersWithoutAConsumer(t *testing.T) {
	t.Parallel()
	s := ordersServer(t)
	if _, stdout, _ := resetOf(s); !strings.Contains(stdout, "There are no ledgers.") {
		t.Errorf("without a ledger: %s", stdout)
	}
	runAgain(s, filepath.Join(t.TempDir(), "lake"))
	code, stdout, stderr := resetOf(s)
	if code != app.ExitOK || !strings.Contains(stdout, "JC_ORDERS_lake") || strings.Contains(stdout, "does not exist") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	removeConsumer(t, s)
	if _, stdout, _ := resetOf(s); !strings.Contains(stdout, "its consumer does not exist") {
		t.Errorf("without its consumer:\n%s", stdout)
	}
}

// A deafJetStream knows no answer about one consumer.
type deafJetStream struct {
	jetstream.JetStream
	consumer string
}

func (d deafJetStream) Consumer(ctx context.Context, stream, consumer string) (jetstream.Consumer, error) {
	if consumer == d.consumer {
		return nil, errors.New("timeout\nof the test")
	}
	return d.JetStream.Consumer(ctx, stream, consumer)
}

func TestResetListsAllLedgersAlthoughAConsumerIsNotKnown(t *testing.T) {
	t.Parallel()
	s := ordersServer(t)
	runAgain(s, filepath.Join(t.TempDir(), "lake"))
	archiveSales(t, s, t.TempDir(), "--stream=ORDERS", "--consumer=other")
	var out strings.Builder
	if err := listLedgers(t.Context(), deafJetStream{s.JetStream(), "lake"}, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], "its consumer cannot be looked up: look up consumer lake of stream ORDERS: timeout") || !strings.Contains(lines[2], "JC_ORDERS_other") {
		t.Errorf("listed are\n%s", out.String())
	}
}

func TestResetSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := ordersServer(t)
	for want, args := range map[string][]string{
		"--stream and --consumer belong together": {"--stream=ORDERS"},
		"name the ledger to remove":               {"--yes"},
		"there is no ledger JC_ORDERS_other":      {"--stream=ORDERS", "--consumer=other"},
	} {
		if code, _, stderr := resetOf(s, args...); code == app.ExitOK || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, want %q: %s", args, code, want, stderr)
		}
	}
}

// wantMessagesOnce checks that the files have the messages with sequences 1 to n once.
func wantMessagesOnce(t *testing.T, dir string, n int) {
	t.Helper()
	formattest.DuckDB(t).Each("select count(*), count(distinct stream_seq), min(stream_seq), max(stream_seq) from read_parquet("+
		formattest.Quote(dir+"/**/*.parquet")+")", func(row []any) {
		if got, want := fmt.Sprint(row...), fmt.Sprint(int64(n), int64(n), int64(1), int64(n)); got != want {
			t.Errorf("rows, sequences, lowest and highest of them are %s, want %s", got, want)
		}
	})
}

// The doctor finds what run would refuse.
func TestDoctorMissesFilesThatTheLedgerRemembers(t *testing.T) {
	t.Parallel()
	s, dir := ordersServer(t), filepath.Join(t.TempDir(), "lake")
	if code, stderr := runAgain(s, dir); code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	find := func(check, change string, worst jetcapture.Severity) {
		t.Helper()
		if r, bad := doctorJSON(t, s, "--create-consumer", "--out", dir); r.Worst != worst || !strings.Contains(bad[check], change) {
			t.Errorf("it finds %v, want %s with %q: %s", bad, check, change, worst)
		}
	}
	if r, bad := doctorJSON(t, s, "--create-consumer", "--out", dir); r.Worst == jetcapture.SeverityFatal || bad["ledger's files"] != "" || bad["ledger's store"] != "" {
		t.Errorf("where all is there it finds %v", bad)
	}
	for _, file := range files(t, dir) {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	find("ledger's files", "put the files back, if nobody moved them on purpose", jetcapture.SeverityWarning)
	removeConsumer(t, s)
	find("ledger's files", "jc-parquet reset", jetcapture.SeverityFatal)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	find("ledger's store", "jc-parquet reset", jetcapture.SeverityFatal)
}
