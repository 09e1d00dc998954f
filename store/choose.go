package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jetcapture/lake/store/internal/destkey"
)

// Choose returns a BlockStore that puts each block into the store that pick returns for its destination key, such as a bucket for
// each tenant. Blocks without a destination key, which are dead letters, go into root. It is a RootWriter, and a Locator and a KeyProber
// as far as the stores that it is given are Locators and Probers. Probe probes root. A capture that delivers exactly once probes the
// others when it first uses them, and ends if one of them overwrites.
//
// pick is called for each attempt to store or locate a block, by several goroutines at a time, and must not open a connection each
// time: let it keep the stores that it returned, for as many destination keys as there can be. For a destination key it must return
// the same place each time, in all captures of a consumer. Its errors are returned unchanged, but a Permanent one, for a problem that
// retrying cannot fix, then also wraps ErrDestKey.
func Choose[K comparable](pick func(destKey K) (BlockStore[K], error), root BlockStore[K]) BlockStore[K] {
	return &chooser[K]{pick: pick, root: root, probed: make(map[any]time.Time)}
}

type chooser[K comparable] struct {
	pick func(K) (BlockStore[K], error)
	root BlockStore[K]

	mu     sync.Mutex
	probed map[any]time.Time // places that ProbeKey has probed, at most maxProbed, and when to probe them again; zero for never
}

const (
	maxProbed  = 10_000          // places that ProbeKey probes; there are more if pick makes a new one each time
	probeAgain = 5 * time.Minute // after a place could not be probed
)

func (c *chooser[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	picked, err := c.storeOf(destKey)
	if err != nil {
		return "", 0, 0, err
	}
	return picked.Write(ctx, block, destKey, dir, fileName)
}

func (c *chooser[K]) storeOf(destKey K) (BlockStore[K], error) {
	if c.pick == nil {
		return nil, Permanent(errors.New("choose store: the function that picks a store is nil: give Choose one"))
	}
	picked, err := c.pick(destKey)
	if err == nil && picked == nil {
		err = Permanent(fmt.Errorf("the function returned nil for destination key %s: return a store, or an error", quote(fmt.Sprint(destKey))))
	}
	if err != nil {
		return nil, noPlace(fmt.Errorf("choose store: %w", err))
	}
	return picked, nil
}

// WriteRoot implements RootWriter. If root is not a RootWriter, the block goes under its zero destination key.
func (c *chooser[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	if c.root == nil {
		return "", 0, 0, errNoRootStore
	}
	if root, ok := c.root.(RootWriter); ok {
		return root.WriteRoot(ctx, block, dir, fileName)
	}
	var zero K
	return c.root.Write(ctx, block, zero, dir, fileName)
}

var errNoRootStore = Permanent(errors.New("store a dead letter: Choose was given no root, the store of blocks without a destination key"))

// Probe implements Prober: it probes root. ProbeKey probes the stores of destination keys, since only the destination keys of messages
// need to have one.
func (c *chooser[K]) Probe(ctx context.Context) error {
	if c.root == nil {
		return errNoRootStore
	}
	return probeBlocks(ctx, c.root)
}

// ProbeKey implements KeyProber.
func (c *chooser[K]) ProbeKey(ctx context.Context, destKey K) error {
	picked, err := c.storeOf(destKey)
	if err != nil {
		return err
	}
	if inner, ok := picked.(KeyProber[K]); ok {
		return inner.ProbeKey(ctx, destKey)
	}
	place, ok := placeOf(ctx, picked, destKey)
	if !ok || !c.isDue(place) {
		return nil
	}
	err = probeBlocks(ctx, picked)
	c.note(place, err)
	if err != nil && !errors.Is(err, ErrNoProbe) {
		return fmt.Errorf("choose store: %w", err)
	}
	return nil
}

// placeOf returns a value that identifies the place of a destination key, also if pick makes a new store each time: the innermost
// bucket, or the path of a local folder.
func placeOf[K comparable](ctx context.Context, picked BlockStore[K], destKey K) (place any, ok bool) {
	place = picked
	if locator, err := locatorFor(picked); err == nil {
		if at, err := locator.Locate(ctx, destKey, "", "x"); err == nil {
			if bucket, err := locator.Bucket(ctx, at.Root); err == nil {
				place = innermost(bucket)
			}
		}
	}
	if d, isDir := place.(*Dir); isDir {
		place = d.root
	}
	return place, reflect.ValueOf(place).Comparable()
}

// isDue reports whether a place is to be probed.
func (c *chooser[K]) isDue(place any) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	next, known := c.probed[place]
	if !known {
		return len(c.probed) < maxProbed
	}
	return !next.IsZero() && time.Now().After(next)
}

// note records the result of probing a place. A place that overwrites stays due, and one that could not be probed is probed again later.
func (c *chooser[K]) note(place any, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil, errors.Is(err, ErrNoProbe):
		c.probed[place] = time.Time{}
	case errors.Is(err, ErrNotCreateOnly):
		delete(c.probed, place)
	default:
		c.probed[place] = time.Now().Add(probeAgain)
	}
}

