// Package ledger shows what ledgers remember, and changes nothing.
//
// A ledger is a JetStream stream in which the captures of a consumer record which messages they have archived: with it any number of them
// store every message in exactly one file (jetcapture.ExactlyOnce). Captures make it when they need it. This package is for programs that
// look after ledgers: it lists them, reads them, and asks whether captures are at work.
//
// Before a capture stores a block it appends a claim, with the place of the file and the messages in it. Then it reads the ledger up to its
// own claim. If an earlier claim has one of the messages and is stored, the block is given up: the duplicates are acknowledged, and the
// other messages are delivered again. If the earlier claim is open, the capture tries to create an empty file at its place, and the store
// decides: either the file of the claim is there, or its capture will find the name taken.
//
// A ledger with one replica may lose its latest entries when its server dies. Captures notice that, and append the entries again. Claims
// of captures that have ended are found by their files. If a file does not say which messages it has (NDJSON, CSV, Arrow), a capture that
// may have the same messages ends with ErrUncertain.
//
// The folder model has a model of the protocol for Spin.
package ledger

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
)

const (
	// DefaultSubject is the start of a ledger's subjects: see jetcapture.Options.LedgerSubject. A random token follows it.
	DefaultSubject = ledger.DefaultSubject

	// DefaultMaxBytes is the size of a ledger in an account that requires a limit for each stream: see
	// jetcapture.Options.LedgerMaxBytes.
	DefaultMaxBytes = ledger.DefaultMaxBytes

	// MinRetention is the shortest default of jetcapture.Options.LedgerRetention.
	MinRetention = ledger.MinRetention
)

// Errors of this package and of captures.
var (
	// ErrMisfit is returned by Inspect for a stream that cannot be a ledger.
	ErrMisfit = ledger.ErrMisfit

	// ErrNewer is returned for a ledger that a later version of this module has written.
	ErrNewer = ledger.ErrNewer

	// ErrTaken ends a capture that is not the first of a consumer with the AckAll policy.
	ErrTaken = ledger.ErrTaken

	// ErrUncertain ends a capture if the ledger has lost entries, and a file does not say which messages it has.
	ErrUncertain = ledger.ErrUncertain
)

// StreamName returns the default name of the ledger of a consumer.
func StreamName(stream, consumer string) string { return ledger.StreamName(stream, consumer) }

// SourceOf returns the stream and the consumer that a ledger belongs to, "" if it does not say them.
func SourceOf(info *jetstream.StreamInfo) (stream, consumer string) { return ledger.SourceOf(info) }

// List returns the ledgers of the account and JetStream domain of js, sorted by name.
func List(ctx context.Context, js jetstream.JetStream) ([]*jetstream.StreamInfo, error) {
	return ledger.List(ctx, js)
}

// Inspect looks up the ledger of a consumer, and checks that a capture can use it. It returns nil if the ledger does not exist. name is
// the name of the ledger, "" for StreamName. If the stream cannot be a ledger, Inspect returns it with an error that wraps ErrMisfit.
func Inspect(ctx context.Context, js jetstream.JetStream, stream, consumer, name string) (*jetstream.StreamInfo, error) {
	return ledger.Inspect(ctx, js, stream, consumer, name)
}

// Contents is what a ledger remembers.
type Contents struct {
	Name     string // of the ledger
	Stream   string // the captured stream, "" if the ledger does not say it
	Consumer string
	Store    string    // the id of the store that has the files, "" if there is none yet
	Place    string    // where the store was when the ledger got its id
	Latest   time.Time // of the latest entry, by the server's clock; zero without one
	Owner    string    // the last capture that has said that it is at work, "" if it has left or there was none

	Files    int    // blocks that are stored
	Open     int    // blocks that are claimed, and neither stored nor given up
	Messages uint64 // of both
	First    uint64 // the lowest of their sequences, 0 without any
	Last     uint64 // the highest
}

// ReadContents reads a ledger. info is a result of Inspect or List.
func ReadContents(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, info *jetstream.StreamInfo) (*Contents, error) {
	c, err := ledger.ReadContents(ctx, nc, js, info, 0)
	if err != nil {
		return nil, err
	}
	return &Contents{
		Name: c.Name, Stream: c.Stream, Consumer: c.Consumer, Store: c.Store, Place: c.Place, Latest: c.Latest, Owner: c.Owner,
		Files: c.Files, Open: c.Open, Messages: c.Messages, First: c.First, Last: c.Last,
	}, nil
}

// AtWork asks the captures of a ledger whether they are at work, and returns the name of one that answers within a time, "" if none does.
// asker is a name that no capture has.
func AtWork(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, info *jetstream.StreamInfo, asker string, within time.Duration) (name string, err error) {
	return ledger.AtWork(ctx, nc, js, info, asker, within)
}
