package preflight

import (
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	leastLedgerBytes   = 4 << 10 // for the claim of a block
	leastLedgerEntries = 8
)

// checkLedgerLimits checks whether the ledger has room for more entries, and for large ones.
func checkLedgerLimits(d *diagnosis, info *jetstream.StreamInfo) {
	const check = "ledger's room"
	c, s := &info.Config, &info.State
	found := fmt.Sprintf("%d bytes of %d", s.Bytes, c.MaxBytes)
	more := max(2*c.MaxBytes, 1<<20)
	raise := func(c *jetstream.StreamConfig) { c.MaxBytes = more }
	change := fmt.Sprintf("set MaxBytes of stream %s to %d", c.Name, more)
	const why = "when it is full nothing is stored, until the ledger forgets files"
	switch left := c.MaxBytes - int64(s.Bytes); {
	case c.MaxBytes <= 0:
	case left < leastLedgerBytes:
		d.fixableLedger(Fatal, check, found, why, change, raise)
	case float64(s.Bytes) > limitReached*float64(c.MaxBytes):
		d.fixableLedger(Warning, check, found, why, change, raise)
	default:
		d.ok(check, found)
	}
	if c.MaxMsgs > 0 && c.MaxMsgs-int64(s.Msgs) < leastLedgerEntries {
		d.fixableLedger(Fatal, "ledger's MaxMsgs", fmt.Sprintf("%d entries of %d", s.Msgs, c.MaxMsgs), why, "remove MaxMsgs of stream "+c.Name,
			func(c *jetstream.StreamConfig) { c.MaxMsgs = -1 })
	}
	if c.MaxMsgSize > 0 {
		severity := Warning
		if c.MaxMsgSize < leastLedgerBytes {
			severity = Fatal
		}
		d.fixableLedger(severity, "ledger's MaxMsgSize", fmt.Sprint(c.MaxMsgSize), "the claim of a block with many messages is larger and is refused, so the block is never stored",
			"remove MaxMsgSize of stream "+c.Name, func(c *jetstream.StreamConfig) { c.MaxMsgSize = -1 })
	}
	if c.PersistMode == jetstream.AsyncPersistMode {
		d.add(Warning, "ledger's persist mode", "async", "the server confirms entries before they are written: when it dies the latest are lost",
			"stop all captures, so that they store what they hold, and remove stream "+c.Name+": the next capture creates it")
	}
}
