package jetcapture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/store"
)

const (
	retryFirst = 100 * time.Millisecond
	retryMax   = 30 * time.Second

	retryAfterMax = 5 * time.Minute // that a store may ask for
)

// A committer takes sealed blocks to their end: finish, store, ack.
type committer[K DestKey] struct {
	slots    slots
	store    BlockStore[K]
	layout   store.Layout
	acks     acknowledger
	once     *exactlyOnce[K] // nil: at least once
	sleep    func(ctx context.Context, d time.Duration) bool
	complete func(destKey K, location string, bytes int64, took time.Duration, err error)
	observer Observer
	log      logger
}

// An acknowledger is an acker, or takes its place in tests.
type acknowledger interface {
	ack(ctx context.Context, m messageRefs) error
}

// An outcome is what became of a sealed block.
type outcome[K DestKey] struct {
	block *block[K]

	// err is nil once the block is stored, and acked as far as the server could be reached. Else nothing was acked and
	// nothing is visible, and the block's messages will be delivered again.
	err error

	// fatal is set if err will not go away: the capture ends.
	fatal bool

	// suspect is set if the block's writer failed, so that one of its messages may be what it choked on.
	suspect bool

	// again is set if the block was given up though nothing is wrong: what is in it has been delivered again, and others
	// were faster, or it is too old for the ledger. again holds the messages that are to be delivered once more; the others
	// are acked.
	again *messageRefs
}

// run commits blocks side by side until the channel closes. ctx is what storing and acking may take: when it ends, blocks that are
// not stored are given up. There are no more goroutines than Options.MaxSealedBlocks, and what was on its way when pulling paused.
func (c *committer[K]) run(ctx context.Context, sealed <-chan *block[K], outcomes chan<- outcome[K]) {
	var committing sync.WaitGroup
	defer committing.Wait()
	for b := range sealed {
		c.slots.take()
		committing.Go(func() {
			o := outcome[K]{block: b, err: ErrDrainTimeout} // its turn came too late
			if ctx.Err() == nil {
				o = c.commit(c.slots.hold(ctx), b)
			}
			b.spool.close()
			c.slots.give()
			outcomes <- o
		})
	}
}

// pause is sleep while others take this block's turn.
func (c *committer[K]) pause(ctx context.Context, d time.Duration) bool {
	return yield(ctx, func() bool { return c.sleep(ctx, d) })
}

func (c *committer[K]) commit(ctx context.Context, b *block[K]) outcome[K] {
	if err := b.finish(); err != nil {
		var spool *spoolError
		return outcome[K]{block: b, err: err, suspect: b.spool.err == nil && !errors.As(err, &spool)}
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
	if err := c.acks.ack(ctx, b.messageRefs); err != nil {
		c.log.often.Warn("block is stored but its acks are not confirmed: its messages may be delivered and stored again",
			zap.String("block", b.id), zap.Error(err))
		return
	}
	if c.observer.BlockAcked != nil {
		c.observer.BlockAcked(b.describe(), time.Since(start))
	}
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
				if !c.sleep(ctx, backoff(b.attempts)) {
					return fmt.Errorf("store block %s: %w", b.id, err)
				}
				continue
			}
		}
		b.attempts++
		location, took, err := c.tryStore(ctx, b)
		if c.complete != nil {
			c.complete(b.destKey, location, b.bytes, took, err)
		}
		if err == nil {
			b.location = location
			if c.observer.BlockStored != nil {
				c.observer.BlockStored(b.describe(), took)
			}
			c.log.Debug("block stored", zap.String("location", location), zap.Int("rows", b.rows),
				zap.Int64("bytes", b.bytes), zap.Duration("took", took), zap.String("reason", string(b.reason)))
			return nil
		}
		exists := errors.Is(err, fs.ErrExist)
		if ctx.Err() != nil || store.IsPermanent(err) || exists && c.once != nil {
			return fmt.Errorf("store block %s: %w", b.id, err)
		}
		if exists {
			b.id = newBlockID("") // somebody has that name, against all odds; nothing of theirs is touched
		}
		asked := min(store.WaitOf(err), retryAfterMax)
		wait := max(backoff(b.attempts), asked)
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

func (c *committer[K]) tryStore(ctx context.Context, b *block[K]) (location string, took time.Duration, err error) {
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			c.log.Error("the store panicked", zap.Any("panic", r), zap.ByteString("stack", debug.Stack()))
			err = fmt.Errorf("the store panicked: %v", r)
		}
	}()
	if c.once != nil {
		location, err = c.once.create(ctx, b.located, b.content())
	} else {
		at := c.placeOf(b)
		location, took, err = at.write(ctx, c.store, b.content())
	}
	if took == 0 {
		took = time.Since(start)
	}
	return location, took, err
}

// A place is where a file goes.
type place[K DestKey] struct {
	destKey K
	root    bool // beside all destination keys
	dir     string
	file    string
}

func (c *committer[K]) placeOf(b *block[K]) place[K] {
	p := place[K]{destKey: b.destKey, dir: c.layout(b.start), file: b.fileName()}
	if b.deadLetter {
		p.dir = path.Join(deadLetterDir, p.dir)
		_, p.root = c.store.(store.RootWriter)
	}
	return p
}

func (p *place[K]) write(ctx context.Context, s BlockStore[K], content io.Reader) (location string, took time.Duration, err error) {
	if p.root {
		root, ok := s.(store.RootWriter)
		if !ok {
			return "", 0, store.Permanent(errors.New("the store has no place beside its destination keys"))
		}
		location, _, took, err = root.WriteRoot(ctx, content, p.dir, p.file)
		return location, took, err
	}
	location, _, took, err = s.Write(ctx, content, p.destKey, p.dir, p.file)
	return location, took, err
}

// backoff returns how long to wait after the given number of failures: twice as long each time up to retryMax, and of
// that a random part, so that captures whose store fails at once do not come back at once.
func backoff(failures int) time.Duration {
	d := retryMax
	if failures < 10 {
		d = min(retryMax, retryFirst<<(failures-1))
	}
	return d/2 + rand.N(d/2)
}

// sleep waits, and reports false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
