package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/store"
)

// identifyStore tells the ledger which store the files go to. A store gets an id only if the ledger has none yet: otherwise a folder that was
// emptied would look like another store.
func (k *keeper[K]) identifyStore(ctx context.Context) error {
	if k.inStore != "" {
		return nil
	}
	there, _ := k.book.Settings()
	var location string
	known := there.Store != ""
	err := k.untilIdentified(ctx, func(err error) bool { return store.IsPermanent(err) || known && errors.Is(err, fs.ErrNotExist) }, func() (err error) {
		k.inStore, location, err = ledgerfiles.Identify(ctx, k.once.locator, deadLetterDir, !known)
		return err
	})
	switch {
	case known && errors.Is(err, fs.ErrNotExist):
		return k.otherStore(k.once.OtherStore(there, "this capture's has no id ("+err.Error()+")"))
	case err != nil:
		return fmt.Errorf("Options.Store: %w", err)
	}
	k.once.InStore(k.inStore, location)
	return nil
}

// otherStore adds the ledger's name, and the commands that let it forget, to an error of ErrOtherStore.
func (k *keeper[K]) otherStore(err error) error {
	name := k.stream.Name()
	return fmt.Errorf("ledger %s: %w (jc-parquet reset --ledger %s --yes, or nats stream rm %s)", name, err, name, name)
}

// untilIdentified tries again as long as the error is not final.
func (k *keeper[K]) untilIdentified(ctx context.Context, final func(error) bool, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := guard.Call("the store", try)
		if err == nil || final(err) {
			return err
		}
		wait := retry.Backoff(attempt)
		k.log.Warn("reading the id of the store failed, will retry", zap.Duration("retry_in", wait), zap.Error(err))
		if !retry.Sleep(ctx, wait) {
			return err
		}
	}
}

// checkFiles looks for the latest files that the ledger remembers. If some are missing, and the consumer will deliver their messages again,
// it returns an error that wraps ErrFilesMissing: the messages would be acknowledged as archived. Otherwise it logs a warning.
func (k *keeper[K]) checkFiles(ctx context.Context, consumer *jetstream.ConsumerInfo) error {
	n, within := ledgerfiles.ToLookFor(consumer, k.book.Top())
	reading, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	files, err := k.once.NewestFiles(reading, n)
	if err != nil {
		k.log.Warn("the ledger was not read in time: not all of the latest files are looked for", zap.Int("looked_for", len(files)), zap.Error(err))
	}
	looking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	missing, err := ledgerfiles.Missing(looking, k.once.locator, files)
	if err != nil {
		k.log.Warn("the store did not answer in time: not all of the latest files were looked for", zap.Error(err))
	}
	switch r := k.book.Remembered(); {
	case len(missing) == 0:
	case ledgerfiles.ComeAgain(missing, consumer):
		return fmt.Errorf("ledger %s: %w: %s, and consumer %q, which is new or was reset, will deliver their messages again: they would be acknowledged as archived. "+
			"Put the files back; or, to archive everything again, let the ledger forget its %d messages in %d files with jc-parquet reset",
			k.stream.Name(), ErrFilesMissing, ledgerfiles.Describe(missing, files), consumer.Name, r.Messages, r.Files)
	default:
		k.log.Warn("files that the ledger knows are gone: "+ledgerfiles.Describe(missing, files), zap.String("ledger", k.stream.Name()))
	}
	return nil
}
