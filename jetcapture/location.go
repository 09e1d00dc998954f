package jetcapture

import (
	"context"
	"errors"
	"io"
	"path"
	"time"

	"github.com/jetcapture/lake/jetcapture/internal/guard"
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

func (l *location[K]) write(ctx context.Context, s BlockStore[K], content io.Reader) (location string, took time.Duration, err error) {
	if l.root {
		root, ok := s.(store.RootWriter)
		if !ok {
			return "", 0, store.Permanent(errors.New("the store has no place beside its destination keys"))
		}
		location, _, took, err = root.WriteRoot(ctx, content, l.dir, l.file)
		return location, took, err
	}
	location, _, took, err = s.Write(ctx, content, l.destKey, l.dir, l.file)
	return location, took, err
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
