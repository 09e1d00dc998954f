package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// checkFiles compares the store with what the ledger remembers: its id, and the latest files. consumer is nil if it is not there yet.
func checkFiles[K DestKey](ctx context.Context, d *diagnosis, locator store.Locator[K], c *ledger.Contents, consumer *jetstream.ConsumerInfo) {
	if c.Store == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	var id string
	err := noPanic("the store", func() (err error) {
		id, _, err = identify(ctx, locator, false)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.addOtherStore(c, "this one has no id")
	case store.IsPermanent(err):
		d.add(SeverityFatal, "ledger's store", "not known", err.Error(), "see that "+store.IdentityName+" can be read, and is as it was made")
	case err != nil:
		d.note("ledger's store", c.Place, fmt.Sprintf("whether this store is that one is not known: %v", err))
	case id != c.Store:
		d.addOtherStore(c, "this one has the id "+id)
	default:
		checkLatest(ctx, d, locator, c, consumer)
	}
}

func (d *diagnosis) addOtherStore(c *ledger.Contents, here string) {
	d.add(SeverityFatal, "ledger's store", here, fmt.Sprintf("ledger %s remembers %d messages in %d files of %s (id %s): they would be acknowledged as archived and be in no file here",
		c.Name, c.Messages, c.Files, c.Place, c.Store),
		"put the files back, with "+store.IdentityName+"; or start over: stop all captures of the consumer, and let the ledger forget with jc-parquet reset")
}

func checkLatest[K DestKey](ctx context.Context, d *diagnosis, locator store.Locator[K], c *ledger.Contents, consumer *jetstream.ConsumerInfo) {
	const check = "ledger's files"
	if consumer == nil {
		consumer = new(jetstream.ConsumerInfo)
	}
	missing, err := missingFiles(ctx, locator, c.Newest)
	switch {
	case err != nil: // checkStore says it
	case len(missing) == 0:
		d.ok(check, "the latest are there")
	case comeAgain(missing, consumer):
		d.add(SeverityFatal, check, describeMissing(missing, c.Newest), "the consumer is new or was reset and will deliver their messages again: they would be acknowledged as archived",
			"put the files back; or, to archive everything again, let the ledger forget with jc-parquet reset")
	default:
		d.add(SeverityWarning, check, describeMissing(missing, c.Newest), "their messages are acknowledged and do not come again", "put the files back, if nobody moved them on purpose")
	}
}
