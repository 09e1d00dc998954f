package jetcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// A Delivery is what a capture promises.
type Delivery string

const (
	// AtLeastOnce stores every message, and some twice after a crash. It needs nothing but the consumer.
	AtLeastOnce Delivery = "at-least-once"

	// ExactlyOnce stores every message in exactly one file, whatever crashes, stalls or is delivered again, with any
	// number of captures on the consumer. It needs a Store that is a store.Locator and never overwrites, as those of package
	// store, and a WriterFactory whose writers make a valid file of no rows. It makes a stream of its own, the ledger. A crash may
	// leave files without rows for about LedgerRetention, under the names of blocks that the capture had claimed.
	ExactlyOnce Delivery = "exactly-once"
)

// exactlyOnce is what a capture has for ExactlyOnce.
type exactlyOnce[K DestKey] struct {
	*ledger.Ledger
	name       string // of the ledger's stream
	book       *ledger.Book
	clock      *elapsed.Clock
	locator    store.Locator[K]
	tombstones struct{ blocks, letters []byte } // files without rows
}

// lookUp says what the ledger knows of a message, without waiting for it for long.
func (e *exactlyOnce[K]) lookUp(m ledger.Message) ledger.Verdict {
	if e.New(m.Seq) {
		return ledger.Free
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	return e.Look(ctx, m)
}

// storeOnce stores and acknowledges a block if none of its messages is in another file. Its outcome has no error if it is stored.
func (c *committer[K]) storeOnce(ctx context.Context, b *block[K]) outcome[K] {
	claim, err := c.claimOf(ctx, b)
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
		return outcome[K]{block: b} // whoever meets its claim finds the file, or has done so long ago
	case errors.Is(err, ledger.ErrStale): // it waited too long for its turn: nothing is wrong with the store
		return outcome[K]{block: b, err: err, again: &b.messageRefs}
	case errors.Is(err, ledger.ErrUncertain):
		return outcome[K]{block: b, err: fmt.Errorf("ledger %s: %w", c.once.name, err), fatal: true}
	case err != nil:
		return outcome[K]{block: b, err: err, fatal: store.IsPermanent(err) || endsCapture(err)}
	case o.Stored:
		return outcome[K]{block: b}
	}
	archived, again := messageRefs{}, b.messageRefs
	if o.Duplicates != nil {
		archived, again = b.split(o.Duplicates.Contains)
	}
	if err := c.acks.ack(ctx, archived); err != nil {
		c.log.often.Warn("messages that are in other files are not acknowledged: they will be delivered again", zap.Error(err))
	}
	return outcome[K]{block: b, err: errFaster, again: &again}
}

var errFaster = errors.New("another block has some of its messages, or its claim was taken for abandoned")

// endsCapture reports whether an error of the ledger is one that trying again does not change.
func endsCapture(err error) bool {
	for _, end := range []error{ledger.ErrLost, ledger.ErrNewer, ledger.ErrUnfit, ledger.ErrUncertain, ledger.ErrOtherStore} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// claimOf describes a block to the ledger, and gives it its place.
func (c *committer[K]) claimOf(ctx context.Context, b *block[K]) (*ledger.Block, error) {
	tombstone := c.once.tombstones.blocks
	if b.deadLetter {
		tombstone = c.once.tombstones.letters
	}
	if b.bytes == int64(len(tombstone)) {
		if file, err := io.ReadAll(b.content()); err == nil && bytes.Equal(file, tombstone) {
			return nil, store.Permanent(fmt.Errorf("block %s: its file of %d rows is the same as one of none: the writer must write something for each row", b.id, b.rows))
		}
	}
	at, err := c.once.locate(ctx, c.placeOf(b))
	if err != nil {
		return nil, fmt.Errorf("find the place of block %s: %w", b.id, err)
	}
	b.located = at
	if err := c.probeKey(ctx, b); err != nil {
		return nil, fmt.Errorf("try the place of block %s: %w", b.id, err)
	}
	return &ledger.Block{
		ID:        b.id,
		Place:     ledger.Place{Root: at.Root, Name: at.Name},
		Tombstone: tombstone,
		Lineage:   b.lineage,
		Segments:  ledger.NewSegments(b.messages()),
		Messages:  b.messagesIn,
		Before:    b.before, Redelivered: b.redelivered(),
		Age: func() time.Duration { return c.once.clock.Now().Since(b.oldest) },
	}, nil
}

// probeKey returns an error if the place of a block overwrites. Whatever else is wrong, storing the block tells, again and again.
func (c *committer[K]) probeKey(ctx context.Context, b *block[K]) error {
	prober, ok := c.store.(store.KeyProber[K])
	if !ok || b.deadLetter {
		return nil
	}
	err := noPanic("the store", func() error { return prober.ProbeKey(ctx, b.destKey) })
	if !errors.Is(err, store.ErrNotCreateOnly) {
		return nil
	}
	return store.Permanent(err)
}

// redelivered reports whether some of the messages were delivered before.
func (m *messageRefs) redelivered() bool {
	for ref := range m.refs.all() {
		if ref.numDelivered > 1 {
			return true
		}
	}
	return false
}

// messagesIn returns the messages whose sequences are in a set.
func (m *messageRefs) messagesIn(seqs *roaring64.Bitmap) (in []ledger.Message) {
	for message := range m.messages() {
		if seqs.Contains(message.Seq) {
			in = append(in, message)
		}
	}
	return in
}

// locate returns where a file goes.
func (e *exactlyOnce[K]) locate(ctx context.Context, p place[K]) (at store.Location, err error) {
	err = noPanic("the store", func() error {
		if p.root {
			at, err = e.locator.LocateRoot(ctx, p.dir, p.file)
		} else {
			at, err = e.locator.Locate(ctx, p.destKey, p.dir, p.file)
		}
		return err
	})
	return at, err
}

// create stores content at a place that was claimed, whatever the capture's settings would make of it now.
func (e *exactlyOnce[K]) create(ctx context.Context, at store.Location, content io.ReadSeeker) (location string, err error) {
	bucket, err := e.locator.Bucket(ctx, at.Root)
	if err != nil {
		return "", err
	}
	var attributes map[string]string
	if a, ok := content.(store.Attributed); ok {
		attributes = a.Attributes()
	}
	object, err := bucket.Create(ctx, at.Name, content, attributes)
	return object.Location, err
}

// instanceName tells this capture from all others, and people where it runs.
func instanceName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatUint(rand.Uint64(), 36)
}
