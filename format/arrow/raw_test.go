package arrow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/format/formattest"
)

func rawFactory(t testing.TB, o arrow.Options) func() format.Writer[*formattest.Message] {
	t.Helper()
	newWriter, err := arrow.RawWriters[*formattest.Message](o)
	if err != nil {
		t.Fatal(err)
	}
	return newWriter
}

func TestRawWritersConform(t *testing.T) {
	for name, o := range map[string]arrow.Options{"file": {BatchRows: 4}, "stream": {Stream: true, Codec: arrow.Zstd}} {
		t.Run(name, func(t *testing.T) {
			formattest.Suite[*formattest.Message]{
				New:      rawFactory(t, o),
				Payloads: formattest.Messages(),
				Rejected: formattest.BadMessages(),
				Read:     func(t *testing.T, file []byte) []string { return read(t, file).text() },
			}.Run(t)
		})
	}
}

func TestRawMessagesAreWhatTheyWere(t *testing.T) {
	messages := formattest.Messages()
	file := read(t, encoded(t, rawFactory(t, arrow.Options{})(), messages...))
	var names []string
	for _, f := range file.schema.Fields() {
		names = append(names, f.Name)
	}
	if !slices.Equal(names, format.RawColumns()) {
		t.Errorf("the columns are %q", names)
	}
	rows := file.rows()
	if len(rows) != len(messages) {
		t.Fatalf("%d rows of %d messages", len(rows), len(messages))
	}
	for i, m := range messages {
		if got, want := fmt.Sprintf("%q", rows[i]), fmt.Sprintf("%q", rawRow(m)); got != want {
			t.Errorf("row %d is\n%.2000s\nwant\n%.2000s", i, got, want)
		}
	}
}

// rawRow returns the columns of a message as batches.rows has them.
func rawRow(m *formattest.Message) []any {
	var reply any
	if m.Reply != "" {
		reply = m.Reply
	}
	names := []string{}
	for name := range m.Headers {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	headers := []any{}
	for _, name := range names {
		values := []any{}
		for _, v := range m.Headers[name] {
			values = append(values, v)
		}
		headers = append(headers, name, values)
	}
	return []any{
		m.Subject, reply, headers, string(m.Data), m.Stream, m.Consumer,
		fmt.Sprint(m.StreamSeq), fmt.Sprint(m.ConsumerSeq), fmt.Sprint(m.Timestamp.UnixMicro()), fmt.Sprint(m.Timestamp.UnixNano()),
		fmt.Sprint(m.NumDelivered), fmt.Sprint(m.NumPending),
	}
}
