// Package acks knows delivered messages by their reply subjects, keeps many of them in little memory, and acknowledges them.
package acks

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A Delivery is one delivery of a message, as its reply subject describes it:
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>
//	$JS.ACK.<domain>.<account hash>.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>[.<token>]
//
// The server may append "@<subject>" or further tokens. They belong to the route and not to the message.
type Delivery struct {
	Route        Route
	NumDelivered uint64
	StreamSeq    uint64
	ConsumerSeq  uint64
	Timestamp    int64 // nanoseconds since 1970
	NumPending   uint64

	Epoch uint64 // in which it was delivered; the subject does not have it
}

// A Route is the part of an ack subject that all messages of a consumer have in common: Prefix stands before the numbers and ends in a
// dot, Tail follows them.
type Route struct {
	Prefix string
	Tail   string
}

// A Ref is all that is needed to acknowledge a message later, with its Route.
type Ref struct {
	StreamSeq    uint64
	ConsumerSeq  uint64
	NumDelivered uint64
	Timestamp    int64 // the server does not need it
}

// Message returns the sequence and the time, which together identify the message.
func (r Ref) Message() ledger.Message { return ledger.Message{Seq: r.StreamSeq, Time: r.Timestamp} }

// Parse parses the reply subject of a delivered message without allocating. It returns false for any other subject.
func Parse(reply string) (d Delivery, ok bool) {
	if !strings.HasPrefix(reply, jsapi.AckPrefix) {
		return d, false
	}
	at := skipTokens(reply, len(jsapi.AckPrefix), 2)
	if d.numbers(reply, at) && (d.Route.Tail == "" || d.Route.Tail[0] == '@') {
		return d, d.StreamSeq > 0
	}
	d = Delivery{} // more follows than the shorter form has: try the longer one
	at = skipTokens(reply, at, 2)
	if d.numbers(reply, at) && (d.Route.Tail == "" || d.Route.Tail[0] == '@' || d.Route.Tail[0] == '.') {
		return d, d.StreamSeq > 0
	}
	return d, false
}

// skipTokens skips so many tokens from at on, and returns where the next one begins, or -1.
func skipTokens(subject string, at, tokens int) int {
	for ; tokens > 0 && at >= 0; tokens-- {
		i := strings.IndexByte(subject[at:], '.')
		if i < 0 {
			return -1
		}
		at += i + 1
	}
	return at
}

// numbers reads the five numbers at at. The text before and after them is the route.
func (d *Delivery) numbers(reply string, at int) bool {
	if at < 0 {
		return false
	}
	d.Route.Prefix = reply[:at]
	var timestamp uint64
	for i, field := range [...]*uint64{&d.NumDelivered, &d.StreamSeq, &d.ConsumerSeq, &timestamp, &d.NumPending} {
		if i > 0 {
			if at >= len(reply) || reply[at] != '.' {
				return false
			}
			at++
		}
		begin, number := at, uint64(0)
		for at < len(reply) && '0' <= reply[at] && reply[at] <= '9' {
			number = number*10 + uint64(reply[at]-'0')
			at++
		}
		if at == begin || at-begin > 20 {
			return false
		}
		*field = number
	}
	d.Timestamp = int64(timestamp)
	d.Route.Tail = reply[at:]
	return true
}

// Ref returns the numbers that an ack needs.
func (d *Delivery) Ref() Ref {
	return Ref{StreamSeq: d.StreamSeq, ConsumerSeq: d.ConsumerSeq, NumDelivered: d.NumDelivered, Timestamp: d.Timestamp}
}

// Message returns the sequence and the time, which together identify the message.
func (d *Delivery) Message() ledger.Message {
	return ledger.Message{Seq: d.StreamSeq, Time: d.Timestamp}
}

// Alone returns Refs of this one message.
func (d *Delivery) Alone() (m Refs) {
	m.Add(d)
	return m
}

// Names returns the domain, "" if the reply subject has none, the stream and the consumer.
func (r *Route) Names() (domain, stream, consumer string) {
	names := strings.TrimSuffix(strings.TrimPrefix(r.Prefix, jsapi.AckPrefix), ".")
	names, consumer = cutLast(names)
	names, stream = cutLast(names)
	if domain, _ = cutLast(names); domain == "_" {
		domain = ""
	}
	return domain, stream, consumer
}

// cutLast splits the last token from those before it.
func cutLast(tokens string) (before, last string) {
	i := strings.LastIndexByte(tokens, '.')
	return tokens[:max(i, 0)], tokens[i+1:]
}

// Metadata returns the same metadata as the client parses from the reply subject.
func (d *Delivery) Metadata() nats.MsgMetadata {
	domain, stream, consumer := d.Route.Names()
	return nats.MsgMetadata{
		Sequence:     nats.SequencePair{Consumer: d.ConsumerSeq, Stream: d.StreamSeq},
		NumDelivered: d.NumDelivered,
		NumPending:   d.NumPending,
		Timestamp:    time.Unix(0, d.Timestamp),
		Stream:       stream,
		Consumer:     consumer,
		Domain:       domain,
	}
}

// NotDelivered returns the error for a message that no consumer delivered.
func NotDelivered(msg *nats.Msg) error {
	return fmt.Errorf("metadata of a message whose reply subject is %.100q: %w", msg.Reply, nats.ErrNotJSMessage)
}

// AppendSubject appends the subject that acknowledges ref. The server reads three of the numbers only, so the time and the pending
// count are sent as zero.
func (r *Route) AppendSubject(buf []byte, ref Ref) []byte {
	buf = append(buf, r.Prefix...)
	buf = strconv.AppendUint(buf, ref.NumDelivered, 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, ref.StreamSeq, 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, ref.ConsumerSeq, 10)
	buf = append(buf, ".0.0"...)
	return append(buf, r.Tail...)
}
