// Package rawheaders restores headers that the client has dropped.
//
// The client drops headers that it cannot parse: the whole block if one line is malformed, lines without a name, all that follows an empty
// line, blanks in front of a value. It does not report that, but the size of the message counts all bytes of the block.
//
// Missing notices a message whose headers are fewer bytes than the block that came. Source.Restore fetches the block from the stream. If
// it can be parsed without a loss, its headers replace those of the client. Otherwise the message is to become a dead letter with the
// block.
//
// Two cases cannot be told by sizes and keep the client's headers: which blank follows the colon of a name, if one does, and a block of
// which the client has dropped no more bytes than there are lines without a blank after the colon.
package rawheaders

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

const (
	timeout    = time.Second // of one request for a message
	attempts   = 3
	pauseFirst = 10 * time.Second // without requests after one that was not answered; twice as long after the next
	pauseMax   = 5 * time.Minute

	version = "NATS/1.0"
)

// A Source fetches header blocks from a stream. One goroutine may use it.
type Source struct {
	nc      *nats.Conn
	subject string        // to ask the stream for a message
	timeout time.Duration // of one request

	notBefore time.Time     // no request earlier, after one that was not answered
	pause     time.Duration // the length of that pause
	lastErr   error         // its cause
}

// An Error says why headers of a message are not known.
type Error struct {
	Block  []byte // the header block in the stream, nil if it could not be read
	reason string
	cause  error // may be nil
}

// Error implements error.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.reason
	}
	return e.reason + ": " + e.cause.Error()
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.cause }

// ErrLater is the error of Restore while there is no connection: the message must be delivered again.
var ErrLater = errors.New("the header block cannot be read without a connection")

// New returns the Source of a stream in a JetStream domain.
func New(nc *nats.Conn, domain, stream string) *Source {
	return &Source{nc: nc, subject: jsapi.Prefix(domain) + jsapi.StreamMessage + stream, timeout: timeout}
}

// Missing reports whether the client has dropped some of the message's headers. It does not allocate.
func Missing(msg *nats.Msg) bool {
	came := headerSize(msg)
	if came == 0 {
		return false
	}
	if msg.Header == nil {
		return true // it could not be parsed
	}
	usual := len(version) + 2*len("\r\n") // bytes of the block, as most publishers write it
	for name, values := range msg.Header {
		for _, value := range values {
			usual += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return came > usual // less came if there is no blank behind colons: some publishers never write one
}

// headerSize returns the bytes of the header block that came with the message.
func headerSize(msg *nats.Msg) int {
	return msg.Size() - len(msg.Subject) - len(msg.Reply) - len(msg.Data)
}

// Restore sets the headers of a message, of which some are missing, from the block in the stream. With an error it leaves them unchanged:
// ErrLater, or an *Error.
func (r *Source) Restore(msg *nats.Msg, d *acks.Delivery, now time.Time) error {
	block, err := r.fetch(d, now)
	switch {
	case errors.Is(err, ErrLater):
		return err
	case err != nil:
		return &Error{
			reason: "the client dropped part of the header block, and the block could not be read from the stream", cause: err,
		}
	}
	headers, err := parseHeaders(block)
	switch {
	case err != nil:
		return &Error{Block: block, reason: "the header block cannot be read", cause: err}
	case len(block) != headerSize(msg):
		return &Error{Block: block, reason: fmt.Sprintf("the header block has %d bytes, and %d of them came: "+
			"the consumer does not deliver messages as they are in the stream", len(block), headerSize(msg))}
	}
	msg.Header = headers
	return nil
}

// fetch reads the header block of a delivered message from the stream.
func (r *Source) fetch(d *acks.Delivery, now time.Time) (block []byte, err error) {
	if now.Before(r.notBefore) {
		return nil, fmt.Errorf("not asked for, since the last request failed: %w", r.lastErr)
	}
	for i := range attempts {
		if i > 0 {
			time.Sleep(r.timeout / 4) // the servers may be electing a leader, and say so at once
		}
		if !r.nc.IsConnected() {
			return nil, ErrLater
		}
		var final bool
		if block, final, err = r.request(d); final {
			r.pause = 0
			return block, err
		}
	}
	r.pause = min(max(2*r.pause, pauseFirst), pauseMax)
	r.notBefore, r.lastErr = time.Now().Add(r.pause), err
	return nil, err
}

// request asks once. final says that another request would have the same result.
func (r *Source) request(d *acks.Delivery) (block []byte, final bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	answer, err := permission.Ask(ctx, r.nc, r.subject, func(ctx context.Context) (*nats.Msg, error) {
		return r.nc.RequestWithContext(ctx, r.subject, []byte(`{"seq":`+strconv.FormatUint(d.StreamSeq, 10)+`}`))
	})
	if err != nil {
		return nil, false, fmt.Errorf("request on %s: %w", r.subject, err)
	}
	var found struct {
		Error *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
		Message struct {
			Header []byte    `json:"hdrs"`
			Time   time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &found); err != nil {
		return nil, true, fmt.Errorf("answer on %s: %w", r.subject, err)
	}
	switch e := found.Error; {
	case e != nil:
		final = e.Code == jsapi.CodeMessageNotFound || e.Code == jsapi.CodeStreamNotFound
		return nil, final, fmt.Errorf("answer on %s: %s (%d)", r.subject, e.Description, e.Code)
	case found.Message.Time.UnixNano() != d.Timestamp:
		return nil, true, fmt.Errorf("answer on %s: the message with this sequence is of %v now: it is another", r.subject,
			found.Message.Time)
	case len(found.Message.Header) == 0:
		return nil, true, fmt.Errorf("answer on %s: the message has no headers", r.subject)
	}
	return found.Message.Header, true, nil
}

// parseHeaders parses a header block. It returns an error if part of the block would be lost. The first blank after a colon is not part of
// the value.
func parseHeaders(block []byte) (nats.Header, error) {
	line, rest, ok := cutLine(block)
	if !ok || string(line) != version {
		return nil, fmt.Errorf("it does not begin with a line %s", version)
	}
	headers := make(nats.Header)
	for {
		if line, rest, ok = cutLine(rest); !ok {
			return nil, errors.New("it does not end with an empty line")
		}
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			return nil, fmt.Errorf("there is no colon in the line %.100q", line)
		}
		if len(name) == 0 {
			return nil, fmt.Errorf("there is no name in the line %.100q", line)
		}
		if len(value) > 0 && (value[0] == ' ' || value[0] == '\t') {
			value = value[1:]
		}
		headers[string(name)] = append(headers[string(name)], string(value))
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow its empty line", len(rest))
	}
	return headers, nil
}

// cutLine returns the first line of text without its end.
func cutLine(text []byte) (line, rest []byte, ok bool) {
	if line, rest, ok = bytes.Cut(text, []byte{'\n'}); !ok {
		return nil, text, false
	}
	return bytes.TrimSuffix(line, []byte{'\r'}), rest, true
}
