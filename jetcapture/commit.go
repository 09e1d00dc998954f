package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/acks"
	"github.com/jetcapture/lake/jetcapture/internal/blockname"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/jetcapture/internal/slots"
	"github.com/jetcapture/lake/jetcapture/internal/spool"
	"github.com/jetcapture/lake/store"
)

// A committer takes sealed blocks to their end: finish, store, ack.
type committer[K DestKey] struct {
	slots    slots.Slots
	store    BlockStore[K]
	layout   store.Layout
	acks     acknowledger
	once     *exactlyOnce[K] // nil: at least once
	sleep    func(ctx context.Context, d time.Duration) bool
	complete func(destKey K, location string, bytes int64, duration time.Duration, err error)
	observer Observer
	log      logger
}

// An acknowledger is an acker, or stands in for it.
type acknowledger interface {
	Ack(ctx context.Context, m acks.Refs) error
}

// run commits blocks side by side until the channel closes. ctx is what storing and acking may take: when it ends, blocks that are
// not stored are given up. There are at most Options.MaxSealedBlocks goroutines, and one for each block that was on its way when pulling paused.
func (c *committer[K]) run(ctx context.Context, sealed <-chan *block[K], outcomes chan<- outcome[K]) {
	var committing sync.WaitGroup
	defer committing.Wait()
	for b := range sealed {
		c.slots.Take()
		committing.Go(func() {
			o := outcome[K]{block: b, err: ErrDrainTimeout} // its turn came too late
			if ctx.Err() == nil {
				o = c.commit(c.slots.Hold(ctx), b)
			}
			b.spool.Close()
			c.slots.Give()
			outcomes <- o
		})
	}
}

// pause is sleep while another block takes this one's turn.
func (c *committer[K]) pause(ctx context.Context, d time.Duration) bool {
	return slots.Yield(ctx, func() bool { return c.sleep(ctx, d) })
}

func (c *committer[K]) commit(ctx context.Context, b *block[K]) outcome[K] {
	if err := b.finish(); err != nil {
		var failed *spool.Error
		return outcome[K]{block: b, err: err, suspect: b.spool.Err() == nil && !errors.As(err, &failed)}
	}
	switch {
	case b.rows == 0: // nothing to store
	case c.once != nil:
		return c.storeOnce(ctx, b)
	default:
		if err := c.storeBlock(ctx, b, nil); err != nil {
			return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err)}
		}
	}
	c.ackStored(ctx, b)
	return outcome[K]{block: b}
}

// ackStored acknowledges the messages of a block that is stored.
func (c *committer[K]) ackStored(ctx context.Context, b *block[K]) {
	start := time.Now()
	if err := c.acks.Ack(ctx, b.Refs); err != nil {
		c.log.often.Warn("block is stored but its acks are not confirmed: its messages may be delivered and stored again",
			zap.String("block", b.id), zap.Error(err))
		return
	}
	if c.observer.BlockAcked != nil {
		c.observer.BlockAcked(b.describe(), time.Since(start))
	}
}

// storeOnce stores and acknowledges a block if none of its messages is in another file. Its outcome has no error if it is stored.
func (c *committer[K]) storeOnce(ctx context.Context, b *block[K]) outcome[K] {
	claim, err := c.once.claim(ctx, b, c.store, c.layout)
	if err != nil {
		return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err)}
	}
	stored := false
	o, err := c.once.Commit(ctx, claim, func(ctx context.Context, confirm func(context.Context) error) error {
		if err := c.storeBlock(ctx, b, confirm); err != nil {
			return err
		}
		stored = true
		c.ackStored(ctx, b) // before the ledger says that it is stored: there may be no room for that before something is acknowledged
		return nil
	})
	switch {
	case stored && err != nil && (ctx.Err() != nil || errors.Is(err, ledger.ErrForgotten)):
		return outcome[K]{block: b} // another capture that meets its claim finds the file, or has done so long ago
	case errors.Is(err, ledger.ErrStale): // it waited too long for its turn: nothing is wrong with the store
		return outcome[K]{block: b, err: err, handBack: &b.Refs}
	case errors.Is(err, ledger.ErrUncertain):
		return outcome[K]{block: b, err: fmt.Errorf("ledger %s: %w", c.once.name, err), fatal: true}
	case err != nil:
		return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err) || endsCapture(err)}
	case o.Stored:
		return outcome[K]{block: b}
	}
	archived, rest := acks.Refs{}, b.Refs
	if o.Duplicates != nil {
		archived, rest = b.Split(o.Duplicates.Contains)
	}
	if err := c.acks.Ack(ctx, archived); err != nil {
		c.log.often.Warn("messages that are in other files are not acknowledged: they will be delivered again", zap.Error(err))
	}
	return outcome[K]{block: b, err: errFaster, handBack: &rest}
}

// storeBlock tries to write the block until it succeeds, ctx ends, or the error is permanent. Before each further try it asks confirm,
// if there is one.
func (c *committer[K]) storeBlock(ctx context.Context, b *block[K], confirm func(context.Context) error) error {
	for {
		if confirm != nil && b.attempts > 0 {
			if err := confirm(ctx); err != nil {
				if errors.Is(err, fs.ErrExist) || endsCapture(err) {
					return fmt.Errorf("store block %s: %w", b.id, err)
				}
				c.log.often.Warn("a block cannot be checked with the ledger before it is tried again, will retry", zap.String("block", b.id), zap.Error(err))
				if !c.sleep(ctx, retry.Backoff(b.attempts)) {
					return fmt.Errorf("store block %s: %w", b.id, err)
				}
				continue
			}
		}
		b.attempts++
		location, duration, err := c.tryStore(ctx, b)
		if c.complete != nil {
			c.complete(b.destKey, location, b.bytes, duration, err)
		}
		if err == nil {
			b.location = location
			if c.observer.BlockStored != nil {
				c.observer.BlockStored(b.describe(), duration)
			}
			c.log.Debug("block stored", zap.String("location", location), zap.Int("rows", b.rows),
				zap.Int64("bytes", b.bytes), zap.Duration("took", duration), zap.String("reason", string(b.reason)))
			return nil
		}
		exists := errors.Is(err, fs.ErrExist)
		if ctx.Err() != nil || store.IsPermanent(err) || exists && c.once != nil {
			return fmt.Errorf("store block %s: %w", b.id, err)
		}
		if exists {
			b.id = blockname.NewID("") // another file has that name, which is next to impossible; it is not touched
		}
		asked := min(store.WaitOf(err), retry.MostAsked)
		wait := max(retry.Backoff(b.attempts), asked)
		if c.observer.StoreFailed != nil {
			c.observer.StoreFailed(b.describe(), b.attempts, err, wait)
		}
		c.log.often.Warn("storing a block failed, will retry", zap.String("block", b.id), zap.Int("attempt", b.attempts),
			zap.Duration("retry_in", wait), zap.Error(err))
		pause := c.pause
		if asked > 0 {
			pause = c.sleep // so that no other block comes instead
		}
		if !pause(ctx, wait) {
			return fmt.Errorf("store block %s: %w", b.id, err)
		}
	}
}

func (c *committer[K]) tryStore(ctx context.Context, b *block[K]) (location string, duration time.Duration, err error) {
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("the store panicked", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			err = fmt.Errorf("the store panicked: %v", r)
		}
	}()
	if c.once != nil {
		location, err = c.once.create(ctx, b.claimed, b.content())
	} else {
		at := locationOf(b, c.store, c.layout)
		location, duration, err = at.write(ctx, c.store, b.content())
	}
	if duration == 0 {
		duration = time.Since(start)
	}
	return location, duration, err
}
