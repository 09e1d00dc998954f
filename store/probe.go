package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNotCreateOnly is what Probe finds where a second Create of a name takes the place of the first.
var ErrNotCreateOnly = errors.New("the store overwrites objects although told not to; exactly-once needs a server with conditional writes")

// ErrNoProbe is what a Prober returns that cannot try what it is made of.
var ErrNoProbe = errors.New("the store cannot be probed: nobody knows whether it refuses to overwrite")

// A Prober is a BlockStore that can be tried, as all of this package and of those below it. A capture that delivers exactly once tries
// it before it begins.
type Prober interface {
	// Probe tries whether blocks can be stored and whether the store refuses to overwrite, as the function Probe does for a Bucket.
	// It leaves nothing behind. The error wraps ErrNotCreateOnly, and is Permanent, if the store overwrites, and ErrNoProbe if that
	// cannot be known.
	Probe(ctx context.Context) error
}

// A KeyProber is a Prober with places that only a destination key leads to, as Choose makes one. A capture that delivers exactly once
// asks it before it stores a block.
type KeyProber[K comparable] interface {
	Prober

	// ProbeKey does what Probe does for the place of a destination key, the first time that this place is asked for; afterwards it
	// returns nil at once.
	ProbeKey(ctx context.Context, destKey K) error
}

// An OverwriteProber is a Bucket that knows more ways in which its server may break what Bucket promises, such as completing a
// multipart upload over an object. The function Probe asks it.
type OverwriteProber interface {
	// ProbeOverwrite tries them on an object that is there. It leaves that as it is, and nothing else behind. The error wraps
	// ErrNotCreateOnly if the object was replaced.
	ProbeOverwrite(ctx context.Context, name string) error
}

const (
	probeFolder  = ownFolder
	probeRemoval = 10 * time.Second // is the most that removal may last, though the caller's context has ended
)

// Probe tries whether b can be written and read, and whether it keeps what Bucket promises: it creates an object
// _jetcapture/probe-…, reads it, tries to replace it, and removes it. The error says which of that failed; it wraps
// ErrNotCreateOnly, and is Permanent, if the object was replaced. That the object cannot be removed is no error, as a lake
// may deny it; it then stays.
func Probe(ctx context.Context, b Bucket) error {
	name := probeFolder + "/probe-" + strings.ToLower(rand.Text())
	written, err := probe(ctx, b, name)
	allowed := probeRemoval
	if !written { // though an answer may have been lost, most likely there is nothing, and nobody who answers
		allowed = time.Second
	}
	remaining, cancel := context.WithTimeout(context.WithoutCancel(ctx), allowed)
	defer cancel()
	if b.Remove(remaining, name) == nil {
		if d, ok := innermost(b).(*Dir); ok {
			_ = os.Remove(filepath.Join(d.root, probeFolder)) // if it is empty
		}
	}
	if err != nil {
		return fmt.Errorf("probe the store: %w", err)
	}
	return nil
}

func probe(ctx context.Context, b Bucket, name string) (written bool, err error) {
	content, other := probeContent(), probeContent()
	attrs := map[string]string{"purpose": "probe"}
	if _, err := b.Create(ctx, name, bytes.NewReader(content), attrs); err != nil {
		return false, fmt.Errorf("it cannot be written: %w", err)
	}
	if err := readProbe(ctx, b, name, content); err != nil {
		return true, fmt.Errorf("it cannot be read: %w", err)
	}
	switch _, err := b.Create(ctx, name, bytes.NewReader(other), attrs); {
	case err == nil:
		return true, Permanent(fmt.Errorf("create %s with other content: %w", name, ErrNotCreateOnly))
	case !errors.Is(err, fs.ErrExist):
		return true, fmt.Errorf("it does not say that a name is taken: %w", err)
	}
	if _, err := b.Create(ctx, name, bytes.NewReader(content), attrs); err != nil {
		return true, fmt.Errorf("it does not know what it has again: %w", err)
	}
	return true, probeInner(ctx, b, name)
}

func probeContent() []byte {
	return []byte("An object by which JetCapture tried whether it can store files here. It may be removed. " + rand.Text() + "\n")
}

func readProbe(ctx context.Context, b Bucket, name string, want []byte) error {
	r, err := b.Open(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(r)
	err = errors.Join(err, r.Close())
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%s reads as %d bytes other than the %d that were written", name, len(got), len(want))
	}
	return err
}

// innermost returns the Bucket below all that Retry, Timeout and Limit put around it.
func innermost(b Bucket) Bucket {
	for {
		outer, ok := b.(interface{ Unwrap() Bucket })
		if !ok {
			return b
		}
		b = outer.Unwrap()
	}
}

// probeInner asks the first OverwriteProber of b and what it is around.
func probeInner(ctx context.Context, b Bucket, name string) error {
	for {
		if p, ok := b.(OverwriteProber); ok {
			return p.ProbeOverwrite(ctx, name)
		}
		outer, ok := b.(interface{ Unwrap() Bucket })
		if !ok {
			return nil
		}
		b = outer.Unwrap()
	}
}

// probeRoot is the Probe of a BlockStore that has many places: it tries that of dead letters.
func probeRoot[K comparable](ctx context.Context, s Locator[K]) error {
	at, err := s.LocateRoot(ctx, probeFolder, "probe")
	if err != nil {
		return fmt.Errorf("probe the store, where dead letters go: %w", err)
	}
	bucket, err := s.Bucket(ctx, at.Root)
	if err != nil {
		return fmt.Errorf("probe the store, where dead letters go: %w", err)
	}
	return Probe(ctx, bucket)
}
