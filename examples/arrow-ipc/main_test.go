package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/capturetest"
)

func TestArrowReadsTheReadingsOfEveryRoom(t *testing.T) {
	const n = 2_000
	s, dir := capturetest.Start(t), t.TempDir()
	s.Stream("READINGS", "readings.>")
	s.Publish(n, func(i int) *nats.Msg {
		alarm := "null"
		if i%10 == 0 {
			alarm = `"hot"`
		}
		return &nats.Msg{Subject: "readings.sensor", Data: fmt.Appendf(nil,
			`{"room":"r%d","at":"2026-11-23T12:00:00.%06dZ","values":{"t":%d.5,"h":%d},"alarm":%s}`, i%2, i, i, -i, alarm)}
	})
	if err := run(s.URL(), dir); err != nil {
		t.Fatal(err)
	}
	for room := range 2 {
		next := room // the number of the next message
		files, err := filepath.Glob(filepath.Join(dir, fmt.Sprintf("room=r%d", room), "date=*", "hour=*", "*.arrow"))
		if err != nil || len(files) == 0 {
			t.Fatalf("files %q, %v", files, err)
		}
		for _, file := range files {
			eachBatch(t, file, func(batch arrow.Record) {
				for i := range int(batch.NumRows()) {
					check(t, batch, i, next)
					next += 2
				}
			})
		}
		if next != n+room {
			t.Errorf("room r%d has readings up to %d", room, next)
		}
	}
}

func eachBatch(t *testing.T, path string, each func(arrow.Record)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	r, err := ipc.NewFileReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for i := range r.NumRecords() {
		batch, err := r.Record(i)
		if err != nil {
			t.Fatal(err)
		}
		each(batch)
	}
}

// check compares row i of a batch with message n.
func check(t *testing.T, batch arrow.Record, i, n int) {
	t.Helper()
	column := func(name string) arrow.Array {
		found := batch.Schema().FieldIndices(name)
		if len(found) != 1 {
			t.Fatalf("column %s is at %v of %v", name, found, batch.Schema())
		}
		return batch.Column(found[0])
	}
	if got := column("stream_seq").(*array.Int64).Value(i); got != int64(n+1) {
		t.Fatalf("message %d has the sequence %d", n, got)
	}
	if got := column("subject").(*array.String).Value(i); got != "readings.sensor" {
		t.Errorf("message %d has the subject %q", n, got)
	}
	if got := int64(column("at").(*array.Timestamp).Value(i)); got != 1_795_435_200_000_000+int64(n) {
		t.Errorf("message %d is at %d", n, got)
	}
	if alarm := column("alarm").(*array.String); alarm.IsNull(i) != (n%10 != 0) {
		t.Errorf("message %d has the alarm %q, null %v", n, alarm.Value(i), alarm.IsNull(i))
	}
	values := column("values").(*array.Map)
	first, end := values.ValueOffsets(i)
	names := values.Keys().(*array.String)
	if end-first != 2 || names.Value(int(first)) != "h" || names.Value(int(first)+1) != "t" {
		t.Fatalf("message %d has the values %d to %d", n, first, end)
	}
	if v := values.Items().(*array.Float64); v.Value(int(first)) != float64(-n) || v.Value(int(first)+1) != float64(n)+0.5 {
		t.Errorf("message %d has the values %v and %v", n, v.Value(int(first)), v.Value(int(first)+1))
	}
}
