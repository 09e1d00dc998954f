package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
)

// readWithin is how long reading a ledger may take.
const readWithin = 10 * time.Second

func examineContents(ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, e *examination, info *jetstream.StreamInfo) error {
	const check = "ledger's entries"
	api, consumers := jsapi.Prefix(e.Domain), "."+info.Config.Name+".any"
	if !e.may(api+".CONSUMER.CREATE"+consumers) || !e.may(api+".CONSUMER.MSG.NEXT"+consumers) {
		return nil
	}
	reading, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	c, err := ledger.ReadContents(reading, nc, js, info, ledgerfiles.Few)
	if err == nil {
		if n, _ := ledgerfiles.ToLookFor(e.consumer, c.Last); n > ledgerfiles.Few && c.Files > ledgerfiles.Few {
			c, err = ledger.ReadContents(reading, nc, js, info, n)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ledger.ErrNewer):
		d.add(Fatal, check, "of a later version", err.Error(), "upgrade this program")
	case errors.Is(err, context.DeadlineExceeded):
		d.note(check, "not read within "+readWithin.String(), "a capture reads them at its start")
	case err != nil:
		d.add(Fatal, check, "cannot be read", err.Error(), "allow the user to create consumers of stream "+info.Config.Name+", and the stream to have some more")
	default:
		e.checkContents(d, c)
		e.checkAtWork(d, c)
		if e.StoreID != nil {
			e.checkFiles(ctx, d, c, e.consumer)
		}
	}
	return nil
}

// checkContents compares the ledger with the position of the consumer.
func (e *examination) checkContents(d *diagnosis, c *ledger.Contents) {
	const check = "ledger's entries"
	found := fmt.Sprintf("%d messages in %d files", c.Messages, c.Files)
	if c.Open > 0 {
		found += fmt.Sprintf(", and %d files that captures are storing, or were storing when they crashed", c.Open)
	}
	i := e.consumer
	isNew := i == nil || i.Delivered.Consumer == 0 && i.AckFloor.Stream < c.Last
	if !isNew || c.Messages == 0 {
		d.ok(check, found)
		return
	}
	d.add(Warning, check, fmt.Sprintf("%s, up to sequence %d, and the consumer is new or was reset", found, c.Last),
		"these messages count as archived, and are not stored again",
		"make sure that their files exist; to archive the messages again use another consumer, or let the ledger forget them (jc-parquet reset)")
}

// checkAtWork reports which captures are at work, as far as that is known.
func (e *examination) checkAtWork(d *diagnosis, c *ledger.Contents) {
	const check = "captures at work"
	i := e.consumer
	if i == nil {
		return
	}
	alone := i.Config.AckPolicy == jetstream.AckAllPolicy
	switch {
	case alone && c.Owner != "" && i.NumWaiting > 0:
		d.add(Fatal, check, c.Owner, "the consumer has the ack policy all, so one capture alone may use it, and this one does", "stop it, or use another consumer")
	case alone && c.Owner != "":
		d.note(check, c.Owner+", perhaps", "it has taken the consumer, which one capture alone may use: it waits for its store, or was killed. The next capture asks it")
	case i.NumWaiting > 0 && c.Owner != "":
		d.ok(check, fmt.Sprintf("%d requests for messages are waiting; the last to tell the ledger is %s", i.NumWaiting, c.Owner))
	case i.NumWaiting > 0:
		d.ok(check, fmt.Sprintf("%d requests for messages are waiting", i.NumWaiting))
	default:
		d.ok(check, "none pulls")
	}
}
