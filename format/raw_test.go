package format_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/formattest"
)

func TestRawMessagesComeBackAsTheyWere(t *testing.T) {
	duck := formattest.DuckDB(t)
	for name, test := range map[string]struct {
		writer   format.Writer[*formattest.Message]
		relation func(glob string) string
	}{
		"messages.csv":   {format.NewRawCSV[*formattest.Message](), formattest.RawCSV},
		"messages.jsonl": {format.NewRawNDJSON[*formattest.Message](), formattest.RawNDJSON},
	} {
		t.Run(name, func(t *testing.T) {
			messages := formattest.Messages()
			path := writeFile(t, name, test.writer, messages)
			formattest.CheckRaw(t, duck, test.relation(path), messages)
		})
	}
}

func TestRawMessagesThatAFormatCannotHoldAreRejected(t *testing.T) {
	columns := []string{
		"subject", "reply", "headers", "headers", "stream", "consumer",
		"stream_seq", "consumer_seq", "num_delivered", "num_pending", "timestamp", "timestamp",
	}
	for name, w := range map[string]format.Writer[*formattest.Message]{
		"CSV":    format.NewRawCSV[*formattest.Message](),
		"NDJSON": format.NewRawNDJSON[*formattest.Message](),
	} {
		var out bytes.Buffer
		if err := w.InitNew(&out); err != nil {
			t.Fatal(err)
		}
		for i, m := range formattest.BadMessages() {
			if _, err := w.Write(m); err == nil || !strings.Contains(err.Error(), "column "+columns[i]) {
				t.Errorf("%s, message %d: the error %v does not name column %s", name, i, err, columns[i])
			}
		}
	}
}

func TestRawNDJSONIsTheDocumentedLine(t *testing.T) {
	m := formattest.Messages()[0]
	m.Headers = map[string][]string{"B": {"<1>", "2"}, "A": nil}
	path := writeFile(t, "one.jsonl", format.NewRawNDJSON[*formattest.Message](), []*formattest.Message{m})
	const want = `{"subject":"orders.eu.1","reply":null,"headers":{"A":[],"B":["<1>","2"]},"data":"eyJpZCI6MX0=",` +
		`"stream":"ORDERS","consumer":"archive","stream_seq":1000,"consumer_seq":1,` +
		`"timestamp":"2026-11-23T12:15:00.123456789Z","timestamp_ns":1795436100123456789,"num_delivered":1,"num_pending":0}` + "\n"
	if got := readFile(t, path); got != want {
		t.Errorf("line is\n%swant\n%s", got, want)
	}
}

func TestRawCSVIsTheDocumentedLine(t *testing.T) {
	m := formattest.Messages()[0]
	m.Headers = map[string][]string{"B": {"<1>", "2"}, "A": nil}
	path := writeFile(t, "one.csv", format.NewRawCSV[*formattest.Message](), []*formattest.Message{m})
	const want = "subject,reply,headers,data,stream,consumer,stream_seq,consumer_seq,timestamp,timestamp_ns,num_delivered,num_pending\n" +
		`orders.eu.1,,"{""A"":[],""B"":[""<1>"",""2""]}",eyJpZCI6MX0=,ORDERS,archive,1000,1,` +
		"2026-11-23T12:15:00.123456Z,1795436100123456789,1,0\n"
	if got := readFile(t, path); got != want {
		t.Errorf("file is\n%swant\n%s", got, want)
	}
}

func TestWritingARawMessageDoesNotChangeIt(t *testing.T) {
	m := formattest.Messages()[3]
	before, _ := json.Marshal(m)
	writeFile(t, "a.jsonl", format.NewRawNDJSON[*formattest.Message](), []*formattest.Message{m})
	writeFile(t, "a.csv", format.NewRawCSV[*formattest.Message](), []*formattest.Message{m})
	if after, _ := json.Marshal(m); !bytes.Equal(before, after) {
		t.Errorf("message was %s, is %s", before, after)
	}
}

func TestRawWritersConform(t *testing.T) {
	lines := func(_ *testing.T, file []byte) []string {
		return strings.SplitAfter(strings.TrimSuffix(string(file), "\n"), "\n")
	}
	payloads := formattest.Messages()
	payloads = append(payloads[:4:4], payloads[6:]...) // without a line break, which makes two lines of CSV, and a megabyte
	t.Run("CSV", formattest.Suite[*formattest.Message]{
		New:      format.NewRawCSV[*formattest.Message],
		Payloads: payloads, Rejected: append(formattest.BadMessages(), nil),
		Read: func(t *testing.T, file []byte) []string {
			rows := lines(t, file)
			if want := strings.Join(format.RawColumns(), ","); strings.TrimSpace(rows[0]) != want {
				t.Fatalf("header is %q", rows[0])
			}
			return trim(rows[1:])
		},
	}.Run)
	t.Run("NDJSON", formattest.Suite[*formattest.Message]{
		New:      format.NewRawNDJSON[*formattest.Message],
		Payloads: payloads, Rejected: append(formattest.BadMessages(), nil),
		Read: func(t *testing.T, file []byte) []string {
			if len(file) == 0 {
				return nil
			}
			return trim(lines(t, file))
		},
	}.Run)
}

func trim(rows []string) []string {
	for i := range rows {
		rows[i] = strings.TrimSpace(rows[i])
	}
	return rows
}

// writeFile writes payloads as one block to a file of the test.
func writeFile[P any](t testing.TB, name string, w format.Writer[P], payloads []P) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	var out bytes.Buffer
	if err := w.InitNew(&out); err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads {
		if n, err := w.Write(p); n != 1 || err != nil {
			t.Fatalf("payload %d: %d rows, %v", i, n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
