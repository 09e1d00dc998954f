package format

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// NewRawCSV returns a Writer that makes one row of CSV of each payload, with the columns of RawMessage and a header line: headers
// as a JSON object of arrays, data in base64 (standard, padded), timestamp as 2006-01-02T15:04:05.000000Z. An
// empty reply is an empty field.
//
// Write rejects a message with the error of RawMessage.Validate. The Writer is a Bufferer and a Spiller.
func NewRawCSV[P RawMessager]() Writer[P] {
	return NewCSVWriter(rawColumns, func(payload P) ([][]string, error) {
		m := payload.Raw()
		if err := m.Validate(); err != nil {
			return nil, err
		}
		headers, err := headersJSON(m.Headers)
		if err != nil {
			return nil, err
		}
		return [][]string{{
			m.Subject,
			m.Reply,
			headers,
			base64.StdEncoding.EncodeToString(m.Data),
			m.Stream,
			m.Consumer,
			strconv.FormatUint(m.StreamSeq, 10),
			strconv.FormatUint(m.ConsumerSeq, 10),
			m.Timestamp.UTC().Format("2006-01-02T15:04:05.000000Z"),
			strconv.FormatInt(m.Timestamp.UnixNano(), 10),
			strconv.FormatUint(m.NumDelivered, 10),
			strconv.FormatUint(m.NumPending, 10),
		}}, nil
	})
}

func headersJSON(headers map[string][]string) (string, error) {
	if len(headers) == 0 {
		return "{}", nil
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(noNilValues(headers)); err != nil {
		return "", err
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

// NewRawNDJSON returns a Writer that makes one line of JSON of each payload, with the columns of RawMessage: headers as an
// object of arrays, data in base64 (standard, padded), timestamp in RFC 3339 with nanoseconds, reply null if there is
// none.
//
// Write rejects a message with the error of RawMessage.Validate. The Writer is a Bufferer and a Spiller.
func NewRawNDJSON[P RawMessager]() Writer[P] { return new(rawNDJSON[P]) }

type rawNDJSON[P RawMessager] struct {
	rowBuffer
}

// rawLine has the columns of RawMessage in their order.
type rawLine struct {
	Subject      string              `json:"subject"`
	Reply        *string             `json:"reply"`
	Headers      map[string][]string `json:"headers"`
	Data         []byte              `json:"data"`
	Stream       string              `json:"stream"`
	Consumer     string              `json:"consumer"`
	StreamSeq    uint64              `json:"stream_seq"`
	ConsumerSeq  uint64              `json:"consumer_seq"`
	Timestamp    string              `json:"timestamp"`
	TimestampNS  int64               `json:"timestamp_ns"`
	NumDelivered uint64              `json:"num_delivered"`
	NumPending   uint64              `json:"num_pending"`
}

// Columns returns RawColumns.
func (w *rawNDJSON[P]) Columns() []string { return RawColumns() }

// Suffix returns "ndjson".
func (w *rawNDJSON[P]) Suffix() string { return "ndjson" }

func (w *rawNDJSON[P]) Write(payload P) (rows int, err error) {
	m := payload.Raw()
	if err := m.Validate(); err != nil {
		return 0, err
	}
	line := rawLine{
		Subject: m.Subject, Headers: noNilValues(m.Headers), Data: m.Data,
		Stream: m.Stream, Consumer: m.Consumer, StreamSeq: m.StreamSeq, ConsumerSeq: m.ConsumerSeq,
		Timestamp: m.Timestamp.UTC().Format(time.RFC3339Nano), TimestampNS: m.Timestamp.UnixNano(),
		NumDelivered: m.NumDelivered, NumPending: m.NumPending,
	}
	if m.Reply != "" {
		line.Reply = &m.Reply
	}
	if line.Data == nil {
		line.Data = []byte{}
	}
	return w.addJSON(&line)
}

// noNilValues returns headers without nil, which JSON would turn into null.
func noNilValues(headers map[string][]string) map[string][]string {
	nils := headers == nil
	for _, values := range headers {
		nils = nils || values == nil
	}
	if !nils {
		return headers
	}
	full := make(map[string][]string, len(headers))
	for name, values := range headers {
		full[name] = append([]string{}, values...)
	}
	return full
}
