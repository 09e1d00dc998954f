package jetcapture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	headerTimeout  = time.Second // of one request for a message
	headerAttempts = 3
	headerPause    = 10 * time.Second // without requests after one that nobody answered; twice as long after the next
	headerPauseMax = 5 * time.Minute

	headerVersion = "NATS/1.0"

	codeStreamNotFound = 10059
)

// The client drops what it does not understand of a message's headers: the whole block if one line is not as it should be,
// lines without a name, all behind an empty line, blanks in front of a value. It says so nowhere in the message, but the
// message's size still counts all bytes of the block.
//
// rawHeaders notices a message whose headers are fewer bytes than the block that came, and fetches the block from the stream.
// Headers that it can read there without losing anything replace those of the client. The block of any other message belongs
// in a dead letter.
//
// Two things are left as the client has them, as sizes do not tell: which blank follows the colon of a name, if one does, and
// a block in which the client dropped no more bytes than there are lines without a blank behind the colon.
//
// Only the loop uses it.
type rawHeaders struct {
	nc      *nats.Conn
	subject string        // to ask the stream for a message
	timeout time.Duration // of one request

	notBefore time.Time     // the earliest next request, after one that nobody answered
	pause     time.Duration // how long requests pause then
	lastErr   error         // why they pause
}

// A headerError is why headers of a message are not known. block is what the stream has of them, nil if it could not be read.
type headerError struct {
	block  []byte
	reason string
	cause  error // may be nil
}

func (e *headerError) Error() string {
	if e.cause == nil {
		return e.reason
	}
	return e.reason + ": " + e.cause.Error()
}

func (e *headerError) Unwrap() error { return e.cause }

// errHeadersLater is the error of restore when the message must be delivered again, as there is no connection.
var errHeadersLater = errors.New("the header block cannot be read without a connection")

func newRawHeaders(nc *nats.Conn, domain, stream string) *rawHeaders {
	return &rawHeaders{nc: nc, subject: apiPrefix(domain) + ".STREAM.MSG.GET." + stream, timeout: headerTimeout}
}

// missesHeaders reports whether the client has dropped something of the message's headers.
func missesHeaders(msg *nats.Msg) bool {
	came := headerSize(msg)
	if came == 0 {
		return false
	}
	if msg.Header == nil {
		return true // it could not be parsed
	}
	usual := len(headerVersion) + 2*len("\r\n") // bytes of the block, as it is usually written
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

// restore sets the headers of a message, of which some are missing, from the block in the stream. The error is
// errHeadersLater, or a *headerError; the headers are as they were then.
func (r *rawHeaders) restore(msg *nats.Msg, d *delivery, now time.Time) error {
	block, err := r.fetch(d, now)
	switch {
	case errors.Is(err, errHeadersLater):
		return err
	case err != nil:
		return &headerError{
			reason: "the client dropped part of the header block, and the block could not be read from the stream", cause: err,
		}
	}
	headers, err := parseHeaders(block)
	switch {
	case err != nil:
		return &headerError{block: block, reason: "the header block cannot be read", cause: err}
	case len(block) != headerSize(msg):
		return &headerError{block: block, reason: fmt.Sprintf("the header block has %d bytes, and %d of them came: "+
			"the consumer does not deliver messages as they are in the stream", len(block), headerSize(msg))}
	}
	msg.Header = headers
	return nil
}

// fetch reads the header block of a delivered message from the stream.
func (r *rawHeaders) fetch(d *delivery, now time.Time) (block []byte, err error) {
	if now.Before(r.notBefore) {
		return nil, fmt.Errorf("not asked for, since the last request failed: %w", r.lastErr)
	}
	for i := range headerAttempts {
		if i > 0 {
			time.Sleep(r.timeout / 4) // the servers may be electing a leader, and say so at once
		}
		if !r.nc.IsConnected() {
			return nil, errHeadersLater
		}
		var final bool
		if block, final, err = r.request(d); final {
			r.pause = 0
			return block, err
		}
	}
	r.pause = min(max(2*r.pause, headerPause), headerPauseMax)
	r.notBefore, r.lastErr = time.Now().Add(r.pause), err
	return nil, err
}

// request asks once. final says that another request would bring the same.
func (r *rawHeaders) request(d *delivery) (block []byte, final bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout)
	defer cancel()
	answer, err := permitted(ctx, r.nc, r.subject, func(ctx context.Context) (*nats.Msg, error) {
		return r.nc.RequestWithContext(ctx, r.subject, []byte(`{"seq":`+strconv.FormatUint(d.streamSeq, 10)+`}`))
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
		final = e.Code == codeMessageNotFound || e.Code == codeStreamNotFound
		return nil, final, fmt.Errorf("answer on %s: %s (%d)", r.subject, e.Description, e.Code)
	case found.Message.Time.UnixNano() != d.timestamp:
		return nil, true, fmt.Errorf("answer on %s: the message with this sequence is of %v now: it is another", r.subject,
			found.Message.Time)
	case len(found.Message.Header) == 0:
		return nil, true, fmt.Errorf("answer on %s: the message has no headers", r.subject)
	}
	return found.Message.Header, true, nil
}

// parseHeaders reads a header block of which nothing is lost by that, or returns what cannot be kept. Of the blanks behind a
// colon the first is no part of the value.
func parseHeaders(block []byte) (nats.Header, error) {
	line, rest, ok := cutLine(block)
	if !ok || string(line) != headerVersion {
		return nil, fmt.Errorf("it does not begin with a line %s", headerVersion)
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
