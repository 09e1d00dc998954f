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
	ackReconnectPoll  = 50 * time.Millisecond
	ackLeaderWait     = time.Second // between attempts while the servers elect one
)

// An acker acknowledges messages: all asynchronously, then the last by a round trip, which the server answers after it
// has taken those before it. Safe for concurrent use.
type acker struct {
	nc *nats.Conn
}

// ack returns nil once the server has confirmed. It waits out a lost connection, and sends everything again if the
// connection was another before the end than at the start, for then nobody knows what arrived.
func (a *acker) ack(ctx context.Context, m messageRefs) error {
	if m.count() == 0 {
		return nil
	}
	var last error
	for range ackAttempts {
		if err := a.awaitConnection(ctx); err != nil {
			return errors.Join(err, last)
		}
		epoch := a.nc.Stats().Reconnects
		err := a.sendAcks(ctx, &m)
		switch {
		case err == nil && a.nc.Stats().Reconnects == epoch:
			return nil
		case errors.Is(err, nats.ErrNoResponders):
			err = fmt.Errorf("nobody listens: the consumer has no leader yet, or is gone: %w", err)
			sleep(ctx, ackLeaderWait)
		case err == nil:
			err = errors.New("the connection was lost meanwhile")
		}
		last = fmt.Errorf("ack: %w", err)
		if ctx.Err() != nil {
			return last
		}
	}
	return last
}

func (a *acker) sendAcks(ctx context.Context, m *messageRefs) error {
	var confirm string // the last of all
	for reply := range m.replies() {
		if confirm != "" {
			if err := a.nc.Publish(confirm, ackBytes); err != nil {
				return err
			}
		}
		confirm = reply
	}
	ctx, cancel := context.WithTimeout(ctx, ackConfirmTimeout+time.Duration(m.count())*ackConfirmEach)
	defer cancel()
	_, err := a.nc.RequestWithContext(ctx, confirm, ackBytes)
	return err
}

// nak asks for messages to be delivered again after delay. It is a kindness: without it they come after AckWait.
func (a *acker) nak(m messageRefs, delay time.Duration) {
	if !a.nc.IsConnected() {
		return
	}
	body := []byte(nakBytes + ` {"delay":` + strconv.FormatInt(int64(delay), 10) + `}`)
	for reply := range m.replies() {
		_ = a.nc.Publish(reply, body)
	}
}

// ackUnconfirmed acknowledges a message of which it does no harm if it is delivered again.
func (a *acker) ackUnconfirmed(reply string) {
	_ = a.nc.Publish(reply, ackBytes) // fails only on a closed connection
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
