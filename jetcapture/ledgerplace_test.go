package jetcapture_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// These are folders as jc-parquet's --split makes them.
func splitByNothing(string) (string, error) { return "", nil }

func splitBySubject(destKey string) (string, error) {
	return store.HivePart("by_subject", destKey), nil
}

func splitByToken(destKey string) (string, error) {
	return store.HivePart("token_2", strings.TrimPrefix(destKey, "orders.")), nil
}

// A capture is stopped while it stores a block, and another one on the same consumer, which makes other folders of its
// messages, gets them. The claim of the first one says where its file belongs, whatever the second one's folders are: either
// the file of the first one is the only one, or it never appears.
func TestOtherFoldersOnTheSameConsumerArchiveEachMessageOnce(t *testing.T) {
	t.Parallel()
	type split = func(string) (string, error)
	for name, c := range map[string]struct {
		first, second split
		layout        store.Layout // of the second one
	}{
		"none, then by subject":     {splitByNothing, splitBySubject, nil},
		"by subject, then none":     {splitBySubject, splitByNothing, nil},
		"by subject, then by token": {splitBySubject, splitByToken, nil},
		"another layout":            {splitBySubject, splitBySubject, store.DateLayout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 1_000
			s, dir := startDisk(t, nil), t.TempDir()
			s.orders(time.Second)
			s.publish(n, 0)
			gate := newGatedBucket(t, store.NewDir(dir))
			first := onceSplit(gate, c.first)
			first.MaxMessages, first.StoreConcurrency = n/8, 20
			first.MaxInFlight = n // so that it asks for nothing more, as one that is stopped
			stop := start(t, first.Build(), s.connect())
			eventually(t, "the first capture stores", func() bool { return gate.waiting.Load() >= 8 })
			second := onceSplit(store.NewDir(dir), c.second)
			second.Layout = c.layout
			if err := catchUp(t, s.connect(), second); err != nil {
				t.Errorf("the second capture: %v", err)
			}
			gate.open() // and its writes land, late
			if err := stop(); err != nil {
				t.Errorf("the first capture: %v", err)
			}
			wantRows(t, dir, n)
		})
	}
}

func onceSplit(bucket store.Bucket, split func(string) (string, error)) *rawOptions {
	o := onceIn(bucket, jetcapture.SubjectToDestKey)
	o.Store = store.Blocks(bucket, split)
	return o
}

// The same by a restart: what a killed capture had on its way lands late, and its successor makes other folders.
func TestRestartWithOtherFoldersArchivesEachMessageOnce(t *testing.T) {
	t.Parallel()
	const n = 1_000
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(time.Second)
	s.publish(n, 0)
	gate := newGatedBucket(t, store.NewDir(dir))
	killed := onceSplit(gate, splitByNothing)
	killed.MaxMessages, killed.StoreConcurrency, killed.DrainTimeout = n/8, 20, time.Millisecond
	nc := s.connect()
	stop := start(t, killed.Build(), nc)
	eventually(t, "the capture stores", func() bool { return gate.waiting.Load() >= 8 })
	nc.Close()
	if err := catchUp(t, s.connect(), onceSplit(store.NewDir(dir), splitBySubject)); err != nil {
		t.Error(err)
	}
	gate.open()
	_ = stop() // it says that its connection was closed
	wantRows(t, dir, n)
}

