package capturetest

import (
	"context"
	"net"
	"sync/atomic"
)

// A LossyDialer dials connections of which nothing that the server sends arrives any more, once it says so.
type LossyDialer struct{ Lossy atomic.Bool }

// Dial makes it a nats.CustomDialer.
func (d *LossyDialer) Dial(network, address string) (net.Conn, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(context.Background(), network, address) // a nats.CustomDialer has no context
	return &lossyConn{conn, &d.Lossy}, err
}

type lossyConn struct {
	net.Conn
	lossy *atomic.Bool
}

func (c *lossyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for err == nil && c.lossy.Load() {
		n, err = c.Conn.Read(p)
	}
	return n, err
}
