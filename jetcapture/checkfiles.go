package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// checkFiles compares the store with what the ledger remembers: its id, and the latest files. consumer is nil if it is not there yet.
func checkFiles[P Payload, K DestKey](ctx context.Context, d *diagnosis, nc *nats.Conn, js jetstream.JetStream, o *Options[P, K], info *jetstream.StreamInfo, consumer *jetstream.ConsumerInfo) error {
	locator, ok := o.Store.(store.Locator[K])
	if !ok {
		return nil // which Run refuses
	}
	ctx, cancel := context.WithTimeout(ctx, readyLog)
	defer cancel()
	contents, err := ledger.ReadContents(ctx, nc, js, info, filesLookedFor)
	if err != nil || contents.Store == "" {
		return err
	}
	id, _, err := identify(ctx, locator, false)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.addOtherStore(contents, "this one has no id")
	case err != nil: // of which checkStore says more
	case id != contents.Store:
		d.addOtherStore(contents, "this one has the id "+id)
	default:
		return checkLatest(ctx, d, locator, contents, consumer)
	}
	return nil
}

func (d *diagnosis) addOtherStore(c *ledger.Contents, here string) {
	d.add(SeverityFatal, "ledger's store", here, fmt.Sprintf("ledger %s remembers %d messages in %d files of %s (id %s): they would be acknowledged as archived and be in no file here",
		c.Name, c.Messages, c.Files, c.Place, c.Store),
		"put the files back, with "+store.IdentityName+"; or start over: stop all captures of the consumer, and let the ledger forget with jc-parquet reset")
}

func checkLatest[K DestKey](ctx context.Context, d *diagnosis, locator store.Locator[K], c *ledger.Contents, consumer *jetstream.ConsumerInfo) error {
	const check = "ledger's files"
	if consumer == nil {
		consumer = new(jetstream.ConsumerInfo)
	}
	missing, err := missingFiles(ctx, locator, c.Newest)
	if err != nil {
		return nil //nolint:nilerr // checkStore says it
	}
	switch {
	case len(missing) == 0:
		d.ok(check, fmt.Sprintf("%d messages in %d files are remembered; the latest are there", c.Messages, c.Files))
	case comeAgain(missing, consumer):
		d.add(SeverityFatal, check, describeMissing(missing, c.Newest), "the consumer is new or was reset and will deliver their messages again: they would be acknowledged as archived",
			"put the files back; or, to archive everything again, let the ledger forget with jc-parquet reset")
	default:
		d.add(SeverityWarning, check, describeMissing(missing, c.Newest), "their messages are acknowledged and do not come again", "put the files back, if nobody moved them on purpose")
	}
	return nil
}
