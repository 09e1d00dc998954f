package jetcapture_test

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

// An archived is a stream of which one capture has archived n messages, in a lake.
type archived struct {
	*diskServer
	dir string
	n   int
}

func archive(t *testing.T, n int) archived {
	t.Helper()
	a := archived{startDisk(t, nil), filepath.Join(t.TempDir(), "lake"), n}
	a.orders(time.Minute)
	a.publish(n, 0)
	if err := catchUp(t, a.connect(), onceIn(store.NewDir(a.dir), inOneFolder)); err != nil {
		t.Fatal(err)
	}
	return a
}

// removeFiles removes the files of blocks, and leaves the store's id.
func (a archived) removeFiles(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".ndjson") {
			err = os.Remove(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// renewConsumer removes the consumer and makes it again: it delivers everything once more.
func (a archived) renewConsumer(t *testing.T) {
	t.Helper()
	js := a.jetStream()
	if err := js.DeleteConsumer(t.Context(), streamName, consumerName); err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateConsumer(t.Context(), streamName, testConsumer(time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// Somebody removes the files to start over, and the consumer, but does not know of the ledger.
func TestNewConsumerIsRefusedWhileTheLedgersFilesAreGone(t *testing.T) {
	t.Parallel()
	a := archive(t, 100)
	a.removeFiles(t)
	a.renewConsumer(t)
	err := catchUp(t, a.connect(), onceIn(store.NewDir(a.dir), inOneFolder))
	if !errors.Is(err, jetcapture.ErrFilesMissing) {
		t.Fatalf("Run = %v, want ErrFilesMissing", err)
	}
	for _, want := range []string{ledgerName, "sequences 1 to 100", "100 messages in 1 files", "jc-parquet reset"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if acked := a.info().AckFloor.Stream; acked > 0 {
		t.Errorf("%d messages are acknowledged that are in no file", acked)
	}
}

// Files may be moved on by whoever reads them: the consumer does not deliver their messages again.
func TestCaptureGoesOnWhereFilesWereTakenAway(t *testing.T) {
	t.Parallel()
	a := archive(t, 100)
	a.removeFiles(t)
	a.publish(50, 100)
	if err := catchUp(t, a.connect(), onceIn(store.NewDir(a.dir), inOneFolder)); err != nil {
		t.Errorf("Run = %v", err)
	}
	if n := len(readRows(t, a.dir)); n != 50 {
		t.Errorf("%d messages are in files, want the 50 that are new", n)
	}
}

func TestNewConsumerFindsWhatIsArchivedAndCountsIt(t *testing.T) {
	t.Parallel()
	a := archive(t, 100)
	a.renewConsumer(t)
	o := onceIn(store.NewDir(a.dir), inOneFolder)
	var told atomic.Int64
	var counted atomic.Uint64
	o.Observer.Repeated = func(_, stored int) { told.Add(int64(stored)) }
	o.Observer.Sampled = func(s jetcapture.Stats) { counted.Store(s.AlreadyStored) }
	if err := catchUp(t, a.connect(), o); err != nil {
		t.Fatalf("Run = %v", err)
	}
	if told.Load() != 100 || counted.Load() != 100 {
		t.Errorf("AlreadyStored was told %d messages, and Stats have %d, want 100", told.Load(), counted.Load())
	}
	wantRows(t, a.dir, 100)
}

// A store may have many roots, such as a bucket for each tenant, of which the latest files are in a few.
func TestNewConsumerIsRefusedWhileTheFilesOfOneRootAreGone(t *testing.T) {
	t.Parallel()
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(time.Minute)
	s.publish(80, 0)
	options := func() *rawOptions {
		o := onceIn(store.NewMem(), jetcapture.SubjectToDestKey)
		o.Store = store.Choose(func(destKey string) (store.BlockStore[string], error) {
			return store.Blocks[string](store.NewDir(filepath.Join(dir, destKey)), nil), nil
		}, store.Blocks[string](store.NewDir(filepath.Join(dir, "root")), nil))
		o.StoreConcurrency = 1 // so that the first subject is the first file
		return o
	}
	if err := catchUp(t, s.connect(), options()); err != nil {
		t.Fatal(err)
	}
	all := files(t, dir, ".ndjson")
	oldest := slices.MinFunc(all, func(a, b string) int {
		return cmp.Compare(modified(t, a).UnixNano(), modified(t, b).UnixNano())
	})
	if err := os.Remove(oldest); err != nil {
		t.Fatal(err)
	}
	archived{s, dir, 80}.renewConsumer(t)
	if err := catchUp(t, s.connect(), options()); !errors.Is(err, jetcapture.ErrFilesMissing) {
		t.Fatalf("of %d files %s is gone: Run = %v, want ErrFilesMissing", len(all), oldest, err)
	}
}

func modified(t *testing.T, name string) time.Time {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// Trying again does not help: the file that has the store's id must be put right.
func TestDamagedIdOfTheStoreEndsTheCapture(t *testing.T) {
	t.Parallel()
	a := archive(t, 10)
	if err := os.WriteFile(filepath.Join(a.dir, "_jetcapture", "store.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := catchUp(t, a.connect(), onceIn(store.NewDir(a.dir), inOneFolder)); !store.IsPermanent(err) || !strings.Contains(err.Error(), "_jetcapture/store.json") {
		t.Errorf("Run = %v", err)
	}
}

// Somebody removes the folder of a day that is long past.
func TestNewConsumerIsRefusedWhileOldFilesAreGone(t *testing.T) {
	t.Parallel()
	s, dir := startDisk(t, nil), t.TempDir()
	s.orders(time.Minute)
	s.publish(100, 0)
	options := func() *rawOptions {
		o := onceIn(store.NewDir(dir), inOneFolder)
		o.MaxMessages = 10
		return o
	}
	if err := catchUp(t, s.connect(), options()); err != nil {
		t.Fatal(err)
	}
	first := slices.Min(files(t, dir, ".ndjson")) // by its sequences
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	archived{s, dir, 100}.renewConsumer(t)
	if err := catchUp(t, s.connect(), options()); !errors.Is(err, jetcapture.ErrFilesMissing) || !strings.Contains(err.Error(), filepath.Base(first)) {
		t.Fatalf("%s is gone: Run = %v, want ErrFilesMissing", first, err)
	}
}
