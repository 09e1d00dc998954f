package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/jetcapture/lake/store/internal/destkey"
)

// A Location names an object of a BlockStore before it is written. A Location from an untrusted source
// is safe to use: it is neither a path nor a URL, and leads only to buckets that the store itself knows.
type Location struct {
	Root string // the bucket, for Locator.Bucket; "" if the store has one bucket. Only the store can interpret it
	Name string // the object's name in that bucket, valid by ValidName
}

// A Locator is a BlockStore that says where Write will put a block before it is written. Captures that deliver exactly once
// need one: their ledger keeps the Location of each block, so that a capture with other settings finds the block.
//
// Equal arguments give equal Locations, in all processes whose stores are set up in the same way. No method does I/O, except in
// functions that the caller gave the store. All may be called concurrently.
type Locator[K comparable] interface {
	// Locate returns where Write would store a block with the same arguments. The error wraps ErrDestKey if this destination
	// key has no place. An error that is not Permanent may go away.
	Locate(ctx context.Context, destKey K, dir, fileName string) (Location, error)

	// LocateRoot returns where WriteRoot would store a block, or, if the store is not a RootWriter, where Write would store it
	// under the zero destination key.
	LocateRoot(ctx context.Context, dir, fileName string) (Location, error)

	// Bucket returns the Bucket of a Location.Root. Write does Create with the Location's Name in it. The error is Permanent if
	// this store does not return such a root.
	Bucket(ctx context.Context, root string) (Bucket, error)
}

// ErrDestKey is wrapped by errors of a Locator, and of Write, about a single destination key: it cannot be resolved or encoded,
// or gives an invalid name. Other destination keys may work. Such an error is Permanent.
var ErrDestKey = errors.New("the destination key has no place")

// noPlace adds ErrDestKey to a Permanent error about a destination key, unless it is about all destination keys of the type. Other
// errors, which may go away, stay unchanged.
func noPlace(err error) error {
	var allOfThem *destkey.TypeError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDestKey):
		return Permanent(err)
	case !IsPermanent(err) || errors.As(err, &allOfThem):
		return err
	}
	return Permanent(fmt.Errorf("%w: %w", ErrDestKey, err))
}

// joinBelow returns the name of a block below the folder of its destination key.
func joinBelow(folder, dir, fileName string) (string, error) {
	if _, err := joinName(fileName, dir); err != nil {
		return "", err
	}
	name, err := joinName(fileName, folder, dir)
	return name, noPlace(err)
}

// RemoveExactly removes the object if it has exactly the given content. If it has other content, or there is no object, it does
// nothing and returns nil. It is not atomic: the object must not be replaced meanwhile.
func RemoveExactly(ctx context.Context, b Bucket, name string, content []byte) error {
	there, err := b.Open(ctx, name, 0, int64(len(content))+1)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err // the bucket names what it tried, and the object
	}
	got, err := io.ReadAll(there)
	_ = there.Close()
	if err != nil {
		return fmt.Errorf("compare %s with what is to be removed: %w", quote(name), err)
	}
	if !bytes.Equal(got, content) {
		return nil
	}
	return b.Remove(ctx, name)
}
