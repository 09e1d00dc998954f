// Package blockname makes the ids of blocks and the names of their files.
package blockname

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"
)

var ids = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

const (
	timeLayout   = "20060102T150405Z"
	idLength     = 16
	prefixLength = 4
)

// NewID returns 16 characters that no other block has: 80 random bits, in letters that survive file systems which do not tell upper from
// lower case. The prefix replaces the first of them.
func NewID(prefix string) string {
	var id [10]byte
	_, _ = rand.Read(id[:]) // never fails
	return prefix + ids.EncodeToString(id[:])[len(prefix):]
}

// Prefix returns the start of the ids of all blocks of a ledger. It tells their files from those of other captures in the same folder,
// also after the ledger has lost its end.
func Prefix(token string) string {
	hash := sha256.Sum256([]byte(token))
	return ids.EncodeToString(hash[:])[:prefixLength]
}

// File returns the name of a block's file, which sorts by interval and sequence, and which no other file has:
//
//	20261123T121500Z-0000000000000001-0000000000200000-4g8wkzq0v3c1m9ta.parquet
func File(start time.Time, firstSeq, lastSeq uint64, id string, extensions ...string) string {
	var name strings.Builder
	fmt.Fprintf(&name, "%s-%016d-%016d-%s", start.UTC().Format(timeLayout), firstSeq, lastSeq, id)
	for _, extension := range extensions {
		if extension = strings.TrimPrefix(extension, "."); extension != "" {
			name.WriteByte('.')
			name.WriteString(extension)
		}
	}
	return name.String()
}

// Parse returns the id and the sequences in a name that File has made.
func Parse(name string) (id string, firstSeq, lastSeq uint64, ok bool) {
	base, _, _ := strings.Cut(name, ".")
	parts := strings.Split(base, "-")
	if len(parts) != 4 || strings.Contains(name, "/") || len(parts[3]) != idLength {
		return "", 0, 0, false
	}
	if _, err := time.Parse(timeLayout, parts[0]); err != nil {
		return "", 0, 0, false
	}
	firstSeq, err1 := strconv.ParseUint(parts[1], 10, 64)
	lastSeq, err2 := strconv.ParseUint(parts[2], 10, 64)
	return parts[3], firstSeq, lastSeq, err1 == nil && err2 == nil && firstSeq <= lastSeq
}
