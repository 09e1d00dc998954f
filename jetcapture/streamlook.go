package jetcapture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A streamLook reads what a stream says of itself now.
type streamLook interface {
	// timeOf returns the time of the message that has a sequence, or errNoMessage.
	timeOf(ctx context.Context, seq uint64) (int64, error)

	state(ctx context.Context) (*jetstream.StreamState, error)
}

var (
	// errNoMessage means that the stream has no message with a sequence: it was deleted, or is still to come.
	errNoMessage = errors.New("the stream has no such message")

	// errMayNotLook means that asking again will not help.
	errMayNotLook = errors.New("the connection has no permission to read the stream")
)

// A streamReader asks the leader of a stream. A direct get would not do, since a mirror may answer it that still has what the
// stream has lost.
type streamReader struct {
	nc     *nats.Conn
	api    string
	stream string
}

const (
	streamLookTimeout    = 2 * time.Second
	codeMessageNotFound  = 10037
	streamMessageSubject = ".STREAM.MSG.GET."
	streamInfoSubject    = ".STREAM.INFO."
)

func newStreamReader(nc *nats.Conn, domain, stream string) *streamReader {
	return &streamReader{nc: nc, api: apiPrefix(domain), stream: stream}
}

func (r *streamReader) timeOf(ctx context.Context, seq uint64) (int64, error) {
	var answer struct {
		Message *struct {
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	err := r.ask(ctx, streamMessageSubject, []byte(`{"seq":`+strconv.FormatUint(seq, 10)+`}`), &answer)
	if err != nil {
		return 0, fmt.Errorf("read message %d of stream %q: %w", seq, r.stream, err)
	}
	if answer.Message == nil {
		return 0, fmt.Errorf("read message %d of stream %q: the answer has none", seq, r.stream)
	}
	return answer.Message.Time.UnixNano(), nil
}

func (r *streamReader) state(ctx context.Context) (*jetstream.StreamState, error) {
	var answer struct {
		State *jetstream.StreamState `json:"state"`
	}
	if err := r.ask(ctx, streamInfoSubject, nil, &answer); err != nil {
		return nil, fmt.Errorf("look up stream %q: %w", r.stream, err)
	}
	if answer.State == nil {
		return nil, fmt.Errorf("look up stream %q: the answer has no state", r.stream)
	}
	return answer.State, nil
}

func (r *streamReader) ask(ctx context.Context, subject string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, streamLookTimeout)
	defer cancel()
	msg, err := permitted(ctx, r.nc, r.api+subject+r.stream, func(ctx context.Context) (*nats.Msg, error) {
		return r.nc.RequestWithContext(ctx, r.api+subject+r.stream, body)
	})
	switch {
	case errors.Is(err, ErrPermission):
		return errMayNotLook
	case err != nil:
		return err
	}
	var refused struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(msg.Data, &refused); err != nil {
		return err
	}
	switch {
	case refused.Error == nil:
		return json.Unmarshal(msg.Data, answer)
	case refused.Error.ErrorCode == codeMessageNotFound:
		return errNoMessage
	default:
		return refused.Error
	}
}
