// Package pull asks a consumer for messages.
package pull

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
	defaultExpires   = 30 * time.Second
	defaultHeartbeat = 5 * time.Second

	// The server sends a heartbeat when it had no message to send for defaultHeartbeat. Two missed ones mean that it knows
	// nothing of our requests any more.
	silence = 2*defaultHeartbeat + time.Second

	// Room in the channel for status messages beside all messages that may be on their way.
	statusRoom = 1024
)

// A Puller asks the server for messages and keeps requests overlapping, so that it never runs dry while it delivers.
// All messages of all requests come through one channel. Each request has a subscription of its own, as nothing else in a
// message says which request brought it. It is not safe for concurrent use.
type Puller struct {
	nc      *nats.Conn
	clock   *elapsed.Clock
	subject string // to send requests to
	ask     ask

	messages chan *nats.Msg
	requests map[*nats.Subscription]*request // since Start, whose messages may still come
	latest   *request                        // whose message came last
	started  elapsed.Moment

	outstanding int // messages asked for that neither came nor were refused
	lastHeard   time.Time
	notBefore   time.Time // the earliest next request, after the server refused one
	reconnects  uint64
}

// An ask is what requests ask for.
type ask struct {
	batch     int  // messages
	bytes     int  // at most
	mostBytes int  // that bytes may grow to
	alone     bool // the next message is larger, and is asked for by itself
	expires   time.Duration
	heartbeat time.Duration
}

// A request for messages that has not ended.
type request struct {
	sub  *nats.Subscription
	made time.Time
	at   elapsed.Moment // the same
	left int            // messages that have not come
	most int            // bytes
}

// An Event says what a status message of the server means for the requests.
type Event int

// The events.
const (
	Nothing Event = iota
	Lost          // requests are void: start again
	Unsure        // the consumer may be gone: poll it, then start again
)

// Limits are the most that a request may ask for.
type Limits struct {
	Batch   int // messages; 0: no limit
	Bytes   int
	Expires time.Duration // 0: no limit
}

// New returns a puller whose requests are for so many messages and bytes, and for more bytes, within the limits, if a message is
// larger. A message that is larger than the limits is asked for by itself, without a limit. The subject is the consumer's for
// requests. It must be started.
func New(nc *nats.Conn, clock *elapsed.Clock, subject string, batch, bytes int, l Limits) *Puller {
	a := ask{batch: batch, bytes: min(bytes, l.Bytes), mostBytes: l.Bytes, expires: defaultExpires}
	if l.Batch > 0 {
		a.batch = min(a.batch, l.Batch)
	}
	if l.Expires > 0 {
		a.expires = min(a.expires, l.Expires)
	}
	a.heartbeat = min(defaultHeartbeat, a.expires/3)
	return &Puller{nc: nc, clock: clock, subject: subject, ask: a}
}

// Messages has the messages of the requests since Start, and the server's status messages about them.
func (p *Puller) Messages() <-chan *nats.Msg { return p.messages }

// Outstanding returns how many messages were asked for that have not come.
func (p *Puller) Outstanding() int { return p.outstanding }

// Connection returns the number of the connection when the puller was started.
func (p *Puller) Connection() uint64 { return p.reconnects }

// Delay makes the puller send no request before a time.
func (p *Puller) Delay(until time.Time) { p.notBefore = until }

// Delayed reports whether no request is to be sent now.
func (p *Puller) Delayed(now time.Time) bool { return now.Before(p.notBefore) }

// Start forgets all requests sent before.
func (p *Puller) Start(now time.Time) {
	p.Stop()
	p.messages = make(chan *nats.Msg, 2*p.ask.batch+statusRoom)
	p.requests, p.latest, p.started, p.lastHeard = make(map[*nats.Subscription]*request), nil, p.clock.Now(), now
	p.reconnects = p.nc.Stats().Reconnects
}

// Stop ends the subscriptions. Messages that came before stay in the channel.
func (p *Puller) Stop() {
	for _, r := range p.requests {
		_ = r.sub.Unsubscribe() // fails only on a closed connection, which has none
	}
	p.outstanding = 0
}

