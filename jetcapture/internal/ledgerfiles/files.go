// Package ledgerfiles gives the ledger its view of the store: the tombstones that settle claims, and the files that are there.
package ledgerfiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/blockname"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/retry"
	"github.com/jetcapture/lake/store"
)

// Files is the store as a ledger.Files. Places come from entries of the ledger, which others may have written: the store's buckets refuse
// names that are not valid, and roots that are not their own.
type Files[K comparable] struct {
	Locator store.Locator[K]
	Reader  func() (format.MessageReader, bool)             // of the files of blocks; false if their format does not have the messages
	Prefix  string                                          // of the ids of the ledger's blocks
	Pause   func(ctx context.Context, d time.Duration) bool // waits before another attempt; false if ctx ended first
	Log     *zap.Logger
	Often   *zap.Logger // for lines that may come again and again
}

func (f Files[K]) bucket(ctx context.Context, at ledger.Place) (bucket store.Bucket, err error) {
	err = guard.Call("the store", func() error {
		bucket, err = f.Locator.Bucket(ctx, at.Root)
		return err
	})
	return bucket, err
}

// CreateTombstone implements ledger.Files. While the store fails it tries again until ctx ends, as storing a block does: otherwise the block
// that waits for it would be given up, and all of its messages delivered again.
func (f Files[K]) CreateTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	bucket, err := f.bucket(ctx, at)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := guard.Call("the store", func() error {
			_, err := bucket.Create(ctx, at.Name, bytes.NewReader(content), nil)
			return err
		})
		if err == nil || ctx.Err() != nil || errors.Is(err, fs.ErrExist) || store.IsPermanent(err) {
			return err
		}
		wait := max(retry.Backoff(attempt), min(store.WaitOf(err), retry.MostAsked))
		f.Often.Warn("creating a tombstone failed, will retry", zap.String("file", at.Name), zap.Int("attempt", attempt),
			zap.Duration("retry_in", wait), zap.Error(err))
		if !f.Pause(ctx, wait) {
			return err
		}
	}
}

// RemoveTombstone implements ledger.Files.
func (f Files[K]) RemoveTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	bucket, err := f.bucket(ctx, at)
	if err != nil {
		return err
	}
	return guard.Call("the store", func() error { return store.RemoveExactly(ctx, bucket, at.Name, content) })
}

// Beside implements ledger.Files.
func (f Files[K]) Beside(ctx context.Context, at ledger.Place) (files []ledger.File, err error) {
	bucket, err := f.bucket(ctx, at)
	if err != nil {
		return nil, err
	}
	folder, _ := path.Split(at.Name)
	for object, err := range bucket.List(ctx, folder) {
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(object.Name, folder)
		if file, ok := f.parse(name); ok {
			file.Place = ledger.Place{Root: at.Root, Name: object.Name}
			files = append(files, file)
		}
	}
	return files, nil
}

// objectsBelow is how many objects Below looks at: a store lists a thousand at a time.
const objectsBelow = 200_000

// Below implements ledger.Files.
func (f Files[K]) Below(ctx context.Context, folders []ledger.Place, known func(block string) bool) (files []ledger.File, err error) {
	seen := 0
	for _, folder := range folders {
		bucket, err := f.bucket(ctx, folder)
		if err != nil {
			return nil, err
		}
		prefix := folder.Name + "/"
		if folder.Name == "." {
			prefix = ""
		}
		for object, err := range bucket.List(ctx, prefix) {
			if err != nil {
				return nil, err
			}
			if seen++; seen > objectsBelow {
				f.Log.Warn("the ledger may have lost claims of captures with another layout, and there are too many files to look at all of them: messages may be archived twice",
					zap.Int("looked_at", objectsBelow), zap.String("up_to", object.Name))
				return files, nil
			}
			file, ok := f.parse(path.Base(object.Name))
			if ok && !known(file.Block) {
				file.Place = ledger.Place{Root: folder.Root, Name: object.Name}
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// Messages implements ledger.Files for files of this capture's format, and for dead letters.
func (f Files[K]) Messages(ctx context.Context, at ledger.Place) (messages []ledger.Message, err error) {
	var reader format.MessageReader = letterReader{}
	if !strings.HasSuffix(at.Name, "."+LetterSuffix) {
		var ok bool
		if reader, ok = f.Reader(); !ok {
			return nil, ledger.ErrUnreadable
		}
	}
	bucket, err := f.bucket(ctx, at)
	if err != nil {
		return nil, err
	}
	file, err := store.NewReaderAt(ctx, bucket, at.Name)
	if err != nil {
		return nil, err
	}
	err = guard.Call("the format", func() error {
		return reader.ReadMessages(file, file.Size(), func(seq uint64, t time.Time) {
			messages = append(messages, ledger.Message{Seq: seq, Time: t.UnixNano()})
		})
	})
	if errors.Is(err, format.ErrNoMessages) {
		err = fmt.Errorf("%w: %w", ledger.ErrUnreadable, err)
	}
	return messages, err
}

// parse reads the name of a file, and returns false if it is not of a block of the ledger.
func (f Files[K]) parse(name string) (file ledger.File, ok bool) {
	file.Block, file.First, file.Last, ok = blockname.Parse(name)
	return file, ok && strings.HasPrefix(file.Block, f.Prefix)
}
