// Package preflight checks all that a capture depends on before it starts: the server, the account, the stream, the consumer, the ledger,
// the writers and the store. A capture refuses to start with a fatal finding, and the doctor shows all findings and fixes some.
package preflight

import (
	"cmp"
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

// A Plan says what a capture is going to do.
type Plan struct {
	Stream         string
	Consumer       string
	Domain         string // of JetStream
	CreateConsumer bool
	ExactlyOnce    bool

	Interval    time.Duration // that a block may stay open
	Grace       time.Duration
	MaxInFlight int
	ResumeFrom  int // un-acked messages from which on a capture resets the consumer at its start

	LedgerName      string // "" for the default
	LedgerSubject   string
	LedgerMaxBytes  int64
	LedgerRetention func(ackWait time.Duration) time.Duration // of a consumer with this AckWait

	Store      any
	TryWriters func() error           // makes a writer
	EmptyFile  func() ([]byte, error) // makes a file of no rows

	// StoreID returns the id of the store, and MissingFiles those files that the store does not have. Both are nil if the store does
	// not say where it puts a block.
	StoreID      func(context.Context) (string, error)
	MissingFiles func(context.Context, []ledger.StoredFile) ([]ledger.StoredFile, error)
}

// Ledger returns the name of the ledger's stream.
func (p *Plan) Ledger() string { return cmp.Or(p.LedgerName, ledger.StreamName(p.Stream, p.Consumer)) }

// ConsumerConfig returns the configuration of a consumer for this capture.
func (p *Plan) ConsumerConfig() *jetstream.ConsumerConfig {
	return jsapi.ConsumerConfig(p.Consumer, p.Interval, p.MaxInFlight)
}

// Findings checks the stream and the consumer of a binding, and asks nobody.
func (p *Plan) Findings(nc *nats.Conn, b *jsapi.Binding) []Finding {
	return p.examination(b, nc).findings()
}
