package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A sampler pulls the messages of an ephemeral consumer without acks. It tells messages from the server's answers by their reply subjects,
// because a publisher may write any header and payload.
type sampler struct {
	nc       *nats.Conn
	stream   jetstream.Stream
	consumer string
	subject  string // of requests
	inbox    string
	sub      *nats.Subscription
	messages chan *nats.Msg
	batch    int
	left     int       // of the request
	until    time.Time // when the request has expired
}

// sampleExpires is the longest expiry of a request.
const sampleExpires = 30 * time.Second

func newSampler(nc *nats.Conn, domain string, stream jetstream.Stream, consumer string, batch int) (*sampler, error) {
	prefix := "$JS.API"
	if domain != "" {
		prefix = "$JS." + domain + ".API"
	}
	s := &sampler{
		nc: nc, stream: stream, consumer: consumer, batch: batch, inbox: nc.NewInbox(),
		subject:  prefix + ".CONSUMER.MSG.NEXT." + stream.CachedInfo().Config.Name + "." + consumer,
		messages: make(chan *nats.Msg, 4*batch+100), // room for the messages of a few requests
	}
	sub, err := nc.ChanSubscribe(s.inbox, s.messages)
	s.sub = sub
	return s, err
}

// next returns a message, or nil if none comes within quiet.
func (s *sampler) next(ctx context.Context, quiet time.Duration) (*nats.Msg, error) {
	enough := time.NewTimer(quiet)
	defer enough.Stop()
	for {
		if err := s.request(min(quiet, sampleExpires)); err != nil {
			return nil, err
		}
		expired := time.NewTimer(time.Until(s.until))
		select {
		case msg := <-s.messages:
			expired.Stop()
			if strings.HasPrefix(msg.Reply, "$JS.ACK.") {
				s.left--
				return msg, nil
			}
			if err := s.status(msg); err != nil {
				return nil, err
			}
		case <-expired.C:
		case <-enough.C:
			expired.Stop()
			return nil, nil
		case <-ctx.Done():
			expired.Stop()
			return nil, ctx.Err()
		}
	}
}

// request asks for more messages unless some are still expected.
func (s *sampler) request(expires time.Duration) error {
	if s.left > 0 && time.Now().Before(s.until) {
		return nil
	}
	body, err := json.Marshal(struct {
		Expires time.Duration `json:"expires"`
		Batch   int           `json:"batch"`
	}{expires, s.batch})
	if err != nil {
		return err
	}
	s.left, s.until = s.batch, time.Now().Add(expires)
	return s.nc.PublishRequest(s.subject, s.inbox, body)
}

// status returns an error if the server cannot deliver more. next makes a new request once the old one has expired.
func (s *sampler) status(msg *nats.Msg) error {
	switch code := msg.Header.Get("Status"); code {
	case "100", "404", "408":
		return nil
	default:
		return fmt.Errorf("server answered a pull request: %s %s", code, msg.Header.Get("Description"))
	}
}

// stop removes the consumer. If that fails, the server removes it when it has been inactive.
func (s *sampler) stop() {
	_ = s.sub.Unsubscribe()
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	_ = s.stream.DeleteConsumer(ctx, s.consumer)
}
