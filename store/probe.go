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

// ErrNotCreateOnly is wrapped by the error of Probe if a second Create of a name replaced the content of the first.
var ErrNotCreateOnly = errors.New("the store overwrites objects although told not to; exactly-once needs a server with conditional writes")

// ErrNoProbe is wrapped by the error of a Prober that is made of stores which cannot be probed.
var ErrNoProbe = errors.New("the store cannot be probed: it is not known whether it refuses to overwrite")

// A Prober is a BlockStore that can probe the buckets that it writes to. The function Probe does the same for a single Bucket. All
// BlockStores of this package and of those below it are Probers. A capture that delivers exactly once probes its store before it
// begins.
type Prober interface {
	// Probe tests whether blocks can be stored and whether the store refuses to overwrite, by calling the function Probe for its
	// bucket. If the bucket depends on the destination key, it probes the one of dead letters, and KeyProber the others. The error
	// wraps ErrNotCreateOnly, and is Permanent, if the store overwrites, and wraps ErrNoProbe if that cannot be known.
	Probe(ctx context.Context) error
}

// A KeyProber is a Prober whose buckets depend on the destination key, such as one of Choose. A capture that delivers exactly once
// calls it before it stores a block.
type KeyProber[K comparable] interface {
	Prober

	// ProbeKey probes the bucket of a destination key the first time that it is called for this bucket. Afterwards it returns nil
	// at once.
	ProbeKey(ctx context.Context, destKey K) error
}

// An OverwriteProber is a Bucket whose server may overwrite in more ways than by a plain Create, such as by completing a multipart
// upload. The function Probe calls it; programs need not.
type OverwriteProber interface {
	// ProbeOverwrite tries these ways on an existing object. It leaves the object unchanged, and nothing else behind. The error wraps
	// ErrNotCreateOnly if the object was replaced.
	ProbeOverwrite(ctx context.Context, name string) error
}

const (
	probeFolder  = ownFolder
	probeRemoval = 10 * time.Second // limits the removal, which happens even if the caller's context has ended
)

// Probe tests whether b can be written and read, and whether it keeps the promises of Bucket: it creates an object
// _jetcapture/probe-…, reads it, tries to replace it, and removes it. The error says which step failed; it wraps ErrNotCreateOnly,
// and is Permanent, if the object was replaced. Failing to remove the object is not an error, since a store may deny it; the object
// then stays.
func Probe(ctx context.Context, b Bucket) error {
	name := probeFolder + "/probe-" + strings.ToLower(rand.Text())
	written, err := probe(ctx, b, name)
	allowed := probeRemoval
	if !written { // most likely there is no object, and no server that answers; but only the answer may have been lost
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
		return true, fmt.Errorf("creating the same object again fails: %w", err)
	}
	return true, probeInner(ctx, b, name)
}

func probeContent() []byte {
	return []byte("An object by which JetCapture tested whether it can store files here. It may be removed. " + rand.Text() + "\n")
}

func readProbe(ctx context.Context, b Bucket, name string, want []byte) error {
	r, err := b.Open(ctx, name, 0, -1)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(r)
	err = errors.Join(err, r.Close())
	if err == nil && !bytes.Equal(got, want) {
		err = fmt.Errorf("%s reads as %d bytes, which differ from the %d that were written", name, len(got), len(want))
	}
	return err
}

// A Wrapper is a Bucket around another, as Retry, Timeout and Limit return. By Unwrap, Probe finds an OverwriteProber inside, and
// Choose recognizes a bucket that it has probed.
type Wrapper interface {
	Bucket

	// Unwrap returns the Bucket inside.
	Unwrap() Bucket
}

// innermost returns the Bucket inside all Wrappers.
func innermost(b Bucket) Bucket {
	for {
		outer, ok := b.(Wrapper)
		if !ok {
			return b
		}
		b = outer.Unwrap()
	}
}

// probeInner calls the outermost OverwriteProber among b and the Buckets inside it, if there is one.
func probeInner(ctx context.Context, b Bucket, name string) error {
	for {
		if p, ok := b.(OverwriteProber); ok {
			return p.ProbeOverwrite(ctx, name)
		}
		outer, ok := b.(Wrapper)
		if !ok {
			return nil
		}
		b = outer.Unwrap()
	}
}

// probeRoot is the Probe of a BlockStore with many buckets: it probes the one of dead letters.
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
