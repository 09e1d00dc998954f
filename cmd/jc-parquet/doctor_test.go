package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// doctor examines the consumer lake of the orders.
func doctor(t *testing.T, s *capturetest.Server, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	if !slices.Contains(args, "--out") {
		args = append(args, "--out", filepath.Join(t.TempDir(), "lake"))
	}
	return jcParquet(append([]string{"doctor", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake"}, args...)...)
}

// doctorJSON returns what it finds that is not in order, as check: change.
func doctorJSON(t *testing.T, s *capturetest.Server, args ...string) (r report, bad map[string]string) {
	t.Helper()
	code, stdout, stderr := doctor(t, s, append([]string{"--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("exit code %d, %v in\n%s%s", code, err, stdout, stderr)
	}
	if fatal := r.Worst == jetcapture.SeverityFatal; fatal != (code == app.ExitError) || !fatal && (code != app.ExitOK || stderr != "") {
		t.Errorf("exit code %d although the worst is %s: %s", code, r.Worst, stderr)
	}
	bad = map[string]string{}
	for _, f := range r.Findings {
		if f.Severity != jetcapture.SeverityOK {
			bad[f.Check] = f.Change
		}
	}
	return r, bad
}

// illServer has a consumer that a capture suffers from.
func illServer(t *testing.T) *capturetest.Server {
	t.Helper()
	s := ordersServer(t)
	s.Consumer("ORDERS", "lake", func(c *jetstream.ConsumerConfig) {
		c.AckWait, c.MaxAckPending, c.MaxDeliver = 30*time.Second, 1_000, 5
		c.BackOff = []time.Duration{30 * time.Second, time.Minute}
	})
	return s
}

// changes are those that the doctor wants at an illServer.
var changes = map[string]string{
	"AckWait": "set AckWait to 22m30s or more", "MaxAckPending": "set MaxAckPending to 1000000",
	"MaxDeliver": "set MaxDeliver to -1", "BackOff": "remove BackOff",
}

func TestDoctorPrintsATableWithEveryChange(t *testing.T) {
	code, stdout, stderr := doctor(t, illServer(t))
	t.Log(stdout)
	if code != app.ExitOK || stderr != "" {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	lines := strings.Split(stdout, "\n")
	column := 0
	for check, change := range changes {
		at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "warning  "+check+" ") })
		if at < 0 || strings.TrimSpace(lines[at+2]) != "→ "+change+", as --fix does" {
			t.Errorf("there is no warning of %s with %q", check, change)
			continue
		}
		indent := strings.Index(lines[at+2], "→")
		if column == 0 {
			column = indent
		}
		if indent != column || lines[at][indent-1] != ' ' || lines[at][indent] == ' ' || !strings.HasPrefix(lines[at+1], strings.Repeat(" ", indent)) {
			t.Errorf("%s is not aligned", check)
		}
	}
	if !strings.Contains(stdout, "\n0 fatal, 4 warnings, 0 advice; --fix fixes 4.\n") {
		t.Error("there is no sum")
	}
}

func TestDoctorFixesWhatIsSafe(t *testing.T) {
	s := illServer(t)
	r, bad := doctorJSON(t, s)
	if len(bad) != len(changes) || r.Worst != jetcapture.SeverityWarning || len(r.Fixed) != 0 {
		t.Errorf("it finds %v, and has fixed %v", bad, r.Fixed)
	}
	for check, change := range changes {
		if bad[check] != change {
			t.Errorf("for %s it wants %q, not %q", check, bad[check], change)
		}
	}
	if c := s.Info("ORDERS", "lake").Config; c.MaxDeliver != 5 || c.MaxAckPending != 1_000 {
		t.Errorf("it has changed the consumer unasked: %+v", c)
	}
	r, bad = doctorJSON(t, s, "--fix")
	if len(bad) != 0 || r.Worst != jetcapture.SeverityOK || len(r.Fixed) != len(changes) {
		t.Errorf("after --fix it finds %v, and has fixed %v", bad, r.Fixed)
	}
	c := s.Info("ORDERS", "lake").Config
	if c.AckWait != 22*time.Minute+30*time.Second || c.MaxAckPending != 1_000_000 || c.MaxDeliver != -1 || len(c.BackOff) != 0 {
		t.Errorf("the consumer is %+v", c)
	}
	if code, stdout, _ := doctor(t, s, "--fix"); code != app.ExitOK || !strings.HasSuffix(stdout, "\nNo problems.\n") || strings.Contains(stdout, "fixed:") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestDoctorShowsWhatItFixed(t *testing.T) {
	code, stdout, _ := doctor(t, illServer(t), "--fix")
	if code != app.ExitOK || !strings.Contains(stdout, "\nfixed: MaxDeliver was 5: set MaxDeliver to -1\n") || !strings.HasSuffix(stdout, "\nNo problems.\n") {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestDoctorEndsWithOneIfRunWouldRefuse(t *testing.T) {
	s := ordersServer(t)
	code, stdout, stderr := doctor(t, s)
	if code != app.ExitError || stderr != "jc-parquet: doctor: 1 finding is fatal: run would refuse to begin or could store nothing\n" ||
		!strings.Contains(stdout, "→ create a durable pull consumer lake with explicit acks, or set --create-consumer\n") {
		t.Errorf("exit code %d: %s\n%s", code, stderr, stdout)
	}
	r, bad := doctorJSON(t, s, "--create-consumer")
	if r.Worst != jetcapture.SeverityOK || r.Delivery != jetcapture.ExactlyOnce {
		t.Errorf("it finds %v for %s", bad, r.Delivery)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, bad := doctorJSON(t, s, "--create-consumer", "--out", file); len(bad) != 1 || bad["store"] == "" {
		t.Errorf("of a folder that is a file it finds %v", bad)
	}
}

func TestDoctorFindsTheWritersOfAllFormatsInOrder(t *testing.T) {
	s := ordersServer(t)
	for _, format := range []string{"parquet", "arrow", "ndjson", "csv"} {
		for _, codec := range []string{"none", "gzip", "zstd"} {
			if format == "arrow" && codec == "gzip" {
				continue // which it does not know
			}
			if _, bad := doctorJSON(t, s, "--create-consumer", "--format", format, "--compression", codec); len(bad) > 0 {
				t.Errorf("of %s with %s it finds %v", format, codec, bad)
			}
		}
	}
}

func TestDoctorKnowsAStoreThatOverwrites(t *testing.T) {
	s, server := ordersServer(t), s3Server(t)
	place := s3URL(server.Bucket(t), server.Endpoint, "unconditional=true")
	if r, bad := doctorJSON(t, s, "--create-consumer", "--out", place); r.Worst != jetcapture.SeverityFatal || bad["store"] != "use a store that refuses to overwrite, or set --delivery to at-least-once" {
		t.Errorf("it finds %v", bad)
	}
	if r, bad := doctorJSON(t, s, "--create-consumer", "--out", place, "--delivery=at-least-once"); r.Worst != jetcapture.SeverityWarning || len(bad) != 1 {
		t.Errorf("it finds %v", bad)
	}
}

func TestDoctorDoesNotNeedColumnsThatAreToBeInferred(t *testing.T) {
	s := ordersServer(t)
	file := filepath.Join(t.TempDir(), "orders.yaml")
	if r, bad := doctorJSON(t, s, "--create-consumer", "--columns", file, "--infer"); r.Worst != jetcapture.SeverityOK {
		t.Errorf("it finds %v", bad)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it has made the file of columns")
	}
}
