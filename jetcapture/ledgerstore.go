package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/parallel"
	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// How many of the latest files are looked for when a capture begins, and for how long. Somebody who removed or moved a lake, or names
// another folder of the same store, has none of the latest few. All that can be are looked for if the consumer is to deliver again what
// the ledger remembers: then each file matters.
const (
	filesLookedFor    = 4
	filesOfNew        = 100_000
	lookForFilesOfNew = time.Minute
)

// filesToLookFor returns how many files are to be looked for, and for how long at most. consumer is nil if it is not there yet, and last is the
// last sequence that the ledger remembers.
func filesToLookFor(consumer *jetstream.ConsumerInfo, last uint64) (n int, within time.Duration) {
	if consumer == nil || consumer.Delivered.Stream < last {
		return filesOfNew, lookForFilesOfNew
	}
	return filesLookedFor, readyLog
}

// probeStore refuses a store that overwrites, where the store can be asked.
func probeStore(ctx context.Context, s any, log *zap.Logger) error {
	prober, ok := s.(store.Prober)
	if !ok {
		log.Warn("the store cannot be probed: if it overwrites, a block that it has may be lost", zap.String("store", fmt.Sprintf("%T", s)))
		return nil
	}
	for attempt := 1; ; attempt++ {
		err := noPanic("the store", func() error { return prober.Probe(ctx) })
		if err == nil {
			return nil
		}
		if errors.Is(err, store.ErrNoProbe) {
			log.Warn("not all of the store can be probed: if it overwrites, a block that it has may be lost", zap.Error(err))
			return nil
		}
		if store.IsPermanent(err) || errors.Is(err, store.ErrNotCreateOnly) {
			return fmt.Errorf("options: Store: %w", err)
		}
		wait := backoff(attempt)
		log.Warn("the store does not answer as it should, will retry", zap.Duration("retry_in", wait), zap.Error(err))
		if !sleep(ctx, wait) {
			return fmt.Errorf("options: Store: %w", err)
		}
	}
}

// identifyStore tells the ledger which store the files go to. A store gets an id only if the ledger has none yet: otherwise a folder
// that somebody emptied would look like a store of its own.
func (k *keeper[K]) identifyStore(ctx context.Context) error {
	if k.inStore != "" {
		return nil
	}
	there, _ := k.book.Settings()
	var location string
	known := there.Store != ""
	err := k.untilIdentified(ctx, func(err error) bool { return store.IsPermanent(err) || known && errors.Is(err, fs.ErrNotExist) }, func() (err error) {
		k.inStore, location, err = identify(ctx, k.once.locator, !known)
		return err
	})
	switch {
	case known && errors.Is(err, fs.ErrNotExist):
		return k.otherStore(k.once.OtherStore(there, "this capture's has no id ("+err.Error()+")"))
	case err != nil:
		return fmt.Errorf("options: Store: %w", err)
	}
	k.once.InStore(k.inStore, location)
	return nil
}

// otherStore adds the ledger's name, and the commands that let it forget, to an error of ErrOtherStore.
func (k *keeper[K]) otherStore(err error) error {
	name := k.stream.Name()
	return fmt.Errorf("ledger %s: %w (jc-parquet reset --ledger %s --yes, or nats stream rm %s)", name, err, name, name)
}

// identify returns the id of the store that the files go to, and where it is. If create is set it gives the store one.
func identify[K DestKey](ctx context.Context, locator store.Locator[K], create bool) (id, location string, err error) {
	at, err := locator.LocateRoot(ctx, deadLetterDir, deadLetterSuffix)
	if err != nil {
		return "", "", err
	}
	bucket, err := locator.Bucket(ctx, at.Root)
	if err != nil {
		return "", "", err
	}
	if create {
		id, err = store.Identify(ctx, bucket)
	} else {
		id, err = store.ReadIdentity(ctx, bucket)
	}
	if err != nil {
		return "", "", err
	}
	object, err := bucket.Stat(ctx, store.IdentityName)
	return id, strings.TrimSuffix(object.Location, "/"+store.IdentityName), err
}

// untilIdentified tries again as long as the error is not final.
func (k *keeper[K]) untilIdentified(ctx context.Context, final func(error) bool, try func() error) error {
	for attempt := 1; ; attempt++ {
		err := noPanic("the store", try)
		if err == nil || final(err) {
			return err
		}
		wait := backoff(attempt)
		k.log.Warn("the store does not say which one it is, will retry", zap.Duration("retry_in", wait), zap.Error(err))
		if !sleep(ctx, wait) {
			return err
		}
	}
}

// checkFiles looks for the latest files that the ledger says are stored. Where some are gone, and the consumer is to deliver their
// messages again, these would be acknowledged as archived: that is an error, which wraps ErrFilesMissing. Otherwise it is a warning.
func (k *keeper[K]) checkFiles(ctx context.Context, consumer *jetstream.ConsumerInfo) error {
	n, within := filesToLookFor(consumer, k.book.Top())
	reading, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	files, err := k.once.NewestFiles(reading, n)
	if err != nil {
		k.log.Warn("not all of the latest files are looked for: the ledger was not read in time", zap.Int("looked_for", len(files)), zap.Error(err))
	}
	looking, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	missing, err := missingFiles(looking, k.once.locator, files)
	if err != nil {
		k.log.Warn("not all of the latest files were looked for: the store did not answer in time", zap.Error(err))
	}
	switch r := k.book.Remembered(); {
	case len(missing) == 0:
	case comeAgain(missing, consumer):
		return fmt.Errorf("ledger %s: %w: %s, and consumer %q, which is new or was reset, will deliver their messages again: they would be acknowledged as archived. "+
			"Put the files back; or, to archive everything again, let the ledger forget its %d messages in %d files with jc-parquet reset",
			k.stream.Name(), ErrFilesMissing, describeMissing(missing, files), consumer.Name, r.Messages, r.Files)
	default:
		k.log.Warn("files that the ledger knows are gone: "+describeMissing(missing, files), zap.String("ledger", k.stream.Name()))
	}
	return nil
}

// missingFiles returns those files that the store does not have, also with an error.
func missingFiles[K DestKey](ctx context.Context, locator store.Locator[K], files []ledger.StoredFile) ([]ledger.StoredFile, error) {
	const atOnce = 16
	gone := make([]bool, len(files))
	err := parallel.Do(len(files), atOnce, func(i int) error {
		f := files[i]
		err := noPanic("the store", func() error {
			bucket, err := locator.Bucket(ctx, f.Place.Root)
			if err == nil {
				_, err = bucket.Stat(ctx, f.Place.Name)
			}
			return err
		})
		if gone[i] = errors.Is(err, fs.ErrNotExist); gone[i] {
			return nil
		}
		return err
	})
	var missing []ledger.StoredFile
	for i := range files {
		if gone[i] {
			missing = append(missing, files[i])
		}
	}
	return missing, err
}

// comeAgain reports whether a consumer has not delivered the messages of some files yet, though they are archived.
func comeAgain(files []ledger.StoredFile, consumer *jetstream.ConsumerInfo) bool {
	return slices.ContainsFunc(files, func(f ledger.StoredFile) bool { return consumer.Delivered.Stream < f.First })
}

func describeMissing(missing, looked []ledger.StoredFile) string {
	f := missing[0]
	return fmt.Sprintf("%d of the latest %d files are not in the store, such as %s with sequences %d to %d", len(missing), len(looked), f.Place.Name, f.First, f.Last)
}
