package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// A Stream is read to compare messages.
type Stream interface {
	// TimeOf returns the time of the message that has a sequence, in nanoseconds since 1970, ErrNoMessage or ErrMayNotLook.
	TimeOf(ctx context.Context, seq uint64) (int64, error)

	// State returns the state of the stream.
	State(ctx context.Context) (*jetstream.StreamState, error)
}

var (
	// ErrNoMessage means that the stream has no message with this sequence: it was deleted, or is still to come.
	ErrNoMessage = errors.New("the stream has no such message")

	// ErrMayNotLook means that asking again will not help.
	ErrMayNotLook = errors.New("the connection has no permission to read the stream")
)

// A Reader is a Stream that asks the leader. It makes no direct gets: a mirror may answer them that still has what the stream has lost.
type Reader struct {
	nc     *nats.Conn
	api    string
	stream string
}

const timeout = 2 * time.Second // of a request

// NewReader returns the Reader of a stream in a JetStream domain.
func NewReader(nc *nats.Conn, domain, stream string) *Reader {
	return &Reader{nc: nc, api: jsapi.Prefix(domain), stream: stream}
}

// TimeOf implements Stream.
func (r *Reader) TimeOf(ctx context.Context, seq uint64) (int64, error) {
	var answer struct {
		Message *struct {
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	err := r.ask(ctx, jsapi.StreamMessage, []byte(`{"seq":`+strconv.FormatUint(seq, 10)+`}`), &answer)
	if err != nil {
		return 0, fmt.Errorf("read message %d of stream %q: %w", seq, r.stream, err)
	}
	if answer.Message == nil {
		return 0, fmt.Errorf("read message %d of stream %q: the answer has none", seq, r.stream)
	}
	return answer.Message.Time.UnixNano(), nil
}

// State implements Stream.
func (r *Reader) State(ctx context.Context) (*jetstream.StreamState, error) {
	var answer struct {
		State *jetstream.StreamState `json:"state"`
	}
	if err := r.ask(ctx, jsapi.StreamInfo, nil, &answer); err != nil {
		return nil, fmt.Errorf("look up stream %q: %w", r.stream, err)
	}
	if answer.State == nil {
		return nil, fmt.Errorf("look up stream %q: the answer has no state", r.stream)
	}
	return answer.State, nil
}

func (r *Reader) ask(ctx context.Context, subject string, body []byte, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	msg, err := permission.Ask(ctx, r.nc, r.api+subject+r.stream, func(ctx context.Context) (*nats.Msg, error) {
		return r.nc.RequestWithContext(ctx, r.api+subject+r.stream, body)
	})
	switch {
	case errors.Is(err, permission.ErrMissing):
		return ErrMayNotLook
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
	case refused.Error.ErrorCode == jsapi.CodeMessageNotFound:
		return ErrNoMessage
	default:
		return refused.Error
	}
}
