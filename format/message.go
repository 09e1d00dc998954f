package format

import (
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

// RawMessage is a message of a JetStream stream, to be archived whole, without decoding its data. It is one row of these columns,
// which are the same in every format and do not change:
//
//	subject        string
//	reply          string, null if Reply is ""
//	headers        map of string to list of string, names sorted, case kept; empty, not null, if there are none
//	data           bytes, never null
//	stream         string
//	consumer       string
//	stream_seq     int64
//	consumer_seq   int64
//	timestamp      UTC, microseconds, rounded down
//	timestamp_ns   int64, nanoseconds since the Unix epoch
//	num_delivered  int64
//	num_pending    int64
//
// NATS does not distinguish a message without headers from one with an empty header block. So an empty map loses nothing, and
// readers need not handle null.
type RawMessage struct {
	Subject      string
	Reply        string              // "" if there is none
	Headers      map[string][]string // names unchanged, values in their order
	Data         []byte
	Stream       string
	Consumer     string
	StreamSeq    uint64
	ConsumerSeq  uint64
	Timestamp    time.Time // when the stream stored it
	NumDelivered uint64    // 1 at the first delivery
	NumPending   uint64    // messages that the consumer had still to deliver after this one
}

// A RawMessager is a payload that is archived as the message that it came in.
type RawMessager interface {
	// Raw returns the message. It may share memory with the payload.
	Raw() RawMessage
}

var rawColumns = []string{
	"subject", "reply", "headers", "data", "stream", "consumer", "stream_seq", "consumer_seq",
	"timestamp", "timestamp_ns", "num_delivered", "num_pending",
}

// RawColumns returns the names of a RawMessage's columns in their order.
func RawColumns() []string { return slices.Clone(rawColumns) }

var (
	firstTime = time.Unix(0, math.MinInt64)
	lastTime  = time.Unix(0, math.MaxInt64)
)

// Validate returns an error, which names the column, for a message that the columns cannot hold unchanged: one with text
// that is not UTF-8, a number above math.MaxInt64, or a time that is not within the years 1678 to 2261.
//
// NATS allows any bytes in subjects and headers. JSON would silently replace bytes that are not UTF-8, and DuckDB refuses a whole
// Parquet file for one such text.
func (m *RawMessage) Validate() error {
	for _, text := range [...]struct{ column, value string }{
		{"subject", m.Subject}, {"reply", m.Reply}, {"stream", m.Stream}, {"consumer", m.Consumer},
	} {
		if !utf8.ValidString(text.value) {
			return fmt.Errorf("column %s: %.200q is not UTF-8", text.column, text.value)
		}
	}
	for name, values := range m.Headers {
		if !utf8.ValidString(name) {
			return fmt.Errorf("column headers: the name %.200q is not UTF-8", name)
		}
		for _, value := range values {
			if !utf8.ValidString(value) {
				return fmt.Errorf("column headers: %.200q of %q is not UTF-8", value, name)
			}
		}
	}
	for _, number := range [...]struct {
		column string
		value  uint64
	}{
		{"stream_seq", m.StreamSeq},
		{"consumer_seq", m.ConsumerSeq},
		{"num_delivered", m.NumDelivered},
		{"num_pending", m.NumPending},
	} {
		if number.value > math.MaxInt64 {
			return fmt.Errorf("column %s: %d is above the largest int64", number.column, number.value)
		}
	}
	if m.Timestamp.Before(firstTime) || m.Timestamp.After(lastTime) {
		return fmt.Errorf("column timestamp_ns: %s is out of range: nanoseconds since 1970 do not fit in an int64", m.Timestamp.UTC().Format(time.RFC3339))
	}
	return nil
}
