package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
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
