package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

func TestColumnsOfOtherTypesThanInTheLakeAreRefused(t *testing.T) {
	s := capturetest.Start(t)
	s.Stream("SALES", "sales.>")
	publish := func() {
		s.Publish(3, func(int) *nats.Msg {
			return &nats.Msg{Subject: "sales.eu", Data: []byte(`{"id": 1, "total": 2.5, "a (b)": true, "at": "2026-11-23T12:15:00Z"}`)}
		})
	}
	publish()
	const old = "- {name: id, type: int64, nullable: false}\n- {name: total, type: float64}\n- {name: a (b), type: bool}\n- {name: at, type: timestamp}\n"
	const longer = old + "- {name: new, type: string}\n"
	changed := strings.NewReplacer("int64", "string", "float64", "\"decimal(18,2)\"", "timestamp", "timestamp(nanos)", "bool", "json").Replace(longer)
	dir := t.TempDir()
	for _, args := range [][]string{{}, {"--split=token:2"}, {"--layout=date"}} {
		dir := dir + strings.Join(args, "")
		consumer := "--consumer=c" + strings.Map(func(r rune) rune {
			if r == ':' || r == '=' || r == '-' {
				return '_'
			}
			return r
		}, strings.Join(args, ""))
		archiveSales(t, s, dir, append(args, consumer, "--columns", write(t, "old.yaml", old))...)
		publish()
		archiveSales(t, s, dir, append(args, consumer, "--columns", write(t, "longer.yaml", longer))...)
		publish()
		run := append([]string{"run", "--server", s.URL(), "--stream=SALES", "--out", dir, "--until-caught-up", "--columns", write(t, "changed.yaml", changed)}, args...)
		run = append(run, consumer)
		code, _, stderr := jcParquet(run...)
		if code != app.ExitUsage || strings.Count(stderr, "--columns: column ") != 4 ||
			!strings.Contains(stderr, "--columns: column id is binary (STRING), and was int64 (INT(64,true)) in ") ||
			!strings.Contains(stderr, "--columns: column a (b) is binary (JSON), and was boolean in ") {
			t.Fatalf("%v: exit code %d, want 4 columns refused:\n%s", args, code, stderr)
		}
		run[0] = "doctor"
		if code, stdout, _ := jcParquet(slices.DeleteFunc(run, func(arg string) bool { return arg == "--until-caught-up" })...); code != app.ExitError || !strings.Contains(stdout, "column id is binary (STRING), and was int64") {
			t.Errorf("%v: doctor has exit code %d:\n%s", args, code, stdout)
		}
		archiveSales(t, s, dir, append(args, consumer, "--allow-schema-change", "--columns", write(t, "changed.yaml", changed))...)
	}
}

func putObjects(t *testing.T, bucket store.Bucket, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := bucket.Create(t.Context(), name, strings.NewReader("x"), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNewestFileIsTheOneOfTheLatestIntervalThatACaptureStored(t *testing.T) {
	bucket := store.NewMem()
	const (
		older  = "token_2=b/date=2026-11-23/hour=12/20261123T121500Z-0000000000000200-0000000000000300-4g8wkzq0v3c1m9ta.parquet"
		first  = "token_2=a/date=2026-11-24/hour=12/20261124T121500Z-0000000000000400-0000000000000500-4g8wkzq0v3c1m9tb.parquet"
		second = "token_2=a/date=2026-11-24/hour=12/20261124T121500Z-0000000000000100-0000000000000500-4g8wkzq0v3c1m9tc.parquet" // messages that came again
	)
	putObjects(t, bucket, first)
	time.Sleep(time.Millisecond) // a clock may stand still between two objects
	putObjects(t, bucket, second, older, "compacted.parquet", "token_2=a/date=2026-11-24/part-00000.parquet", "_old/"+strings.ReplaceAll(first, "20261124", "20271124"))
	for i := range maxListed {
		putObjects(t, bucket, fmt.Sprintf("_deadletter/%05d.ndjson", i))
	}
	if got, err := newestFile(t.Context(), bucket, ""); got != second || err != nil {
		t.Errorf("the newest is %q, %v", got, err)
	}
	for i := range maxListed {
		putObjects(t, bucket, fmt.Sprintf("date=2020-01-01/%05d.json", i))
	}
	if got, err := newestFile(t.Context(), bucket, ""); !errors.Is(err, errManyObjects) {
		t.Errorf("the newest among too many is %q, %v", got, err)
	}
}

func TestColumnsAreNotRefusedWhereTheNewestFileMayBeAnother(t *testing.T) {
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("SALES", "sales.>")
	s.Publish(3, func(int) *nats.Msg { return &nats.Msg{Subject: "sales.eu", Data: []byte(`{"id": 1}`)} })
	archiveSales(t, s, dir, "--split=token:2", "--columns", write(t, "old.yaml", "- {name: id, type: int64}\n"))
	more := filepath.Join(dir, "token_2=us")
	if err := os.Mkdir(more, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range maxListed {
		if err := os.WriteFile(filepath.Join(more, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, stderr := archiveSales(t, s, dir, "--split=token:2", "--columns", write(t, "new.yaml", "- {name: id, type: string}\n"))
	if strings.Count(stderr, "not compared with") != 1 || !strings.Contains(stderr, errManyObjects.Error()) {
		t.Errorf("the log does not warn once:\n%s", stderr)
	}
}
