package jetcapture

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
)

const (
	pullExpires   = 30 * time.Second
	pullHeartbeat = 5 * time.Second

	// The server sends a heartbeat when it had no message to send for pullHeartbeat. Two missed ones mean that it knows
	// nothing of our requests any more.
	pullSilence = 2*pullHeartbeat + time.Second

	// Room in the channel for status messages beside all messages that may be on their way.
	statusRoom = 1024
)

// A puller asks the server for messages and keeps requests overlapping, so that it never runs dry while it delivers.
// All messages of all requests come through one channel. Each request has a subscription of its own, as nothing else in a
// message says which request brought it. Only the loop uses it.
type puller struct {
	nc        *nats.Conn
	clock     *elapsed.Clock
	subject   string // to send requests to
	batch     int    // messages in a request
	maxBytes  int    // bytes in a request
	mostBytes int    // that maxBytes may grow to
	alone     bool   // the next message is larger, and is asked for by itself
	expires   time.Duration
	heartbeat time.Duration

	messages chan *nats.Msg
	requests map[*nats.Subscription]*pullRequest // since start, that messages may come of
	latest   *pullRequest                        // that a message came of
	started  elapsed.Moment

	outstanding int // messages asked for that neither came nor were given back
	lastHeard   time.Time
	notBefore   time.Time // the earliest next request, after the server refused one
	reconnects  uint64
}

// A pullRequest is a request for messages that has not ended.
type pullRequest struct {
	sub  *nats.Subscription
	made time.Time
	at   elapsed.Moment // the same
	left int            // messages that have not come
	most int            // bytes
}

// A pullEvent is what a status message of the server amounts to.
type pullEvent int

const (
	pullNothing pullEvent = iota
	pullLost              // requests are void: reset
	pullUnsure            // the consumer may be gone: look, then reset
)

// pullLimits are what a request may ask for.
type pullLimits struct {
	batch   int // 0: no limit
	bytes   int
	expires time.Duration // 0: no limit
}

// newPuller makes a puller whose requests are for maxBytes, and for more, within the limits, if a message is larger. One that is
// larger than the limits is asked for by itself, without one.
func newPuller(nc *nats.Conn, domain, stream, consumer string, batch, maxBytes int, l pullLimits) *puller {
	p := &puller{
		nc:        nc,
		clock:     new(elapsed.Clock),
		subject:   apiPrefix(domain) + ".CONSUMER.MSG.NEXT." + stream + "." + consumer,
		batch:     batch,
		maxBytes:  min(maxBytes, l.bytes),
		mostBytes: l.bytes,
		expires:   pullExpires,
	}
	if l.batch > 0 {
		p.batch = min(p.batch, l.batch)
	}
	if l.expires > 0 {
		p.expires = min(p.expires, l.expires)
	}
	p.heartbeat = min(pullHeartbeat, p.expires/3)
	return p
}

// apiPrefix is what subjects of JetStream's API begin with.
func apiPrefix(domain string) string {
	if domain == "" {
		return "$JS.API"
	}
	return "$JS." + domain + ".API"
}

// start forgets all requests sent before.
func (p *puller) start(now time.Time) {
	p.stop()
	p.messages = make(chan *nats.Msg, 2*p.batch+statusRoom)
	p.requests, p.latest, p.started, p.lastHeard = make(map[*nats.Subscription]*pullRequest), nil, p.clock.Now(), now
	p.reconnects = p.nc.Stats().Reconnects
}

// stop ends the subscriptions. Messages that came before stay in the channel.
func (p *puller) stop() {
	for _, r := range p.requests {
		_ = r.sub.Unsubscribe() // fails only on a closed connection, which has none
	}
	p.outstanding = 0
}

