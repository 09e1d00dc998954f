package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/jsapi"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/ledgerfiles"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/store"
)

const (
	readyLog    = 10 * time.Second // between two lines in the log, while the ledger is not read
	keepEvery   = 5 * time.Second
	hearEvery   = 5 * time.Second
	keepTimeout = time.Minute // for one round, which may have to settle what crashed captures left
	forksNoted  = 16          // that wait for the ledger; more at a time are one to it
)

// A keeper runs the ledger of a capture: it follows the log, answers other captures, settles claims and forgets old ones.
type keeper[K DestKey] struct {
	once     *exactlyOnce[K]
	stream   *ledger.Stream
	book     *ledger.Book
	consumer jetstream.Consumer
	js       jetstream.JetStream
	observer Observer
	log      logger
	forks    chan Fork
	before   uint64        // messages up to that sequence may have been stored by others before
	readIn   time.Duration // how long ready waited
	inStore  string        // the id of the store, once it is known
	deaf     bool          // the server's time could not be had lately
}

// follow applies the log until ctx ends or the ledger is lost, which it tells on lost.
func (k *keeper[K]) follow(ctx context.Context, lost chan<- error) {
	if err := k.stream.Run(ctx); err != nil {
		lost <- err
	}
}

// ready waits until the ledger is read and its settings are agreed on. Before that nothing could be stored, and nothing is
// asked for.
func (k *keeper[K]) ready(ctx context.Context) error {
	start := time.Now()
	for {
		err := k.tryReady(ctx)
		switch {
		case err == nil:
			s := k.book.Stats()
			k.readIn = time.Since(start)
			k.once.ReadIn(k.readIn)
			k.log.Debug("the ledger is read", zap.Uint64("entries", s.Entries), zap.Int("claims", s.Claims), zap.Duration("took", k.readIn))
			return nil
		case ctx.Err() != nil:
			return nil //nolint:nilerr // it was told to end
		case endsCapture(err), store.IsPermanent(err):
			return err
		}
		k.log.Warn("the ledger is not read yet, will retry", zap.String("ledger", k.stream.Name()), zap.Duration("since", time.Since(start)), zap.Error(err))
	}
}

func (k *keeper[K]) tryReady(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, readyLog)
	defer cancel()
	if err := k.stream.Ready(soon); err != nil {
		return err
	}
	if err := k.identifyStore(ctx); err != nil {
		return err
	}
	soon, cancel = context.WithTimeout(ctx, readyLog)
	defer cancel()
	settings, err := k.once.Agree(soon)
	if errors.Is(err, ledger.ErrOtherStore) {
		return k.otherStore(err)
	}
	if shorter, longer := k.once.Retentions(); err == nil && shorter != longer {
		k.log.Info("the ledger's retention was changed: until the longer one is over, entries are kept by it, and blocks are too old by the shorter one",
			zap.Duration("retention", settings.Retention), zap.Duration("longer", longer), zap.Duration("shorter", shorter))
	}
	return err
}

// restore appends again what the ledger has lost of this capture's claims, whenever it has lost its end.
func (k *keeper[K]) restore(ctx context.Context) {
	for generation := uint64(0); ; {
		if k.stream.Await(ctx, func() bool { return k.book.Generation() != generation }) != nil {
			return // it ends, or the ledger is lost, which follow tells
		}
		generation = k.book.Generation()
		k.log.Warn("the ledger has lost its end, as when its server died before it synced: what this capture knows of it is appended again",
			zap.String("ledger", k.stream.Name()))
		for attempt := 1; k.book.Generation() == generation; attempt++ {
			err := k.once.Restore(ctx)
			if err == nil || ctx.Err() != nil {
				break
			}
			k.log.often.Warn("appending to the ledger again failed, will retry", zap.Error(err))
			retry.Sleep(ctx, retry.Backoff(attempt))
		}
	}
}

// noteForks tells the ledger of forks of the stream.
func (k *keeper[K]) noteForks(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-k.forks:
			if err := k.once.NoteFork(ctx, f.Seq, nanoseconds(f.Old), nanoseconds(f.New)); err != nil && ctx.Err() == nil {
				k.log.Warn("the ledger was not told that the stream used sequences again", zap.Error(err))
			}
		}
	}
}