func probeBlocks[K comparable](ctx context.Context, s BlockStore[K]) error {
	if p, ok := s.(Prober); ok {
		return p.Probe(ctx)
	}
	return fmt.Errorf("probe a %T that Choose was given: %w", s, ErrNoProbe)
}

// The Root of a chooser's Location begins with rootMark for blocks of WriteRoot, and otherwise with the destination key, after its
// length and a colon. The Root of the chosen store follows.
const rootMark = "r"

// Locate implements Locator.
func (c *chooser[K]) Locate(ctx context.Context, destKey K, dir, fileName string) (Location, error) {
	locator, err := c.locatorOf(destKey)
	if err != nil {
		return Location{}, err
	}
	keyText, err := destkey.Encode(destKey)
	if err != nil {
		return Location{}, noPlace(Permanent(fmt.Errorf("choose store: %w", err)))
	}
	at, err := locator.Locate(ctx, destKey, dir, fileName)
	if err != nil {
		return Location{}, err
	}
	at.Root = chosenRoot(keyText, at.Root)
	return at, nil
}

func chosenRoot(keyText, innerRoot string) string {
	return strconv.Itoa(len(keyText)) + ":" + keyText + innerRoot
}

func (c *chooser[K]) locatorOf(destKey K) (Locator[K], error) {
	picked, err := c.storeOf(destKey)
	if err != nil {
		return nil, err
	}
	return locatorFor(picked)
}

func locatorFor[K comparable](chosen BlockStore[K]) (Locator[K], error) {
	if locator, ok := chosen.(Locator[K]); ok {
		return locator, nil
	}
	return nil, Permanent(fmt.Errorf("choose store: a %T cannot say where a block will go: give Choose stores that implement store.Locator, such as those of Blocks", chosen))
}

// LocateRoot implements Locator.
func (c *chooser[K]) LocateRoot(ctx context.Context, dir, fileName string) (Location, error) {
	if c.root == nil {
		return Location{}, errNoRootStore
	}
	locator, err := locatorFor(c.root)
	if err != nil {
		return Location{}, err
	}
	var at Location
	if _, ok := c.root.(RootWriter); ok {
		at, err = locator.LocateRoot(ctx, dir, fileName)
	} else {
		var zero K
		at, err = locator.Locate(ctx, zero, dir, fileName)
	}
	if err != nil {
		return Location{}, err
	}
	at.Root = rootMark + at.Root
	return at, nil
}

// Bucket implements Locator.
func (c *chooser[K]) Bucket(ctx context.Context, root string) (Bucket, error) {
	if innerRoot, ok := strings.CutPrefix(root, rootMark); ok {
		if c.root == nil {
			return nil, errNoRootStore
		}
		locator, err := locatorFor(c.root)
		if err != nil {
			return nil, err
		}
		return locator.Bucket(ctx, innerRoot)
	}
	destKey, innerRoot, err := parseChosenRoot[K](root)
	if err != nil {
		return nil, badRoot(root, err)
	}
	locator, err := c.locatorOf(destKey)
	if err != nil {
		return nil, err
	}
	// The rest of root must be the chosen store's own root for this destination key, not for another.
	if at, err := locator.Locate(ctx, destKey, "", "x"); err != nil {
		return nil, err
	} else if at.Root != innerRoot {
		return nil, badRoot(root, errors.New("it leads to another place in the chosen store than its destination key does"))
	}
	return locator.Bucket(ctx, innerRoot)
}

func parseChosenRoot[K comparable](root string) (destKey K, innerRoot string, err error) {
	digits, rest, _ := strings.Cut(root, ":")
	size, err := strconv.Atoi(digits)
	if err != nil || size < 0 || size > len(rest) || chosenRoot(rest[:size], rest[size:]) != root {
		return destKey, "", errors.New("it does not start with a destination key and its length")
	}
	destKey, err = destkey.Decode[K](rest[:size])
	return destKey, rest[size:], err
}

// badRoot is the error for a Location.Root that the store did not return.
func badRoot(root string, err error) error {
	return Permanent(fmt.Errorf("find bucket: root %s is not of this store: %w", quote(root), err))
}
