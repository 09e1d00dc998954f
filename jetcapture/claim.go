package jetcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/jetcapture/lake/jetcapture/internal/elapsed"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/store"
)

// A location is where a block's file goes, as the store is told.
type location[K DestKey] struct {
	destKey K
	root    bool // beside all destination keys
	dir     string
	file    string
}

// locationOf returns where a block goes.
func locationOf[K DestKey](b *block[K], s BlockStore[K], layout store.Layout) location[K] {
	at := location[K]{destKey: b.destKey, dir: layout(b.start), file: b.fileName()}
	if b.deadLetter {
		at.dir = path.Join(deadLetterDir, at.dir)
		_, at.root = s.(store.RootWriter)
	}
	return at
}

func (l *location[K]) write(ctx context.Context, s BlockStore[K], content io.Reader) (location string, duration time.Duration, err error) {
	if l.root {
		root, ok := s.(store.RootWriter)
		if !ok {
			return "", 0, store.Permanent(errors.New("the store has no place beside its destination keys"))
		}
		location, _, duration, err = root.WriteRoot(ctx, content, l.dir, l.file)
		return location, duration, err
	}
	location, _, duration, err = s.Write(ctx, content, l.destKey, l.dir, l.file)
	return location, duration, err
}

// locate asks the store where a file goes.
func (l *location[K]) locate(ctx context.Context, locator store.Locator[K]) (at store.Location, err error) {
	err = guard.Call("the store", func() error {
		if l.root {
			at, err = locator.LocateRoot(ctx, l.dir, l.file)
		} else {
			at, err = locator.Locate(ctx, l.destKey, l.dir, l.file)
		}
		return err
	})
	return at, err
}

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
