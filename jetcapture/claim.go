package jetcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/store"
)

// A Delivery says how often a capture stores each message.
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

// exactlyOnce is the part of a capture that ExactlyOnce needs.
type exactlyOnce[K DestKey] struct {
	*ledger.Ledger
	name       string // of the ledger's stream
	book       *ledger.Book
	clock      *elapsed.Clock
	locator    store.Locator[K]
	tombstones struct{ blocks, deadLetters []byte } // files without rows
}

// claim describes a block to the ledger, and determines where it is stored.
func (e *exactlyOnce[K]) claim(ctx context.Context, b *block[K], s BlockStore[K], layout store.Layout) (*ledger.Block, error) {
	tombstone := e.tombstones.blocks
	if b.deadLetter {
		tombstone = e.tombstones.deadLetters
	}
	if b.bytes == int64(len(tombstone)) {
		if file, err := io.ReadAll(b.content()); err == nil && bytes.Equal(file, tombstone) {
			return nil, store.Permanent(fmt.Errorf("block %s: its file of %d rows is the same as one of none: the writer must write something for each row", b.id, b.rows))
		}
	}
	to := locationOf(b, s, layout)
	at, err := to.locate(ctx, e.locator)
	if err != nil {
		return nil, fmt.Errorf("find the location of block %s: %w", b.id, err)
	}
	b.claimed = at
	if err := probeKey(ctx, b, s); err != nil {
		return nil, fmt.Errorf("try the location of block %s: %w", b.id, err)
	}
	return &ledger.Block{
		ID:        b.id,
		Place:     ledger.Place{Root: at.Root, Name: at.Name},
		Tombstone: tombstone,
		Lineage:   b.lineage,
		Segments:  ledger.NewSegments(b.Messages()),
		Messages:  func(seqs *roaring64.Bitmap) []ledger.Message { return b.MessagesIn(seqs.Contains) },
		Before:    b.before, Redelivered: b.Redelivered(),
		Age: func() time.Duration { return e.clock.Now().Since(b.oldest) },
	}, nil
}

// probeKey returns an error if the location of a block overwrites. Any other error shows when the block is stored, again and again.
func probeKey[K DestKey](ctx context.Context, b *block[K], s BlockStore[K]) error {
	prober, ok := s.(store.KeyProber[K])
	if !ok || b.deadLetter {
		return nil
	}
	err := guard.Call("the store", func() error { return prober.ProbeKey(ctx, b.destKey) })
	if !errors.Is(err, store.ErrNotCreateOnly) {
		return nil
	}
	return store.Permanent(err)
}

var errFaster = errors.New("another block has some of its messages, or its claim was taken for abandoned")

// endsCapture reports whether an error of the ledger stays the same however often it is tried.
func endsCapture(err error) bool {
	for _, end := range []error{ledger.ErrLost, ledger.ErrNewer, ledger.ErrUnfit, ledger.ErrUncertain, ledger.ErrOtherStore} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

// create stores content at a location that was claimed, even if the capture's settings would give another one now.
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
