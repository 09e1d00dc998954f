package jetcapture

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
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

// fileName names a block's file: sortable by interval and sequence, and unique for ever by the block's id.
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
