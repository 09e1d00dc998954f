package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/format/formattest"
	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestDeletesOfAKeyValueBucketAreRowsOfNulls(t *testing.T) {
	s, dir := capturetest.Start(t), t.TempDir()
	kv, err := s.JetStream().CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "USERS", History: 10})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := kv.Put(t.Context(), fmt.Sprint("u", i), fmt.Appendf(nil, `{"num": %d, "operation": "x"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Delete(t.Context(), "u1"); err != nil {
		t.Fatal(err)
	}
	if err := kv.Purge(t.Context(), "u2"); err != nil {
		t.Fatal(err)
	}
	marker := nats.NewMsg("$KV.USERS.u3") // as servers make of a value that is too old
	marker.Header.Set("Nats-Marker-Reason", "MaxAge")
	s.Publish(1, func(int) *nats.Msg { return marker })
	if _, err := kv.Put(t.Context(), "u4", nil); err != nil { // no JSON
		t.Fatal(err)
	}

	list := filepath.Join(t.TempDir(), "users.yaml")
	stdout, stderr := archiveSales(t, s, dir, "--stream=KV_USERS", "--columns", list, "--infer")
	if !strings.HasSuffix(stdout, "- name: num\n  type: int64\n- name: payload_operation\n  path: operation\n  type: string\n") {
		t.Errorf("inferred is\n%s", stdout)
	}
	if !strings.Contains(stderr, `"messages": 7,`) && !strings.Contains(stderr, `"messages": 8,`) || !strings.Contains(stderr, `"dead_letters": 1,`) {
		t.Errorf("the log does not sum up one dead letter:\n%s", stderr)
	}
	db := formattest.DuckDB(t)
	rows := db.Query(`select operation, subject, num, _rest from read_parquet(` + formattest.Quote(dir+"/**/*.parquet") + `) where stream_seq > 4 order by stream_seq`).Values
	if got, want := fmt.Sprint(rows), "[[PUT $KV.USERS.u4 4 <nil>] [DEL $KV.USERS.u1 <nil> <nil>] [PURGE $KV.USERS.u2 <nil> <nil>] [PURGE $KV.USERS.u3 <nil> <nil>]]"; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}

	own, dir := write(t, "own.yaml", "- {name: num, type: int64}\n- {name: Operation, path: operation, type: string}\n"), t.TempDir()
	archiveSales(t, s, dir, "--stream=KV_USERS", "--consumer=own", "--columns", own)
	rows = db.Query(`select operation, subject, num, _rest from read_parquet(` + formattest.Quote(dir+"/**/*.parquet") + `) where stream_seq > 4 order by stream_seq`).Values
	if got, want := fmt.Sprint(rows), "[[x $KV.USERS.u4 4 <nil>] [<nil> $KV.USERS.u1 <nil> <nil>] [<nil> $KV.USERS.u2 <nil> <nil>] [<nil> $KV.USERS.u3 <nil> <nil>]]"; got != want {
		t.Errorf("rows with an operation of their own are %s, want %s", got, want)
	}
}

func TestDeletesInAnotherStreamAreRowsToo(t *testing.T) {
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("SALES", "sales.>")
	s.Publish(2, func(i int) *nats.Msg {
		msg := nats.NewMsg("sales.eu")
		if i == 0 {
			msg.Header.Set("KV-Operation", "DEL")
		}
		return msg
	})
	archiveSales(t, s, dir, "--columns", write(t, "list.yaml", "- {name: n, type: int64}"))
	rows := formattest.DuckDB(t).Query(`select headers->>'$."KV-Operation"[0]', stream_seq, n from read_parquet(` + formattest.Quote(dir+"/**/*.parquet") + `)`).Values
	if got, want := fmt.Sprint(rows), "[[DEL 1 <nil>]]"; got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
	archiveSales(t, s, t.TempDir(), "--consumer=strict", "--columns", write(t, "list.yaml", "- {name: n, type: int64, nullable: false}"))
}