// Request asks for more messages if fewer than a batch are on their way, but never for more than room.
func (p *Puller) Request(now time.Time, room int) error {
	if p.outstanding >= p.ask.batch || p.Delayed(now) || !p.nc.IsConnected() {
		return nil
	}
	n, most := min(p.ask.batch, room-p.outstanding), p.ask.bytes
	if n <= 0 || (p.outstanding > 0 && n < p.ask.batch/4) {
		return nil // many small requests cost more than they bring
	}
	if p.ask.alone {
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
	}{p.ask.expires, n, most, p.ask.heartbeat})
	if err != nil {
		return err
	}
	p.prune(now)
	inbox := p.nc.NewInbox()
	sub, err := p.nc.ChanSubscribe(inbox, p.messages)
	if err != nil {
		return fmt.Errorf("subscribe for pulled messages: %w", err)
	}
	r := &request{sub: sub, made: now, at: p.clock.Now(), left: n, most: most}
	p.requests[sub] = r
	if err := p.nc.PublishRequest(p.subject, inbox, body); err != nil {
		p.end(r)
		return fmt.Errorf("request messages: %w", err)
	}
	if p.outstanding == 0 {
		p.lastHeard = now // heartbeats of this request start now
	}
	p.outstanding += n
	p.ask.alone = false
	return nil
}

// Received counts a message that came, and returns when its request was made. The server cannot have sent
// the message earlier, however long it was on its way or waited here while the process was stopped.
func (p *Puller) Received(msg *nats.Msg, now time.Time) (requested elapsed.Moment) {
	p.lastHeard = now
	if p.outstanding > 0 {
		p.outstanding--
	}
	r := p.latest
	if r == nil || r.sub != msg.Sub {
		if r = p.requests[msg.Sub]; r == nil {
			return p.started // of a request that has ended
		}
		p.latest = r
	}
	if r.left--; r.left <= 0 {
		p.end(r)
	}
	return r.at
}

// end ends a request that will bring nothing more.
func (p *Puller) end(r *request) {
	_ = r.sub.Unsubscribe() // fails only on a closed connection
	delete(p.requests, r.sub)
	p.latest = nil
}

// prune ends requests that the server has forgotten without an answer.
func (p *Puller) prune(now time.Time) {
	for _, r := range p.requests {
		if now.Sub(r.made) > 2*p.ask.expires+time.Minute {
			p.end(r)
		}
	}
}

// Silent reports whether the server should have sent something by now and has not.
func (p *Puller) Silent(now time.Time) bool {
	return p.outstanding > 0 && now.Sub(p.lastHeard) > min(silence, 2*p.ask.heartbeat+time.Second)
}

// Reconnected reports whether the connection is another than when the requests were sent.
func (p *Puller) Reconnected() bool {
	return p.nc.IsConnected() && p.nc.Stats().Reconnects != p.reconnects
}

// Status handles a message of the server about a request. Unless the event is Nothing, the error is its cause.
func (p *Puller) Status(msg *nats.Msg, now time.Time) (Event, error) {
	p.lastHeard = now
	code, description := msg.Header.Get("Status"), msg.Header.Get("Description")
	text := strings.ToLower(description)
	err := fmt.Errorf("server answered a pull request: %s %s", code, description)
	if code == "100" {
		return Nothing, nil // a heartbeat
	}
	p.refused(msg)
	r := p.requests[msg.Sub]
	if r != nil {
		p.end(r) // whatever the reason, nothing comes of it after that
	}
	switch {
	case code == "404", code == "408":
		return Nothing, nil // the request has expired, as most do on a quiet stream
	case code == "503":
		p.notBefore = now.Add(time.Second)
		return Unsure, errors.New("no JetStream server answers for the consumer")
	case code == "409" && strings.HasPrefix(text, "message size exceeds maxbytes"):
		if left, _ := strconv.Atoi(msg.Header.Get("Nats-Pending-Bytes")); r != nil && left >= r.most {
			p.askForMore(r.most) // nothing was sent: the next message alone is larger
		}
		return Nothing, nil
	case code == "409" && strings.HasPrefix(text, "batch completed"):
		return Nothing, nil
	case code == "409" && strings.HasPrefix(text, "consumer deleted"):
		return Unsure, err
	case code == "409" && (strings.HasPrefix(text, "leadership change") || strings.HasPrefix(text, "server shutdown")):
		p.notBefore = now.Add(100 * time.Millisecond)
		return Lost, err
	default: // limits of the consumer, too many waiting requests, a bad request
		p.notBefore = now.Add(time.Second)
		return Unsure, err
	}
}

// askForMore makes requests for more than so many bytes.
func (p *Puller) askForMore(bytes int) {
	if bytes >= p.ask.mostBytes {
		p.ask.alone = true
		return
	}
	p.ask.bytes = max(p.ask.bytes, min(2*bytes, p.ask.mostBytes))
}

// refused subtracts the messages that a request will not get from those outstanding.
func (p *Puller) refused(msg *nats.Msg) {
	n, _ := strconv.Atoi(msg.Header.Get("Nats-Pending-Messages"))
	p.outstanding = max(0, p.outstanding-n)
}
