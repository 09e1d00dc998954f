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

// A sampler pulls the messages of an ephemeral consumer, which acks nothing. It tells them from what the server says about
// requests by their reply subjects, as headers and payloads are whatever a publisher wrote.
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

// sampleExpires is how long a request of a sampler lasts at most.
const sampleExpires = 30 * time.Second

func newSampler(nc *nats.Conn, domain string, stream jetstream.Stream, consumer string, batch int) (*sampler, error) {
	prefix := "$JS.API"
	if domain != "" {
		prefix = "$JS." + domain + ".API"
	}
	s := &sampler{
		nc: nc, stream: stream, consumer: consumer, batch: batch, inbox: nc.NewInbox(),
		subject:  prefix + ".CONSUMER.MSG.NEXT." + stream.CachedInfo().Config.Name + "." + consumer,
		messages: make(chan *nats.Msg, 4*batch+100), // more than a few requests may bring
	}
	sub, err := nc.ChanSubscribe(s.inbox, s.messages)
	s.sub = sub
	return s, err
}

// next returns a message, or nil if none came for so long.
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

// request asks for more messages if none are on their way.
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

// status returns an error if nothing more can be had. A request that has expired is made again when its time is over.
func (s *sampler) status(msg *nats.Msg) error {
	switch code := msg.Header.Get("Status"); code {
	case "100", "404", "408":
		return nil
	default:
		return fmt.Errorf("server answered a pull request: %s %s", code, msg.Header.Get("Description"))
	}
}

// stop removes the consumer. Where that fails the server does so, as it is not used any more.
func (s *sampler) stop() {
	_ = s.sub.Unsubscribe()
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	_ = s.stream.DeleteConsumer(ctx, s.consumer)
}
