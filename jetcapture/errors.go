package jetcapture

import (
	"errors"

	"github.com/jetcapture/lake/jetcapture/ledger"
)

// The errors that end Run, beside those of Options.Validate. Each comes wrapped with the names of the stream and the
// consumer, and what to do.
var (
	// ErrStreamNotFound means that the stream is not there, or was deleted while it was captured.
	ErrStreamNotFound = errors.New("stream not found")

	// ErrConsumerNotFound means that the consumer is not there, or was deleted while it was captured. Blocks that were
	// held are stored all the same.
	ErrConsumerNotFound = errors.New("consumer not found")

	// ErrConsumerUnfit means that the consumer cannot serve a capture: a push consumer, or one without explicit acks.
	ErrConsumerUnfit = errors.New("consumer cannot be captured")

	// ErrConnectionClosed means that the connection was closed under a running capture. Messages that were held are
	// not acknowledged and will be delivered again.
	ErrConnectionClosed = errors.New("connection closed")

	// ErrDrainTimeout means that the capture was stopped and could not store everything it held within
	// Options.DrainTimeout. What is missing was not acknowledged and will be delivered again.
	ErrDrainTimeout = errors.New("drain timeout")

	// ErrPermission means that the user of the connection may not publish or subscribe to a subject: see Options.Permissions. The error
	// names it.
	ErrPermission = errors.New("a permission is missing")

	// ErrRunning means that Run was called while another Run of the same capture has not returned.
	ErrRunning = errors.New("capture is running already")

	// ErrLedgerLost ends an ExactlyOnce capture whose ledger was deleted or cannot be read.
	ErrLedgerLost = ledger.ErrLost

	// ErrOtherStore ends an ExactlyOnce capture whose Store is not the one that the ledger's files are in, or has lost its id. Nothing
	// was asked for or stored.
	ErrOtherStore = ledger.ErrOtherStore

	// ErrFilesMissing ends an ExactlyOnce capture if the latest files of the ledger are not in the store, and the consumer would deliver
	// their messages again. Nothing was asked for or stored.
	ErrFilesMissing = errors.New("files that the ledger knows are gone")
)
