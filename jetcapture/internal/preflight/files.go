package preflight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/store"
)

// checkFiles compares the id of the store, and the latest files in it, with the ledger. consumer is nil if it does not exist yet.
func (p *Plan) checkFiles(ctx context.Context, d *diagnosis, c *ledger.Contents, consumer *jetstream.ConsumerInfo) {
	if c.Store == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	id, err := p.StoreID(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.addOtherStore(c, "this one has no id")
	case store.IsPermanent(err):
		d.add(Fatal, "ledger's store", "not known", err.Error(), "make sure that "+store.IdentityName+" can be read, and was not changed")
	case err != nil:
		d.note("ledger's store", c.Place, fmt.Sprintf("whether this is the same store is not known: %v", err))
	case id != c.Store:
		d.addOtherStore(c, "this one has the id "+id)
	default:
		p.checkLatest(ctx, d, c, consumer)
	}
}

func (d *diagnosis) addOtherStore(c *ledger.Contents, here string) {
	d.add(Fatal, "ledger's store", here, fmt.Sprintf("ledger %s remembers %d messages in %d files of %s (id %s): they would be acknowledged as archived and be in no file here",
		c.Name, c.Messages, c.Files, c.Place, c.Store),
		"put the files back, with "+store.IdentityName+"; or start over: stop all captures of the consumer, and let the ledger forget with jc-parquet reset")
}

func (p *Plan) checkLatest(ctx context.Context, d *diagnosis, c *ledger.Contents, consumer *jetstream.ConsumerInfo) {
	const check = "ledger's files"
	if consumer == nil {
		consumer = new(jetstream.ConsumerInfo)
	}
	missing, err := p.MissingFiles(ctx, c.Newest)
	switch {
	case err != nil: // checkStore reports it
	case len(missing) == 0:
		d.ok(check, "the latest exist")
	case ledgerfiles.ComeAgain(missing, consumer):
		d.add(Fatal, check, ledgerfiles.Describe(missing, c.Newest), "the consumer is new or was reset and will deliver their messages again: they would be acknowledged as archived",
			"put the files back; or, to archive everything again, let the ledger forget with jc-parquet reset")
	default:
		d.add(Warning, check, ledgerfiles.Describe(missing, c.Newest), "their messages are acknowledged and will not be delivered again", "put the files back, if nobody moved them on purpose")
	}
}
