package formattest

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/schema"
)

// Message is a payload that is its own raw message.
type Message format.RawMessage

// Raw returns the message.
func (m *Message) Raw() format.RawMessage { return format.RawMessage(*m) }

// Messages returns raw messages with rare values in each column: no headers, repeated ones, names that differ in case,
// data that is empty, any byte, or a megabyte, text from all over Unicode, the largest and smallest numbers and times.
func Messages() []*Message {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	at := time.Date(2026, 11, 23, 12, 15, 0, 123456789, time.UTC)
	messages := []*Message{
		{Subject: "orders.eu.1", Data: []byte(`{"id":1}`), NumDelivered: 1},
		{Subject: "orders.eu.2", Reply: "_INBOX.a b", Data: nil},
		{Subject: "orders.eu.3", Data: []byte{}, Headers: map[string][]string{}},
		{Subject: "bytes", Data: every, Headers: map[string][]string{
			"X-Many":  {"b", "a", "", "b"},
			"x-many":  {"other case"},
			"X-MANY":  {},
			"X-Empty": {""},
			"":        {"no name"},
		}},
		{Subject: "größe.日本.😀.\u2028", Reply: "ü", Data: []byte("é"), Headers: map[string][]string{
			"Ключ": {"значение", "line\r\nbreak", `"quoted", <html> & \`, "\x00\x01"},
		}},
		{Subject: "large", Data: bytes.Repeat(every, 4096), Headers: map[string][]string{
			"Big": {strings.Repeat("0123456789", 1000)},
		}},
		{
			Subject: "limits", StreamSeq: math.MaxInt64, ConsumerSeq: math.MaxInt64,
			NumDelivered: math.MaxInt64, NumPending: math.MaxInt64,
		},
		{Subject: "old", Timestamp: time.Unix(0, math.MinInt64)},
		{Subject: "new", Timestamp: time.Unix(0, math.MaxInt64)},
		{Subject: "before 1970", Timestamp: time.Unix(-1, 999_999_999)},
		{Subject: "elsewhere", Timestamp: at.In(time.FixedZone("", -5*3600))},
	}
	for i, m := range messages {
		if m.Stream == "" {
			m.Stream, m.Consumer = "ORDERS", "archive"
		}
		if m.StreamSeq == 0 {
			m.StreamSeq, m.ConsumerSeq = uint64(1000+i), uint64(1+i)
		}
		if m.Timestamp.IsZero() {
			m.Timestamp = at.Add(time.Duration(i) * time.Second)
		}
	}
	return messages
}

// BadMessages returns raw messages that every format rejects: text that is not UTF-8, numbers above int64, times out of range.
func BadMessages() []*Message {
	at := time.Date(2026, 11, 23, 12, 15, 0, 0, time.UTC)
	return []*Message{
		{Subject: "a\xffb", Timestamp: at},
		{Reply: "\xc3", Timestamp: at},
		{Headers: map[string][]string{"a\x80": {"v"}}, Timestamp: at},
		{Headers: map[string][]string{"A": {"v", "\xed\xa0\x80"}}, Timestamp: at},
		{Stream: "\xfe", Timestamp: at},
		{Consumer: "\xfe", Timestamp: at},
		{StreamSeq: math.MaxInt64 + 1, Timestamp: at},
		{ConsumerSeq: math.MaxUint64, Timestamp: at},
		{NumDelivered: math.MaxUint64, Timestamp: at},
		{NumPending: math.MaxUint64, Timestamp: at},
		{Timestamp: time.Time{}},
		{Timestamp: time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
}

// RawParquet returns the relation of raw messages in Parquet files, for FROM.
func RawParquet(glob string) string { return "read_parquet(" + Quote(glob) + ")" }

// RawCSV returns the relation of raw messages in CSV files, compressed or not, with the types they have in Parquet.
func RawCSV(glob string) string {
	return fmt.Sprintf(`(SELECT subject, reply, headers: json_transform(headers, '"MAP(VARCHAR, VARCHAR[])"'),
		data: from_base64(coalesce(data, '')), stream, consumer, stream_seq, consumer_seq, timestamp, timestamp_ns,
		num_delivered, num_pending
		FROM read_csv(%s, header=true, auto_detect=false, delim=',', quote='"', escape='"', max_line_size=100000000,
		strict_mode=true, columns={subject: 'VARCHAR', reply: 'VARCHAR', headers: 'JSON', data: 'VARCHAR', stream: 'VARCHAR',
		consumer: 'VARCHAR', stream_seq: 'BIGINT', consumer_seq: 'BIGINT', timestamp: 'TIMESTAMPTZ', timestamp_ns: 'BIGINT',
		num_delivered: 'BIGINT', num_pending: 'BIGINT'}))`, Quote(glob))
}

// RawNDJSON returns the relation of raw messages in NDJSON files, compressed or not, with the types they have in Parquet.
func RawNDJSON(glob string) string {
	return fmt.Sprintf(`(SELECT * REPLACE (from_base64(data) AS data, timestamp::TIMESTAMPTZ AS timestamp)
		FROM read_json(%s, format='newline_delimited', maximum_object_size=100000000,
		columns={subject: 'VARCHAR', reply: 'VARCHAR', headers: 'MAP(VARCHAR, VARCHAR[])', data: 'VARCHAR', stream: 'VARCHAR',
		consumer: 'VARCHAR', stream_seq: 'BIGINT', consumer_seq: 'BIGINT', timestamp: 'VARCHAR', timestamp_ns: 'BIGINT',
		num_delivered: 'BIGINT', num_pending: 'BIGINT'}))`, Quote(glob))
}

// CheckRaw fails the test for every column of every row of the relation (see RawParquet) that differs from the message in its place,
// byte for byte.
func CheckRaw[M format.RawMessager](t *testing.T, duck *Duck, relation string, messages []M) {
	t.Helper()
	n := 0
	duck.Each("SELECT "+strings.Join(format.RawColumns(), ", ")+" FROM "+relation, func(row []any) {
		if n++; n > len(messages) {
			return
		}
		m := messages[n-1].Raw()
		for i, want := range RawRow(m) {
			if !reflect.DeepEqual(row[i], want) {
				t.Errorf("row %d, %s: %.300v, want %.300v", n, format.RawColumns()[i], row[i], want)
			}
		}
	})
	if n != len(messages) {
		t.Errorf("%d rows instead of %d in %s", n, len(messages), relation)
	}
}

// RawRow returns the columns of m as Duck returns them.
func RawRow(m format.RawMessage) []any {
	var reply any
	if m.Reply != "" {
		reply = m.Reply
	}
	headers := []Entry{}
	for name, values := range m.Headers {
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = v
		}
		headers = append(headers, Entry{name, list})
	}
	slices.SortFunc(headers, func(a, b Entry) int { return strings.Compare(a.Key.(string), b.Key.(string)) })
	return []any{
		m.Subject, reply, headers, append([]byte{}, m.Data...), m.Stream, m.Consumer,
		int64(m.StreamSeq), int64(m.ConsumerSeq), time.UnixMicro(m.Timestamp.UnixMicro()).UTC(), m.Timestamp.UnixNano(),
		int64(m.NumDelivered), int64(m.NumPending),
	}
}

// CanonicalRaw returns the columns of m in canonical values, as Readers return them.
func CanonicalRaw(m format.RawMessage) Struct {
	row := make(Struct, 0, len(format.RawColumns()))
	for i, v := range RawRow(m) {
		row = append(row, Field{format.RawColumns()[i], canonicalRaw(v)})
	}
	return row
}

func canonicalRaw(v any) any {
	switch v := v.(type) {
	case string:
		return Text(v)
	case []byte:
		return Bytes(v)
	case int64:
		return I(v)
	case time.Time:
		return Timestamp{v.UnixMicro(), schema.Micros, true}
	case []any:
		list := make(List, len(v))
		for i := range v {
			list[i] = canonicalRaw(v[i])
		}
		return list
	case []Entry:
		entries := make(Map, len(v))
		for i, e := range v {
			entries[i] = Entry{canonicalRaw(e.Key), canonicalRaw(e.Value)}
		}
		return entries
	}
	return v
}