// Another program on the same consumer may have destination keys of another type, and settles what the first one claimed.
func TestOtherTypeOfDestinationKeyOnTheSameConsumerArchivesEachMessageOnce(t *testing.T) {
	t.Parallel()
	const n = 1_000
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(time.Second)
	s.publish(n, 0)
	gate := newGatedBucket(t, store.NewDir(dir))
	first := jetcapture.DefaultOptions[*jetcapture.NatsMessage, chaosKey]()
	first.NATSStreamName, first.NATSConsumerName, first.Delivery = streamName, consumerName, jetcapture.ExactlyOnce
	first.MessageDecoder = jetcapture.NatsToNats(func(m *nats.Msg) chaosKey { return chaosKey{m.Subject} })
	first.WriterFactory, first.Suffix = format.NewRawNDJSON[*jetcapture.NatsMessage], "ndjson"
	first.Store = store.Blocks[chaosKey](gate, nil)
	first.MaxMessages, first.StoreConcurrency, first.MaxInFlight = n/8, 20, n
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	nc := s.connect()
	go func() { ended <- first.Build().Run(ctx, nc) }()
	eventually(t, "the first capture stores", func() bool { return gate.waiting.Load() >= 8 })
	if err := catchUp(t, s.connect(), onceSplit(store.NewDir(dir), splitBySubject)); err != nil {
		t.Errorf("the second capture: %v", err)
	}
	gate.open()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the first capture: %v", err)
	}
	wantRows(t, dir, n)
}

// The ledger knows the store that it describes.
func TestAnotherPlaceOnTheSameConsumerIsRefused(t *testing.T) {
	t.Parallel()
	const n = 100
	for name, c := range map[string]struct {
		change  func(t *testing.T, dir string) (next string)
		refused bool
	}{
		"another folder": {func(t *testing.T, _ string) string { t.Helper(); return t.TempDir() }, true},
		"the folder of another archive": {func(t *testing.T, _ string) string {
			t.Helper()
			other, dir := startDisk(t, nil), t.TempDir()
			other.orders(time.Minute)
			other.publish(n, 0)
			if err := catchUp(t, other.connect(), onceIn(store.NewDir(dir), inOneFolder)); err != nil {
				t.Fatal(err)
			}
			return dir
		}, true},
		"a folder that was emptied": {func(t *testing.T, dir string) string {
			t.Helper()
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			return dir
		}, true},
		"the same archive under another path": {func(t *testing.T, dir string) string {
			t.Helper()
			moved := filepath.Join(t.TempDir(), "moved")
			if err := os.Rename(dir, moved); err != nil {
				t.Fatal(err)
			}
			return moved
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := startDisk(t, nil), filepath.Join(t.TempDir(), "lake")
			s.orders(time.Minute)
			s.publish(n, 0)
			if err := catchUp(t, s.connect(), onceIn(store.NewDir(dir), inOneFolder)); err != nil {
				t.Fatal(err)
			}
			was := []string{dir, storeID(dir)}
			next := c.change(t, dir)
			s.publish(n, n)
			err := catchUp(t, s.connect(), onceIn(store.NewDir(next), inOneFolder))
			if !c.refused {
				if err != nil {
					t.Errorf("Run = %v", err)
				}
				wantRows(t, next, 2*n)
				return
			}
			if !errors.Is(err, jetcapture.ErrOtherStore) {
				t.Fatalf("Run = %v, want ErrOtherStore", err)
			}
			if id := storeID(next); name != "the folder of another archive" && id != "" {
				t.Errorf("the capture that was refused gave the folder the id %s of a store", id)
			}
			if info := s.info(); info.Delivered.Stream > n {
				t.Errorf("%d messages were delivered before it ended", info.Delivered.Stream-n)
			}
			for what, oneOf := range map[string][]string{
				"the ledger":          {ledgerName},
				"the ledger's place":  was,
				"the capture's place": {next, storeID(next)},
				"the way out":         {"jc-parquet reset"},
				"what it remembers":   {fmt.Sprintf("%d messages in 1 files", n)},
			} {
				if !containsOneOf(err.Error(), oneOf) {
					t.Errorf("the error does not name %s (one of %q): %v", what, oneOf, err)
				}
			}
		})
	}
}

// storeID returns the id of the store in a folder, "" if it has none.
func storeID(dir string) string {
	var marker struct{ ID string }
	content, err := os.ReadFile(filepath.Join(dir, "_jetcapture", "store.json"))
	if err != nil || json.Unmarshal(content, &marker) != nil {
		return ""
	}
	return marker.ID
}

func containsOneOf(text string, parts []string) bool {
	for _, part := range parts {
		if part != "" && strings.Contains(text, part) {
			return true
		}
	}
	return false
}