// nanoseconds returns a time as messages have it, 0 if it is not known.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// forked takes note of a fork, for noteForks. It does not wait.
func (k *keeper[K]) forked(f Fork) {
	select {
	case k.forks <- f:
	default:
	}
}

// listen asks for the server's time until ctx ends, whatever else takes how long.
func (k *keeper[K]) listen(ctx context.Context) {
	for retry.Sleep(ctx, hearEvery) {
		k.hear(ctx)
	}
}

// hear asks the server of the ledger for its time, by which blocks are too old if all clocks of this machine stood still.
func (k *keeper[K]) hear(ctx context.Context) {
	info, err := jsapi.LookUpStream(ctx, k.js, k.stream.Name())
	if err == nil {
		k.once.clock.Heard(info.TimeStamp)
	} else if !k.deaf && ctx.Err() == nil {
		k.log.Debug("the server's time is not known: the age of blocks is by the clocks of this machine", zap.Error(err))
	}
	k.deaf = err != nil
}

// run settles claims and forgets old ones, until ctx ends.
func (k *keeper[K]) run(ctx context.Context) {
	for retry.Sleep(ctx, keepEvery) {
		if err := k.round(ctx); err != nil && ctx.Err() == nil {
			k.log.often.Warn("keeping the ledger in order failed, will retry", zap.Error(err))
		}
		if k.observer.LedgerSampled != nil {
			s := k.book.Stats()
			k.observer.LedgerSampled(LedgerStats{
				Claims: s.Claims, Open: s.Open, Entries: s.Entries, Skipped: k.stream.Skips(), Rewinds: k.book.Generation(), Forks: s.Forks,
				Bytes: k.stream.BytesRead(), Memory: s.Bytes, Start: k.readIn, Retries: k.once.Retries(),
			})
		}
	}
}

func (k *keeper[K]) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	info, err := k.consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up the ack floor: %w", err)
	}
	return k.once.Keep(ctx, info.AckFloor.Stream)
}

const (
	resumeFrom   = 1_000           // messages that nobody acknowledges; less are not worth it
	othersAnswer = 2 * time.Second // in which captures that are there answer
	leaveTimeout = 2 * time.Second
)

// answer tells other captures that this one is at work, if they ask.
func (k *keeper[K]) answer(ctx context.Context) {
	if err := k.once.Answer(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ledger.ErrLost) { // follow tells
		k.log.Warn("other captures that ask whether this one is at work get no answer", zap.Error(err))
	}
}

// leave says that the consumer is free again.
func (k *keeper[K]) leave(ctx context.Context) {
	if !k.js.Conn().IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := k.once.Leave(ctx); err != nil {
		k.log.Debug("the ledger was not told that this capture has ended: the next one will wait for its answer", zap.Error(err))
	}
}

// resume lets the consumer deliver at once what a crashed capture held, if nobody else is at work on it. Otherwise these
// messages would come when AckWait is over, and if they are many, slowly: the server's queue for them costs the square of
// their number. What was acknowledged out of order comes again, too: the ledger knows it.
func (k *keeper[K]) resume(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, jsapi.Timeout)
	defer cancel()
	info, err := k.consumer.Info(ctx)
	if err != nil || info.NumAckPending == 0 || info.NumWaiting > 0 {
		return
	}
	if info.NumAckPending < resumeFrom {
		k.log.Info("messages are un-acknowledged: unless a capture that is at work has them, they are delivered again when AckWait is over",
			zap.Int("messages", info.NumAckPending), zap.Duration("ack_wait", info.Config.AckWait))
		return
	}
	fields := []zap.Field{zap.Int("messages", info.NumAckPending)}
	switch other, err := k.once.Others(ctx, othersAnswer); { // a capture that waits for its store does not pull
	case err != nil:
		k.log.Warn("messages that a capture held before are delivered again only after AckWait: nobody knows whether one is at work", append(fields, zap.Error(err))...)
		return
	case other != "":
		k.log.Info("another capture is at work", zap.String("instance", other))
		return
	}
	if err := jsapi.Reset(ctx, k.js, info, 0); err != nil {
		k.log.Warn("messages that a capture held before are delivered again only after AckWait", append(fields, zap.Error(err))...)
		return
	}
	k.log.Info("the consumer was reset: what a capture held before is delivered again at once", fields...)
}

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
