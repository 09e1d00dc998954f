package acks

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
)

var (
	ackBytes = []byte("+ACK")
	nakBytes = "-NAK"
)

const (
	confirmTimeout = 5 * time.Second
	confirmEach    = 200 * time.Microsecond // more for each ack before it: a busy server takes at least 5,000 a second
	attempts       = 6                      // to confirm; a server that does not answer may have the acks
	acksAtOnce     = 256                    // between two checks of the connection
	reconnectPoll  = 50 * time.Millisecond
	leaderWait     = time.Second // between attempts while the servers elect a leader
)

// ErrConnectionLost means that the connection was lost before all acks were confirmed.
var ErrConnectionLost = errors.New("the connection was lost meanwhile")

// An Evidence says which messages may be acknowledged.
type Evidence interface {
	// Allowed returns the messages that may be acknowledged on the present connection, and how many others there are. If unsure is
	// set, messages of the present epoch are compared with the stream too.
	Allowed(ctx context.Context, m Refs, unsure bool) (allowed Refs, lost int)

	// Known returns the messages that are not known to be lost, without asking the server.
	Known(m Refs) Refs
}

// An Acker acknowledges messages: all without waiting, then the last by a round trip, which the server answers after it has the acks
// before it. It is safe for concurrent use.
//
// It sends nothing while the connection is lost. The client would send it later, when the stream may have lost its end and used the
// sequences again.
type Acker struct {
	nc       *nats.Conn
	evidence Evidence // nil: every message may be acknowledged
	lost     atomic.Uint64
}

// New returns an Acker. If evidence is nil, every message may be acknowledged.
func New(nc *nats.Conn, evidence Evidence) *Acker { return &Acker{nc: nc, evidence: evidence} }

// Lost returns how many messages were stored and not acknowledged, because the stream has lost them.
func (a *Acker) Lost() uint64 { return a.lost.Load() }

// Ack acknowledges messages, and returns nil once the server has confirmed. While the connection is lost it waits. If the connection was
// another one at the end than at the start it sends all acks again, since it is not known which have arrived. Messages that the stream
// has lost are not acknowledged, and counted.
func (a *Acker) Ack(ctx context.Context, m Refs) error {
	if m.Count() == 0 {
		return nil
	}
	var last error
	for attempt := range attempts {
		if err := a.awaitConnection(ctx); err != nil {
			return errors.Join(err, last)
		}
		connection := a.Connection()
		allowed, lost := m, 0
		if a.evidence != nil { // a server that did not answer may have lost the messages
			allowed, lost = a.evidence.Allowed(ctx, m, attempt > 0 && !errors.Is(last, nats.ErrNoResponders))
		}
		err := a.send(ctx, &allowed, connection)
		switch {
		case err == nil && a.IsConnected(connection):
			a.lost.Add(uint64(lost))
			return nil
		case errors.Is(err, nats.ErrNoResponders):
			err = fmt.Errorf("the consumer has no leader yet, or is gone: %w", err)
			retry.Sleep(ctx, leaderWait)
		case errors.Is(err, permission.ErrMissing): // of a user that has just been changed
			retry.Sleep(ctx, leaderWait)
		case err == nil:
			err = ErrConnectionLost
		}
		last = fmt.Errorf("ack: %w", err)
		if ctx.Err() != nil {
			return last
		}
	}
	return last
}

// send sends the acks on a connection, and confirms the last.
func (a *Acker) send(ctx context.Context, m *Refs, connection uint64) error {
	var confirm string // the last reply subject
	n := 0
	for reply := range m.Replies() {
		if confirm != "" {
			if !a.nc.IsConnected() || n%acksAtOnce == 1 && !a.IsConnected(connection) {
				return ErrConnectionLost
			}
			if err := a.nc.Publish(confirm, ackBytes); err != nil {
				return err
			}
		}
		confirm = reply
		n++
	}
	if n == 0 {
		return nil
	}
	return a.Confirm(ctx, confirm, n, connection)
}

// Confirm acknowledges a message by a round trip, as the last of n acks.
func (a *Acker) Confirm(ctx context.Context, reply string, n int, connection uint64) error {
	if !a.IsConnected(connection) {
		return ErrConnectionLost
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout+time.Duration(n)*confirmEach)
	defer cancel()
	_, err := permission.Ask(ctx, a.nc, reply, func(ctx context.Context) (*nats.Msg, error) { return a.nc.RequestWithContext(ctx, reply, ackBytes) })
	return err
}

// Nak asks for messages to be delivered again after a delay. Without it they would be delivered again after AckWait.
func (a *Acker) Nak(m Refs, delay time.Duration) {
	connection := a.Connection()
	if a.evidence != nil {
		m = a.evidence.Known(m)
	}
	body := []byte(nakBytes + ` {"delay":` + strconv.FormatInt(int64(delay), 10) + `}`)
	n := 0
	for reply := range m.Replies() {
		if !a.nc.IsConnected() || n%acksAtOnce == 0 && !a.IsConnected(connection) {
			return
		}
		n++
		_ = a.nc.Publish(reply, body)
	}
}

// AckUnconfirmed acknowledges a message that came on a connection. It is for messages that may be delivered again without harm.
func (a *Acker) AckUnconfirmed(reply string, connection uint64) {
	if a.IsConnected(connection) {
		_ = a.nc.Publish(reply, ackBytes) // fails only on a closed connection
	}
}

// Connection returns a number that tells the present connection from those before it.
func (a *Acker) Connection() uint64 { return a.nc.Stats().Reconnects }

// IsConnected reports whether the connection with that number is the present one, and is not lost.
func (a *Acker) IsConnected(connection uint64) bool {
	return a.nc.IsConnected() && a.Connection() == connection
}

func (a *Acker) awaitConnection(ctx context.Context) error {
	for !a.nc.IsConnected() {
		if a.nc.IsClosed() {
			return jsapi.ErrConnectionClosed
		}
		if !retry.Sleep(ctx, reconnectPoll) {
			return fmt.Errorf("ack: not connected: %w", ctx.Err())
		}
	}
	return nil
}
