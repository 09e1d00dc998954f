package ledger

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

const (
	maxTombstone    = 16 << 20 // bytes; a file without rows is a few thousand
	knownTombstones = 4
)

// tombstones has the latest tombstones of claims. A capture has two tombstones, and captures with the same flags have the same two, so few need
// to be compressed or decompressed, which is the most expensive part of a claim.
var tombstones struct {
	mu    sync.Mutex
	known [knownTombstones]tombstone
	next  int
}

// A tombstone is content that must not be changed any more, and the same compressed.
type tombstone struct{ plain, deflated []byte }

// knownTombstone returns the one that is asked for.
func knownTombstone(is func(t tombstone) bool) (tombstone, bool) {
	tombstones.mu.Lock()
	defer tombstones.mu.Unlock()
	for _, t := range tombstones.known {
		if len(t.plain) > 0 && is(t) {
			return t, true
		}
	}
	return tombstone{}, false
}

func (t tombstone) remember() {
	tombstones.mu.Lock()
	defer tombstones.mu.Unlock()
	tombstones.known[tombstones.next] = t
	tombstones.next = (tombstones.next + 1) % knownTombstones
}

// deflate makes nothing of nothing, as parts but the first have no tombstone.
func deflate(p []byte) ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if t, ok := knownTombstone(func(t tombstone) bool { return bytes.Equal(t.plain, p) }); ok {
		return t.deflated, nil
	}
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(p); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	tombstone{bytes.Clone(p), b.Bytes()}.remember()
	return b.Bytes(), nil
}

func inflate(p []byte) ([]byte, error) {
	if len(p) == 0 {
		return nil, nil
	}
	if t, ok := knownTombstone(func(t tombstone) bool { return bytes.Equal(t.deflated, p) }); ok {
		return t.plain, nil
	}
	all, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(p)), maxTombstone+1))
	if err == nil && len(all) > maxTombstone {
		err = errors.New("it is too large")
	}
	if err != nil || len(all) == 0 {
		return nil, err
	}
	tombstone{all, bytes.Clone(p)}.remember()
	return all, nil
}
