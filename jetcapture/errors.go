package jetcapture

import (
	"errors"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/permission"
)

// The errors that end Run, in addition to those of Options.Validate. Run wraps each with the names of the stream and the consumer, and
// with what to do.
var (
	// ErrStreamNotFound means that the stream does not exist, or was deleted while it was captured.
	ErrStreamNotFound = jsapi.ErrStreamNotFound

	// ErrConsumerNotFound means that the consumer does not exist, or was deleted while it was captured. The blocks that the capture
	// held are stored.
	ErrConsumerNotFound = jsapi.ErrConsumerNotFound

	// ErrConsumerUnfit means that the consumer cannot serve a capture: a push consumer, or one without explicit acks.
	ErrConsumerUnfit = jsapi.ErrConsumerUnfit

	// ErrConnectionClosed means that the connection was closed while a capture used it. The messages that the capture held are not
	// acknowledged and will be delivered again.
	ErrConnectionClosed = jsapi.ErrConnectionClosed

	// ErrDrainTimeout means that the capture was stopped and could not store everything it held within
	// Options.DrainTimeout. The other messages were not acknowledged and will be delivered again.
	ErrDrainTimeout = errors.New("drain timeout")

	// ErrPermission means that the user of the connection may not publish or subscribe to a subject, which the error names: see
	// Options.Permissions.
	ErrPermission = permission.ErrMissing

	// ErrRunning means that Run was called before an earlier Run of the same capture returned.
	ErrRunning = errors.New("capture is running already")

	// ErrLedgerLost ends an ExactlyOnce capture whose ledger was deleted or cannot be read.
	ErrLedgerLost = ledger.ErrLost

	// ErrOtherStore ends an ExactlyOnce capture if the ledger's files are in another Store, or if Store has lost its id. The capture has
	// not asked for messages or stored anything.
	ErrOtherStore = ledger.ErrOtherStore

	// ErrFilesMissing ends an ExactlyOnce capture if the latest files of the ledger are missing in the store, and the consumer would
	// deliver their messages again. The capture has not asked for messages or stored anything.
	ErrFilesMissing = errors.New("files that the ledger knows are gone")
)
