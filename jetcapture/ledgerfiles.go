package jetcapture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// ledgerFiles are the store, as the ledger needs it. Places come from the ledger's entries, which others may have written:
// the store's buckets refuse names that are not valid, and roots that are not their own.
type ledgerFiles[K DestKey] struct {
	locator store.Locator[K]
	reader  func() (format.MessageReader, bool) // of files of blocks; false if their format does not tell messages
	prefix  string                              // of the ids of the ledger's blocks
	log     logger
}

func (f ledgerFiles[K]) bucket(ctx context.Context, at ledger.Place) (bucket store.Bucket, err error) {
	err = noPanic("the store", func() error {
		bucket, err = f.locator.Bucket(ctx, at.Root)
		return err
	})
	return bucket, err
}

// CreateTombstone tries as long as ctx allows while the store fails, as storing a block does: the block that waits for it
// would be given up otherwise, and all of its messages delivered again.
func (f ledgerFiles[K]) CreateTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	bucket, err := f.bucket(ctx, at)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := noPanic("the store", func() error {
			_, err := bucket.Create(ctx, at.Name, bytes.NewReader(content), nil)
			return err
		})
		if err == nil || ctx.Err() != nil || errors.Is(err, fs.ErrExist) || store.IsPermanent(err) {
			return err
		}
		wait := max(backoff(attempt), min(store.WaitOf(err), retryAfterMax))
		f.log.often.Warn("settling what another capture claimed failed, will retry", zap.String("file", at.Name), zap.Int("attempt", attempt),
			zap.Duration("retry_in", wait), zap.Error(err))
		if !yield(ctx, func() bool { return sleep(ctx, wait) }) {
			return err
		}
	}
}

func (f ledgerFiles[K]) RemoveTombstone(ctx context.Context, at ledger.Place, content []byte) error {
	bucket, err := f.bucket(ctx, at)
	if err != nil {
		return err
	}
	return noPanic("the store", func() error { return store.RemoveExactly(ctx, bucket, at.Name, content) })
}

func (f ledgerFiles[K]) Beside(ctx context.Context, at ledger.Place) (files []ledger.File, err error) {
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
		if file, ok := parseFileName(name); ok && strings.HasPrefix(file.Block, f.prefix) {
			file.Place = ledger.Place{Root: at.Root, Name: object.Name}
			files = append(files, file)
		}
	}
	return files, nil
}

// filesBelow is how many objects Below looks at: a store lists a thousand at a time.
const filesBelow = 200_000

func (f ledgerFiles[K]) Below(ctx context.Context, folders []ledger.Place, known func(block string) bool) (files []ledger.File, err error) {
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
			if seen++; seen > filesBelow {
				f.log.Warn("the ledger may have lost what captures with another layout have claimed, and not all of their files can be looked at: messages may be archived twice",
					zap.Int("looked_at", filesBelow), zap.String("up_to", object.Name))
				return files, nil
			}
			file, ok := parseFileName(path.Base(object.Name))
			if ok && strings.HasPrefix(file.Block, f.prefix) && !known(file.Block) {
				file.Place = ledger.Place{Root: folder.Root, Name: object.Name}
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// Messages reads a file of this capture's format. Dead letters say what they are of in any case.
func (f ledgerFiles[K]) Messages(ctx context.Context, at ledger.Place) (messages []ledger.Message, err error) {
	var reader format.MessageReader = deadLetterReader{}
	if !strings.HasSuffix(at.Name, "."+deadLetterSuffix) {
		var ok bool
		if reader, ok = f.reader(); !ok {
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
	err = noPanic("the format", func() error {
		return reader.ReadMessages(file, file.Size(), func(seq uint64, t time.Time) {
			messages = append(messages, ledger.Message{Seq: seq, Time: t.UnixNano()})
		})
	})
	if errors.Is(err, format.ErrNoMessages) {
		err = fmt.Errorf("%w: %w", ledger.ErrUnreadable, err)
	}
	return messages, err
}

// parseFileName is the inverse of fileName.
func parseFileName(name string) (f ledger.File, ok bool) {
	base, _, _ := strings.Cut(name, ".")
	parts := strings.Split(base, "-")
	if len(parts) != 4 || strings.Contains(name, "/") || len(parts[3]) != blockIDLength {
		return f, false
	}
	if _, err := time.Parse(fileTime, parts[0]); err != nil {
		return f, false
	}
	first, err1 := strconv.ParseUint(parts[1], 10, 64)
	last, err2 := strconv.ParseUint(parts[2], 10, 64)
	return ledger.File{Block: parts[3], First: first, Last: last}, err1 == nil && err2 == nil && first <= last
}

// emptyFile returns the file of a block without rows.
func emptyFile[K DestKey](e encoder, spec blockSpec) (file []byte, err error) {
	b := &block[K]{}
	spec.spools = nil
	if err := b.openEncoder(e, spec); err != nil {
		return nil, err
	}
	defer b.spool.close()
	setMetadata(e, fileMetadata(map[string]string{"tombstone": "true"}))
	if err := b.finishFile(); err != nil {
		return nil, fmt.Errorf("make a file without rows: %w", err)
	}
	return io.ReadAll(b.spool.reader())
}
