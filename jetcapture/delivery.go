package jetcapture

import (
	"strconv"
	"strings"
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
}

// parseDelivery reads the reply subject of a delivered message without allocating. It returns false for anything else.
func parseDelivery(reply string) (d delivery, ok bool) {
	if !strings.HasPrefix(reply, ackSubjectPrefix) {
		return d, false
	}
	long := isV2(reply)
	at, skip := 0, 4 // dots before the numbers
	if long {
		skip = 6
	}
	for ; skip > 0; skip-- {
		i := strings.IndexByte(reply[at:], '.')
		if i < 0 {
			return d, false
		}
		at += i + 1
	}
	d.route.prefix = reply[:at]
	rest := reply[at:]
	var timestamp uint64
	for i, field := range [...]*uint64{&d.numDelivered, &d.streamSeq, &d.consumerSeq, &timestamp, &d.numPending} {
		n := 0
		for n < len(rest) && '0' <= rest[n] && rest[n] <= '9' {
			*field = *field*10 + uint64(rest[n]-'0')
			n++
		}
		rest = rest[n:]
		if n == 0 || n > 20 {
			return d, false
		}
		if i < 4 {
			if rest == "" || rest[0] != '.' {
				return d, false
			}
			rest = rest[1:]
		}
	}
	if rest != "" && rest[0] != '@' && (rest[0] != '.' || !long) {
		return d, false
	}
	d.timestamp = int64(timestamp)
	d.route.tail = rest
	return d, d.streamSeq > 0
}

// isV2 tells the longer form by what follows the eighth dot: a number and another dot, where the shorter form ends.
func isV2(reply string) bool {
	dots := 0
	for i := range len(reply) {
		switch {
		case reply[i] == '.' && dots == 8:
			return true
		case reply[i] == '.':
			dots++
		case dots == 8 && (reply[i] < '0' || reply[i] > '9'):
			return false
		}
	}
	return false
}

func (d *delivery) ref() ackRef {
	return ackRef{streamSeq: d.streamSeq, consumerSeq: d.consumerSeq, numDelivered: d.numDelivered}
}

// subject appends the subject that acknowledges ref. The server reads the three numbers of ref alone, so the time and
// the pending count, which would cost 16 bytes a message to keep, are sent as zero.
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
