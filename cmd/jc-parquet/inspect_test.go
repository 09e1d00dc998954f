package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

func TestInspectSaysWhatIsInAFile(t *testing.T) {
	dir := archiveAll(t, ordersServer(t))
	file := filepath.Join(dir, files(t, dir)[0])

	code, stdout, stderr := jcParquet("inspect", file)
	if code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	t.Log(stdout)
	for _, want := range []string{file, "rows, ", "messages 1 to ", "jetcapture.stream = ORDERS", "stream_seq", "INT64", "ZSTD", "headers.key_value.key", "Row groups"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("it says nothing of %q", want)
		}
	}

	code, stdout, stderr = jcParquet("inspect", "--json", file)
	var i inspection
	if err := json.Unmarshal([]byte(stdout), &i); err != nil || code != app.ExitOK {
		t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
	}
	if i.File != file || i.FirstSeq != 1 || i.Rows == 0 || i.LastSeq < uint64(i.Rows) || len(i.Columns) < 12 || len(i.RowGroups) != 1 || i.Metadata["jetcapture.stream"] != "ORDERS" {
		t.Errorf("the JSON is %s", stdout)
	}
}

func TestFileOfAnotherCompressionSaysSo(t *testing.T) {
	s := ordersServer(t)
	for compression, codec := range map[string]string{"none": "UNCOMPRESSED", "gzip": "GZIP", "snappy": "SNAPPY", "zstd": "ZSTD"} {
		dir := archiveAll(t, s, "--compression", compression)
		for _, file := range files(t, dir) {
			if i, err := inspect(t.Context(), filepath.Join(dir, file)); err != nil || i.Columns[3].Codec != codec && i.Columns[4].Codec != codec {
				t.Errorf("--compression %s: %v, %+v", compression, err, i)
			}
		}
	}
}

func TestCompressionLevelMakesFilesSmaller(t *testing.T) {
	s := ordersServer(t)
	size := func(args ...string) int64 {
		return sumOf(t, archiveAll(t, s, args...), func(i *inspection) int64 { return i.Bytes })
	}
	for _, compression := range []string{"zstd", "gzip"} {
		if usual, best := size("--compression", compression), size("--compression", compression, "--compression-level", "9"); best >= usual {
			t.Errorf("with --compression %s, %d bytes become %d at level 9", compression, usual, best)
		}
	}
	if usual, best := size(), size("--compression-level", "9"); best >= usual {
		t.Errorf("without --compression, %d bytes become %d at level 9", usual, best)
	}
}

func TestFilesThatCannotBeInspectedDoNotHideOthers(t *testing.T) {
	dir := archiveAll(t, ordersServer(t))
	good, bad := filepath.Join(dir, files(t, dir)[0]), filepath.Join(t.TempDir(), "bad.parquet")
	if err := os.WriteFile(bad, []byte("no Parquet at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := jcParquet("inspect", bad, dir, good)
	first, second, _ := strings.Cut(stderr, "\n")
	want := fmt.Sprintf("jc-parquet: inspect %s is a folder: name files in it, such as %s/*.parquet\n", dir, dir)
	if code != app.ExitError || !strings.HasPrefix(first, "jc-parquet: inspect "+bad+": parquet: ") || second != want {
		t.Errorf("exit code %d and\n%s, want two lines, and the second\n%s", code, stderr, want)
	}
	if !strings.Contains(stdout, good) {
		t.Errorf("nothing is said of the good file:\n%s", stdout)
	}
}

func TestInspectShowsTheSequencesOfTheRowsAndNoCommandsToTheTerminal(t *testing.T) {
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w := writers()
	w.(format.MetadataSetter).SetMetadata(map[string]string{
		"jetcapture.first_seq": "1", "jetcapture.last_seq": "900", "title\x1b[2J": "a\nb\rc\u009b",
	})
	if err := w.InitNew(&file); err != nil {
		t.Fatal(err)
	}
	for seq := uint64(5); seq < 8; seq++ {
		m := &jetcapture.NatsMessage{Subject: "orders", Metadata: &nats.MsgMetadata{Sequence: nats.SequencePair{Stream: seq}, Timestamp: time.Unix(0, 0)}}
		if _, err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := write(t, "a.parquet", file.String())
	code, stdout, stderr := jcParquet("inspect", path)
	if code != app.ExitOK || !strings.Contains(stdout, "messages 5 to 7\n") || !strings.Contains(stdout, `  title\x1b[2J = a\nb\rc\u009b`+"\n") {
		t.Errorf("exit code %d: %q %s", code, stdout, stderr)
	}
	if strings.ContainsAny(stdout, "\x1b\r\u009b") {
		t.Errorf("it is %q", stdout)
	}
}
