package jetcapture

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

const ackSubjectPrefix = "$JS.ACK."

// A delivery is what the reply subject of a delivered message says:
//
//	$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>
//	$JS.ACK.<domain>.<account hash>.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time ns>.<pending>[.<token>]
//
// The server may put "@<subject>" or further tokens behind it, which belong to the route and not to the message.
type delivery struct {
	route        ackRoute
	numDelivered uint64
	streamSeq    uint64
	consumerSeq  uint64
	timestamp    int64 // nanoseconds since 1970
	numPending   uint64

	epoch uint64 // in which it came, which the subject does not say
}

// An ackRoute is the part of an ack subject that all messages of a consumer have in common: what stands before the
// numbers (ending in a dot) and what follows them.
type ackRoute struct {
	prefix string
	tail   string
}

// An ackRef is all that is needed to acknowledge a message later, beside its ackRoute.
type ackRef struct {
	streamSeq    uint64
	consumerSeq  uint64
	numDelivered uint64
	timestamp    int64 // which the server does not need
}

// message returns what tells it from all others.
func (r ackRef) message() ledger.Message { return ledger.Message{Seq: r.streamSeq, Time: r.timestamp} }

// parseDelivery reads the reply subject of a delivered message without allocating. It returns false for anything else.
func parseDelivery(reply string) (d delivery, ok bool) {
	if !strings.HasPrefix(reply, ackSubjectPrefix) {
		return d, false
	}
	at := skipTokens(reply, len(ackSubjectPrefix), 2)
	if d.numbers(reply, at) && (d.route.tail == "" || d.route.tail[0] == '@') {
		return d, d.streamSeq > 0
	}
	d = delivery{} // the longer form, as more follows than the shorter has
	at = skipTokens(reply, at, 2)
	if d.numbers(reply, at) && (d.route.tail == "" || d.route.tail[0] == '@' || d.route.tail[0] == '.') {
		return d, d.streamSeq > 0
	}
	return d, false
}

// skipTokens returns where the token begins that comes so many after the one at at, or -1.
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

// numbers reads the five numbers at at, and takes what is before and behind them for the route.
func (d *delivery) numbers(reply string, at int) bool {
	if at < 0 {
		return false
	}
	d.route.prefix = reply[:at]
	var timestamp uint64
	for i, field := range [...]*uint64{&d.numDelivered, &d.streamSeq, &d.consumerSeq, &timestamp, &d.numPending} {
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
	d.timestamp = int64(timestamp)
	d.route.tail = reply[at:]
	return true
}

func (d *delivery) ref() ackRef {
	return ackRef{streamSeq: d.streamSeq, consumerSeq: d.consumerSeq, numDelivered: d.numDelivered, timestamp: d.timestamp}
}

// message returns what tells it from all others.
func (d *delivery) message() ledger.Message {
	return ledger.Message{Seq: d.streamSeq, Time: d.timestamp}
}

// alone returns the one message.
func (d *delivery) alone() (m messageRefs) {
	m.add(d)
	return m
}

// names returns the domain, "" if the reply subject has none, the stream and the consumer.
func (r *ackRoute) names() (domain, stream, consumer string) {
	names := strings.TrimSuffix(strings.TrimPrefix(r.prefix, ackSubjectPrefix), ".")
	names, consumer = cutLast(names)
	names, stream = cutLast(names)
	if domain, _ = cutLast(names); domain == "_" {
		domain = ""
	}
	return domain, stream, consumer
}

// cutLast parts the last token from those before it.
func cutLast(tokens string) (before, last string) {
	i := strings.LastIndexByte(tokens, '.')
	return tokens[:max(i, 0)], tokens[i+1:]
}

// metadata returns what the client makes of the same reply subject.
func (d *delivery) metadata() nats.MsgMetadata {
	domain, stream, consumer := d.route.names()
	return nats.MsgMetadata{
		Sequence:     nats.SequencePair{Consumer: d.consumerSeq, Stream: d.streamSeq},
		NumDelivered: d.numDelivered,
		NumPending:   d.numPending,
		Timestamp:    time.Unix(0, d.timestamp),
		Stream:       stream,
		Consumer:     consumer,
		Domain:       domain,
	}
}

// notDelivered is the error of a message that no consumer delivered.
func notDelivered(msg *nats.Msg) error {
	return fmt.Errorf("metadata of a message whose reply subject is %.100q: %w", msg.Reply, nats.ErrNotJSMessage)
}

// subject appends the subject that acknowledges ref. The server reads three numbers of ref alone, so the time and the
// pending count are sent as zero.
func (r *ackRoute) subject(buf []byte, ref ackRef) []byte {
	buf = append(buf, r.prefix...)
	buf = strconv.AppendUint(buf, ref.numDelivered, 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, ref.streamSeq, 10)
	buf = append(buf, '.')
	buf = strconv.AppendUint(buf, ref.consumerSeq, 10)
	buf = append(buf, ".0.0"...)
	return append(buf, r.tail...)
}
