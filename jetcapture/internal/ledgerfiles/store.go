package ledgerfiles

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

	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/parallel"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/store"
)

// How many of the latest files are looked for when a capture begins, and for how long. After a lake was removed or moved, or with another
// folder of the same store, none of the latest few are there. If the consumer will deliver messages again that the ledger remembers, each
// file matters, so many are looked for.
const (
	Few        = 4
	fewWithin  = 10 * time.Second
	many       = 100_000
	manyWithin = time.Minute
)

// ToLookFor returns how many files are to be looked for, and for how long at most. consumer is nil if it does not exist yet, and last is
// the last sequence that the ledger remembers.
func ToLookFor(consumer *jetstream.ConsumerInfo, last uint64) (n int, within time.Duration) {
	if consumer == nil || consumer.Delivered.Stream < last {
		return many, manyWithin
	}
	return Few, fewWithin
}

// Probe refuses a store that overwrites, if the store can be probed.
func Probe(ctx context.Context, s any, log *zap.Logger) error {
	prober, ok := s.(store.Prober)
	if !ok {
		log.Warn("the store cannot be probed: if it overwrites, a block that it has may be lost", zap.String("store", fmt.Sprintf("%T", s)))
		return nil
	}
	for attempt := 1; ; attempt++ {
		err := guard.Call("the store", func() error { return prober.Probe(ctx) })
		if err == nil {
			return nil
		}
		if errors.Is(err, store.ErrNoProbe) {
			log.Warn("not all of the store can be probed: if it overwrites, a block that it has may be lost", zap.Error(err))
			return nil
		}
		if store.IsPermanent(err) || errors.Is(err, store.ErrNotCreateOnly) {
			return fmt.Errorf("Options.Store: %w", err)
		}
		wait := retry.Backoff(attempt)
		log.Warn("probing the store failed, will retry", zap.Duration("retry_in", wait), zap.Error(err))
		if !retry.Sleep(ctx, wait) {
			return fmt.Errorf("Options.Store: %w", err)
		}
	}
}

// Identify returns the id of the store that the files go to, and where it is. dir is a folder of the store. If create is set, a store
// without an id gets one.
func Identify[K comparable](ctx context.Context, locator store.Locator[K], dir string, create bool) (id, location string, err error) {
	at, err := locator.LocateRoot(ctx, dir, LetterSuffix)
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

// Missing returns the files that the store does not have. With an error it returns those that it has found before.
func Missing[K comparable](ctx context.Context, locator store.Locator[K], files []ledger.StoredFile) ([]ledger.StoredFile, error) {
	const atOnce = 16
	gone := make([]bool, len(files))
	err := parallel.Do(len(files), atOnce, func(i int) error {
		f := files[i]
		err := guard.Call("the store", func() error {
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

// ComeAgain reports whether a consumer will deliver messages of these files, though they are archived.
func ComeAgain(files []ledger.StoredFile, consumer *jetstream.ConsumerInfo) bool {
	return slices.ContainsFunc(files, func(f ledger.StoredFile) bool { return consumer.Delivered.Stream < f.First })
}

// Describe returns a clause about the files that are missing of those that were looked for.
func Describe(missing, looked []ledger.StoredFile) string {
	f := missing[0]
	return fmt.Sprintf("%d of the latest %d files are not in the store, such as %s with sequences %d to %d", len(missing), len(looked), f.Place.Name, f.First, f.Last)
}
