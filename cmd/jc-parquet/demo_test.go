package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

// rowsOf returns how many rows all Parquet files below dir have.
func rowsOf(t *testing.T, dir string) int64 {
	t.Helper()
	return sumOf(t, dir, func(i *inspection) int64 { return i.Rows })
}

// sumOf adds up what each Parquet file below dir has of something.
func sumOf(t *testing.T, dir string, of func(*inspection) int64) (sum int64) {
	t.Helper()
	for _, file := range files(t, dir) {
		i, err := inspect(t.Context(), filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		sum += of(i)
	}
	return sum
}

// TestDemo goes from the first demo to the second, since a demo takes a while.
func TestDemo(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	out := filepath.Join(t.TempDir(), "it's a lake")
	code, stdout, stderr := jcParquet("demo", "--messages=2000", "--out", out)
	if code != app.ExitOK || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	t.Log(stdout)

	t.Run("stores every message under its region", func(t *testing.T) {
		if rows := rowsOf(t, out); rows != 2_000 {
			t.Errorf("the files have %d rows", rows)
		}
		if got := strings.Join(folders(t, out, 1), " "); got != "token_2=asia token_2=eu token_2=us" {
			t.Errorf("the folders are %s", got)
		}
	})
	t.Run("says what it stored and how fast", func(t *testing.T) {
		for _, want := range []string{`done: 2,000 messages in [\d.]+ s, [\d,]+ messages/s`, `2,000 rows in [3-6] files, [\d.]+ MB of Parquet for 0\.5 MB of JSON \(\d+%\)`} {
			if !regexp.MustCompile(want).MatchString(stdout) {
				t.Errorf("it does not say %s", want)
			}
		}
	})
	t.Run("leaves nothing in the temporary folder", func(t *testing.T) {
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Errorf("there is %v", left)
		}
	})
	t.Run("prints queries that work", func(t *testing.T) {
		duck := formattest.DuckDB(t)
		queries := demoQueries(out)
		for i, want := range []struct {
			columns string
			rows    int
		}{{"region orders first last", 3}, {"status orders total", 3}} {
			if !strings.Contains(stdout, queries[i]) {
				t.Errorf("it does not print %s", queries[i])
			}
			result := duck.Query(queries[i])
			if strings.Join(result.Columns, " ") != want.columns || len(result.Values) != want.rows {
				t.Errorf("%s\nreturns %v: %v", queries[i], result.Columns, result.Values)
			}
		}
		if sum := duck.Query("SELECT sum(orders)::bigint FROM (" + strings.TrimSuffix(queries[0], ";") + ")").Values[0][0]; sum != int64(2_000) {
			t.Errorf("the regions have %v orders in all", sum)
		}
	})
	t.Run("adds files the second time", func(t *testing.T) {
		code, stdout, stderr := jcParquet("demo", "--messages=1000", "--out", out)
		if code != app.ExitOK || !strings.Contains(stdout, "Parquet files already. This demo does not touch them, and adds more") {
			t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
		}
		if rows := rowsOf(t, out); rows != 3_000 {
			t.Errorf("the files have %d rows, want those of both demos", rows)
		}
	})
}

func TestDemoOnATakenPortSaysSo(t *testing.T) {
	port := capturetest.Start(t).URL()[len("nats://127.0.0.1:"):]
	code, _, stderr := jcParquet("demo", "--messages=1", "--out", t.TempDir(), "--port", port)
	if code != app.ExitError || !strings.HasSuffix(stderr, "address already in use: choose another --port\n") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestInterruptedDemoCleansUp(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	p := start(t, "demo", "--messages=5000000", "--out", filepath.Join(t.TempDir(), "lake"))
	p.await("Publishing")
	p.signal(syscall.SIGINT)
	if code := p.exit(); code != app.ExitError || !strings.Contains(p.output.String(), "jc-parquet: demo: interrupted: its server is removed, and stored files stay") {
		t.Errorf("exit code %d:\n%s", code, p.output)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("in the temporary folder is %v", left)
	}
}
