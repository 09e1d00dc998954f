package jetcapture

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/jetcapture/internal/rawheaders"
)

const (
	deadLetterDir    = "_deadletter"
	deadLetterSuffix = ledgerfiles.LetterSuffix
)

// A DeadLetter is a message that could not be archived, as a line of JSON in a file under "_deadletter". Nothing of the
// message is missing from it.
type DeadLetter struct {
	Reason       string              `json:"reason"`
	Stage        string              `json:"stage"` // "headers", "decode", "destination key" or "write"
	Stream       string              `json:"stream"`
	Consumer     string              `json:"consumer"`
	StreamSeq    uint64              `json:"stream_seq"`
	ConsumerSeq  uint64              `json:"consumer_seq"`
	NumDelivered uint64              `json:"num_delivered"`
	Timestamp    time.Time           `json:"timestamp"` // of the message in the stream, to the nanosecond
	Subject      string              `json:"subject"`
	Headers      map[string][]string `json:"headers,omitempty"`
	Data         []byte              `json:"data"` // base64

	// Set only where the subject or a header is not valid UTF-8, which JSON cannot hold: their bytes in base64, headers
	// as pairs of name and value.
	SubjectBytes []byte      `json:"subject_bytes,omitempty"`
	HeaderBytes  [][2][]byte `json:"header_bytes,omitempty"`

	// Set only where the message's headers cannot be read: all bytes of them, in base64, from the version to the empty line.
	// Headers is what could be read then. If the stream did not give them either, Reason says so.
	HeaderBlock []byte `json:"header_block,omitempty"`
}

func newDeadLetterWriter() format.Writer[*DeadLetter] {
	return new(format.JSONLines[*DeadLetter])
}

func newDeadLetter(msg *nats.Msg, d *acks.Delivery, stream, consumer, stage string, reason error) *DeadLetter {
	letter := &DeadLetter{
		Reason: reason.Error(), Stage: stage,
		Stream: stream, Consumer: consumer,
		StreamSeq: d.StreamSeq, ConsumerSeq: d.ConsumerSeq, NumDelivered: d.NumDelivered,
		Timestamp: time.Unix(0, d.Timestamp).UTC(),
		Subject:   msg.Subject, Headers: msg.Header, Data: msg.Data,
	}
	if e, ok := errors.AsType[*rawheaders.Error](reason); ok {
		letter.HeaderBlock = e.Block
	}
	if !utf8.ValidString(msg.Subject) {
		letter.SubjectBytes = []byte(msg.Subject)
	}
	if !validHeaders(msg.Header) {
		for name, values := range msg.Header {
			for _, value := range values {
				letter.HeaderBytes = append(letter.HeaderBytes, [2][]byte{[]byte(name), []byte(value)})
			}
		}
	}
	return letter
}

func validHeaders(headers map[string][]string) bool {
	for name, values := range headers {
		if !utf8.ValidString(name) {
			return false
		}
		for _, value := range values {
			if !utf8.ValidString(value) {
				return false
			}
		}
	}
	return true
}
