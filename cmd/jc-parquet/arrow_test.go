package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"

	"github.com/jetcapture/lake/format"
)

func TestArrowHasEveryMessageUnchanged(t *testing.T) {
	dir := archiveAll(t, ordersServer(t), "--format=arrow", "--max-messages=700")
	seen := map[int64]bool{}
	for _, file := range files(t, dir) {
		eachRecord(t, filepath.Join(dir, file), func(r arrow.Record) {
			if names := columnNames(r); names != strings.Join(format.RawColumns(), " ") {
				t.Fatalf("%s: columns are %s", file, names)
			}
			subjects, data := r.Column(0).(*array.String), r.Column(3).(*array.Binary)
			sequences := r.Column(6).(*array.Int64)
			for i := range int(r.NumRows()) {
				seq := sequences.Value(i)
				if want := order(int(seq) - 1); subjects.Value(i) != want.Subject || string(data.Value(i)) != string(want.Data) {
					t.Fatalf("%s: the row of message %d is %s %s", file, seq, subjects.Value(i), data.Value(i))
				}
				seen[seq] = true
			}
		})
	}
	if len(seen) != messages {
		t.Errorf("%d messages are stored, want %d", len(seen), messages)
	}
}

func TestTypedColumnsAreTheSameInArrow(t *testing.T) {
	s, dir := salesServer(t), t.TempDir()
	archiveSales(t, s, dir, "--columns", write(t, "sale.yaml", sale), "--format=arrow")
	rows := 0
	for _, file := range files(t, dir) {
		if strings.HasPrefix(file, "_deadletter") {
			continue
		}
		eachRecord(t, filepath.Join(dir, file), func(r arrow.Record) {
			const want = "subject headers stream stream_seq timestamp timestamp_ns id placed total region items token day rush _rest"
			if names := columnNames(r); names != want {
				t.Fatalf("%s: columns are %s", file, names)
			}
			rows += int(r.NumRows())
		})
	}
	if rows != sales-sales/100 {
		t.Errorf("there are %d rows", rows)
	}
}

func columnNames(r arrow.Record) string {
	var names []string
	for _, f := range r.Schema().Fields() {
		names = append(names, f.Name)
	}
	return strings.Join(names, " ")
}

func eachRecord(t *testing.T, path string, each func(arrow.Record)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for i := range r.NumRecords() {
		record, err := r.Record(i)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		each(record)
	}
}