// request asks for more messages if less than a batch is on its way, but never for more than room.
func (p *puller) request(now time.Time, room int) error {
	if p.outstanding >= p.batch || now.Before(p.notBefore) || !p.nc.IsConnected() {
		return nil
	}
	n, most := min(p.batch, room-p.outstanding), p.maxBytes
	if n <= 0 || (p.outstanding > 0 && n < p.batch/4) {
		return nil // many small requests cost more than they bring
	}
	if p.alone {
		if p.outstanding > 0 {
			return nil
		}
		n, most = 1, 0
	}
	body, err := json.Marshal(struct {
		Expires   time.Duration `json:"expires"`
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{p.expires, n, most, p.heartbeat})
	if err != nil {
		return err
	}
	p.prune(now)
	inbox := p.nc.NewInbox()
	sub, err := p.nc.ChanSubscribe(inbox, p.messages)
	if err != nil {
		return fmt.Errorf("subscribe for pulled messages: %w", err)
	}
	r := &pullRequest{sub: sub, made: now, at: p.clock.Now(), left: n, most: most}
	p.requests[sub] = r
	if err := p.nc.PublishRequest(p.subject, inbox, body); err != nil {
		p.end(r)
		return fmt.Errorf("request messages: %w", err)
	}
	if p.outstanding == 0 {
		p.lastHeard = now // heartbeats of this request start now
	}
	p.outstanding += n
	p.alone = false
	return nil
}

// received counts a message that came, and returns when the request was made that brought it. The server cannot have sent
// the message earlier, however long it was on its way or waited here while the process was stopped.
func (p *puller) received(msg *nats.Msg, now time.Time) (requested elapsed.Moment) {
	p.lastHeard = now
	if p.outstanding > 0 {
		p.outstanding--
	}
	r := p.latest
	if r == nil || r.sub != msg.Sub {
		if r = p.requests[msg.Sub]; r == nil {
			return p.started // of a request that has ended, or so it was said
		}
		p.latest = r
	}
	if r.left--; r.left <= 0 {
		p.end(r)
	}
	return r.at
}

// end ends a request of which nothing will come any more.
func (p *puller) end(r *pullRequest) {
	_ = r.sub.Unsubscribe() // fails only on a closed connection
	delete(p.requests, r.sub)
	p.latest = nil
}

// prune ends requests that the server has forgotten without a word.
func (p *puller) prune(now time.Time) {
	for _, r := range p.requests {
		if now.Sub(r.made) > 2*p.expires+time.Minute {
			p.end(r)
		}
	}
}

// silent reports that the server should have said something by now and did not.
func (p *puller) silent(now time.Time) bool {
	return p.outstanding > 0 && now.Sub(p.lastHeard) > min(pullSilence, 2*p.heartbeat+time.Second)
}

// reconnected reports that the connection is another than when the requests were sent.
func (p *puller) reconnected() bool {
	return p.nc.IsConnected() && p.nc.Stats().Reconnects != p.reconnects
}

// status handles a message that the server sent about a request, instead of one of the stream.
func (p *puller) status(msg *nats.Msg, now time.Time) (pullEvent, error) {
	p.lastHeard = now
	code, description := msg.Header.Get("Status"), msg.Header.Get("Description")
	says := strings.ToLower(description)
	err := fmt.Errorf("server answered a pull request: %s %s", code, description)
	if code == "100" {
		return pullNothing, nil // a heartbeat
	}
	p.giveBack(msg)
	r := p.requests[msg.Sub]
	if r != nil {
		p.end(r) // whatever the reason, nothing comes of it after that
	}
	switch {
	case code == "404", code == "408":
		return pullNothing, nil // the request has expired, as most do on a quiet stream
	case code == "503":
		p.notBefore = now.Add(time.Second)
		return pullUnsure, errors.New("no JetStream server answers for the consumer")
	case code == "409" && strings.HasPrefix(says, "message size exceeds maxbytes"):
		if left, _ := strconv.Atoi(msg.Header.Get("Nats-Pending-Bytes")); r != nil && left >= r.most {
			p.askForMore(r.most) // nothing was sent: the next message alone is larger
		}
		return pullNothing, nil
	case code == "409" && strings.HasPrefix(says, "batch completed"):
		return pullNothing, nil
	case code == "409" && strings.HasPrefix(says, "consumer deleted"):
		return pullUnsure, err
	case code == "409" && (strings.HasPrefix(says, "leadership change") || strings.HasPrefix(says, "server shutdown")):
		p.notBefore = now.Add(100 * time.Millisecond)
		return pullLost, err
	default: // limits of the consumer, too many waiting requests, a bad request
		p.notBefore = now.Add(time.Second)
		return pullUnsure, err
	}
}

// askForMore makes requests for more than so many bytes.
func (p *puller) askForMore(bytes int) {
	if bytes >= p.mostBytes {
		p.alone = true
		return
	}
	p.maxBytes = max(p.maxBytes, min(2*bytes, p.mostBytes))
}

// giveBack takes what a request did not get off the outstanding messages.
func (p *puller) giveBack(msg *nats.Msg) {
	n, _ := strconv.Atoi(msg.Header.Get("Nats-Pending-Messages"))
	p.outstanding = max(0, p.outstanding-n)
}
