// Package jsapi has the requests of a capture to JetStream's API.
package jsapi

import (
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Parts of subjects.
const (
	AckPrefix     = "$JS.ACK."
	StreamInfo    = ".STREAM.INFO."
	StreamMessage = ".STREAM.MSG.GET."
)

// Error codes of the server.
const (
	CodeMessageNotFound = 10037
	CodeStreamNotFound  = 10059
)

// The errors of a capture about its stream, its consumer and its connection. Package jetcapture exports them.
var (
	ErrStreamNotFound   = errors.New("stream not found")
	ErrConsumerNotFound = errors.New("consumer not found")
	ErrConsumerUnfit    = errors.New("consumer cannot be captured")
	ErrConnectionClosed = errors.New("connection closed")
)

// Prefix returns the start of the subjects of JetStream's API in a domain, "" for the domain of the connection.
func Prefix(domain string) string {
	if domain == "" {
		return "$JS.API"
	}
	return "$JS." + domain + ".API"
}

// New returns the JetStream API of a domain, "" for the domain of the connection.
func New(nc *nats.Conn, domain string) (jetstream.JetStream, error) {
	if domain != "" {
		return jetstream.NewWithDomain(nc, domain)
	}
	return jetstream.New(nc)
}
