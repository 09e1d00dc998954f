package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

var (
	ackBytes = []byte("+ACK")
	nakBytes = "-NAK"
)

const (
	ackConfirmTimeout = 5 * time.Second
	ackConfirmEach    = 200 * time.Microsecond // more for each ack before: a busy server takes 5,000 a second at least
	ackAttempts       = 6                      // of confirming; a server that does not answer may still have the acks
	acksAtOnce        = 256                    // between two looks at the connection
	ackReconnectPoll  = 50 * time.Millisecond
	ackLeaderWait     = time.Second // between attempts while the servers elect one
)

// An acker acknowledges messages: all asynchronously, then the last by a round trip, which the server answers after it
// has taken those before it. Safe for concurrent use.
//
// It sends nothing while the connection is lost, since the client would send it later, when the stream may have lost its end
// and used the sequences again.
type acker struct {
	nc       *nats.Conn
	evidence *evidence // nil: everything may be acknowledged
}

var errConnectionLost = errors.New("the connection was lost meanwhile")

// ack returns nil once the server has confirmed. It waits out a lost connection, and sends everything again if the
// connection was another before the end than at the start, for then nobody knows what arrived. Messages that the stream has
// lost are left out, and counted.
func (a *acker) ack(ctx context.Context, m messageRefs) error {
	if m.count() == 0 {
		return nil
	}
	var last error
	for attempt := range ackAttempts {
		if err := a.awaitConnection(ctx); err != nil {
			return errors.Join(err, last)
		}
		connection := a.connection()
		allowed, lost := m, 0
		if a.evidence != nil { // a server that did not answer may have lost what the ack was for
			allowed, lost = a.evidence.allowed(ctx, m, attempt > 0 && !errors.Is(last, nats.ErrNoResponders))
		}
		err := a.sendAcks(ctx, &allowed, connection)
		switch {
		case err == nil && a.isConnected(connection):
			if lost > 0 {
				a.evidence.lost.Add(uint64(lost))
			}
			return nil
		case errors.Is(err, nats.ErrNoResponders):
			err = fmt.Errorf("nobody listens: the consumer has no leader yet, or is gone: %w", err)
			sleep(ctx, ackLeaderWait)
		case errors.Is(err, ErrPermission): // of a user that has just been changed
			sleep(ctx, ackLeaderWait)
		case err == nil:
			err = errConnectionLost
		}
		last = fmt.Errorf("ack: %w", err)
		if ctx.Err() != nil {
			return last
		}
	}
	return last
}

func (a *acker) sendAcks(ctx context.Context, m *messageRefs, connection uint64) error {
	var confirm string // the last of all
	n := 0
	for reply := range m.replies() {
		if confirm != "" {
			if !a.nc.IsConnected() || n%acksAtOnce == 1 && !a.isConnected(connection) {
				return errConnectionLost
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
	return a.confirm(ctx, confirm, n, connection)
}

// confirm acknowledges by a round trip, after n acks.
func (a *acker) confirm(ctx context.Context, reply string, n int, connection uint64) error {
	if !a.isConnected(connection) {
		return errConnectionLost
	}
	ctx, cancel := context.WithTimeout(ctx, ackConfirmTimeout+time.Duration(n)*ackConfirmEach)
	defer cancel()
	_, err := permitted(ctx, a.nc, reply, func(ctx context.Context) (*nats.Msg, error) { return a.nc.RequestWithContext(ctx, reply, ackBytes) })
	return err
}

// nak asks for messages to be delivered again after delay. It is a kindness: without it they come after AckWait.
func (a *acker) nak(m messageRefs, delay time.Duration) {
	connection := a.connection()
	if a.evidence != nil {
		m = a.evidence.known(m)
	}
	body := []byte(nakBytes + ` {"delay":` + strconv.FormatInt(int64(delay), 10) + `}`)
	n := 0
	for reply := range m.replies() {
		if !a.nc.IsConnected() || n%acksAtOnce == 0 && !a.isConnected(connection) {
			return
		}
		n++
		_ = a.nc.Publish(reply, body)
	}
}

// ackUnconfirmed acknowledges a message that came on a connection, and of which it does no harm if it is delivered again.
func (a *acker) ackUnconfirmed(reply string, connection uint64) {
	if a.isConnected(connection) {
		_ = a.nc.Publish(reply, ackBytes) // fails only on a closed connection
	}
}

// connection tells the present connection from those before it.
func (a *acker) connection() uint64 { return a.nc.Stats().Reconnects }

func (a *acker) isConnected(connection uint64) bool {
	return a.nc.IsConnected() && a.connection() == connection
}

func (a *acker) awaitConnection(ctx context.Context) error {
	for !a.nc.IsConnected() {
		if a.nc.IsClosed() {
			return ErrConnectionClosed
		}
		if !sleep(ctx, ackReconnectPoll) {
			return fmt.Errorf("ack: not connected: %w", ctx.Err())
		}
	}
	return nil
}
