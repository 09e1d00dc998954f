package jetcapture

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/jetcapture/lake/store"
)

var blockIDs = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const (
	fileTime      = "20060102T150405Z"
	blockIDLength = 16
	ledgerPrefix  = 4 // characters of a block's id, if a ledger knows it
)

// newBlockID returns 16 characters that no other block has: 80 random bits, in letters that survive file systems which
// do not tell upper from lower case. Blocks of one ledger have its prefix in place of the first of them.
func newBlockID(prefix string) string {
	var id [10]byte
	_, _ = rand.Read(id[:]) // never fails
	return prefix + blockIDs.EncodeToString(id[:])[len(prefix):]
}

// blockPrefix returns what the ids of blocks begin with that a ledger knows, or has known before it lost its end. Other
// captures may put files into the same folders.
func blockPrefix(token string) string {
	hash := sha256.Sum256([]byte(token))
	return blockIDs.EncodeToString(hash[:])[:ledgerPrefix]
}

// fileName names a block's file: sortable by interval and sequence, and unique by the block's id.
//
//	20261123T121500Z-0000000000000001-0000000000200000-4g8wkzq0v3c1m9ta.parquet
func fileName(start time.Time, firstSeq, lastSeq uint64, id string, extensions ...string) string {
	var name strings.Builder
	fmt.Fprintf(&name, "%s-%016d-%016d-%s", start.UTC().Format(fileTime), firstSeq, lastSeq, id)
	for _, extension := range extensions {
		if extension = strings.TrimPrefix(extension, "."); extension != "" {
			name.WriteByte('.')
			name.WriteString(extension)
		}
	}
	return name.String()
}

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
	err = noPanic("the store", func() error {
		if l.root {
			at, err = locator.LocateRoot(ctx, l.dir, l.file)
		} else {
			at, err = locator.Locate(ctx, l.destKey, l.dir, l.file)
		}
		return err
	})
	return at, err
}
