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
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/store"
)

const (
	retryFirst = 100 * time.Millisecond
	retryMax   = 30 * time.Second

	retryAfterMax = 5 * time.Minute // that a store may ask for
)

// A committer takes sealed blocks to their end: finish, store, ack. Several goroutines run it side by side.
type committer[K DestKey] struct {
	store    BlockStore[K]
	layout   store.Layout
	acks     acknowledger
	once     *exactlyOnce[K] // nil: at least once
	sleep    func(ctx context.Context, d time.Duration) bool
	complete func(destKey K, location string, bytes int64, took time.Duration, err error)
	observer Observer
	log      *zap.Logger
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

// run commits blocks until the channel closes. ctx is what storing and acking may take: when it ends, blocks that are
// not stored are given up.
func (c *committer[K]) run(ctx context.Context, sealed <-chan *block[K], outcomes chan<- outcome[K]) {
	for b := range sealed {
		o := c.commit(ctx, b)
		b.spool.close()
		outcomes <- o
	}
}

func (c *committer[K]) commit(ctx context.Context, b *block[K]) outcome[K] {
	if err := b.finish(); err != nil {
		var spool *spoolError
		return outcome[K]{block: b, err: err, suspect: !errors.As(err, &spool)}
	}
	switch {
	case b.rows == 0: // nothing to store
	case c.once != nil:
		if o := c.storeOnce(ctx, b); o.err != nil {
			return o
		}
	default:
		if err := c.storeBlock(ctx, b); err != nil {
			return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err)}
		}
	}
	start := time.Now()
	if err := c.acks.ack(ctx, b.messageRefs); err != nil {
		c.log.Warn("block is stored but its acks are not confirmed: its messages may be delivered and stored again",
			zap.String("block", b.id), zap.Error(err))
		return outcome[K]{block: b}
	}
	if c.observer.BlockAcked != nil {
		c.observer.BlockAcked(b.describe(), time.Since(start))
	}
	return outcome[K]{block: b}
}

// storeBlock writes the block until that succeeds, ctx ends, or the error is one that trying again cannot mend.
func (c *committer[K]) storeBlock(ctx context.Context, b *block[K]) error {
	for {
		if c.once != nil && c.once.Aborted(b.id) {
			return fmt.Errorf("store block %s: %w: its claim was taken for abandoned", b.id, fs.ErrExist)
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
			b.id = newBlockID() // somebody has that name, against all odds; nothing of theirs is touched
		}
		wait := max(backoff(b.attempts), min(store.WaitOf(err), retryAfterMax))
		if c.observer.StoreFailed != nil {
			c.observer.StoreFailed(b.describe(), b.attempts, err, wait)
		}
		c.log.Warn("storing a block failed, will retry", zap.String("block", b.id), zap.Int("attempt", b.attempts),
			zap.Duration("retry_in", wait), zap.Error(err))
		if !c.sleep(ctx, wait) {
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
	at := c.placeOf(b)
	location, took, err = at.write(ctx, c.store, b.content())
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
