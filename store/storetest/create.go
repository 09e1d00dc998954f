package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
)

func createdObjectIsThere(t *testing.T, b store.Bucket) {
	const name = "orders/date=2026-11-23/0001.parquet"
	content := pattern(70_000, 1)
	object, err := b.Create(t.Context(), name, bytes.NewReader(content), map[string]string{"stream": "ORDERS"})
	if err != nil {
		t.Fatal(err)
	}
	if object.Name != name || object.Size != int64(len(content)) || object.Location == "" || object.Modified.IsZero() {
		t.Errorf("Create returns %+v", object)
	}
	wantContent(t, b, name, content)
	wantNames(t, b, "", name)
	there, err := b.Stat(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if there.Location != object.Location || there.Modified.IsZero() {
		t.Errorf("Stat returns %+v after Create returned %+v", there, object)
	}
}

// nothingVisibleBeforeCreateReturns looks for an object while its content is still being read, and until Create returns:
// it is not there, or, once all content was read, it is whole.
func nothingVisibleBeforeCreateReturns(t *testing.T, b store.Bucket) {
	const name = "slow/0001.parquet"
	content := pattern(200_000, 2)
	var looks atomic.Int64
	slow := &hookedReader{content: bytes.NewReader(content)}
	slow.before = func(read int) error {
		if read < len(content)/2 || read >= len(content) {
			return nil
		}
		for want := looks.Load() + 2; looks.Load() < want; { // the observers have looked once from start to end
			time.Sleep(time.Millisecond)
		}
		return nil
	}

	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			look(t, b, name, content, slow)
			looks.Add(1)
			select {
			case <-done:
				return
			default:
			}
		}
	})
	_, err := b.Create(t.Context(), name, slow, nil)
	close(done)
	watcher.Wait()
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, name, content)
}

func look(t *testing.T, b store.Bucket, name string, content []byte, source *hookedReader) {
	complete := func() bool { return source.complete.Load() }
	if _, err := b.Stat(t.Context(), name); err == nil && !complete() {
		t.Error("Stat finds an object whose content is not read yet")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	got, err := read(t.Context(), b, name, 0, -1)
	if err == nil && !bytes.Equal(got, content) {
		t.Errorf("Open finds an object of %d bytes of %d", len(got), len(content))
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for object, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Error(err)
		} else if object.Name != name || object.Size != int64(len(content)) || !complete() {
			t.Errorf("List finds %+v while an object is created", object)
		}
	}
}

func oneRacingCreatorWins(t *testing.T, b store.Bucket) {
	const name, racers = "contested/0001.parquet", 16
	content := func(i int) []byte { return pattern(50_000+i%3, uint32(i)) } // some have the same length
	var wins atomic.Int64
	winner := make(chan int, racers)
	all(racers, racers, func(i int) {
		_, err := b.Create(t.Context(), name, bytes.NewReader(content(i)), nil)
		switch {
		case err == nil:
			wins.Add(1)
			winner <- i
		case !errors.Is(err, fs.ErrExist):
			t.Errorf("a creator that lost got %v, want fs.ErrExist", err)
		}
	})
	if wins.Load() != 1 {
		t.Fatalf("%d creators won", wins.Load())
	}
	wantContent(t, b, name, content(<-winner))
	wantNames(t, b, "", name)
}

func racingSameContentSucceeds(t *testing.T, b store.Bucket) {
	const name = "tombstone.parquet"
	content := pattern(5000, 3)
	all(8, 8, func(int) {
		if _, err := b.Create(t.Context(), name, bytes.NewReader(content), nil); err != nil {
			t.Error(err)
		}
	})
	wantContent(t, b, name, content)
}

func sameContentAgain(t *testing.T, b store.Bucket) {
	const name = "a/b.parquet"
	content := pattern(100_000, 4)
	first := create(t, b, name, content)
	second := create(t, b, name, content)
	if second.Name != name || second.Size != first.Size || second.Location != first.Location {
		t.Errorf("Create returns %+v, and of the same again %+v", first, second)
	}
	wantContent(t, b, name, content)
}

func otherContentIsRefused(t *testing.T, b store.Bucket) {
	const name = "a/b.parquet"
	content := pattern(100_000, 5)
	create(t, b, name, content)
	lastByte := bytes.Clone(content)
	lastByte[len(lastByte)-1]++
	for what, other := range map[string][]byte{
		"shorter":       content[:len(content)-1],
		"longer":        append(bytes.Clone(content), 0),
		"empty":         {},
		"one byte else": lastByte,
	} {
		if _, err := b.Create(t.Context(), name, bytes.NewReader(other), nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: Create returns %v, want fs.ErrExist", what, err)
		} else if store.IsPermanent(err) {
			t.Errorf("%s: fs.ErrExist is Permanent", what)
		}
	}
	wantContent(t, b, name, content)
}

func concurrentCreates(t *testing.T, b store.Bucket) {
	const n = 48
	name := func(i int) string { return fmt.Sprintf("key-%d/hour=%02d/%04d.parquet", i%3, i%5, i) }
	all(n, n, func(i int) {
		if _, err := b.Create(t.Context(), name(i), bytes.NewReader(pattern(1000+i, uint32(i))), nil); err != nil {
			t.Error(err)
		}
	})
	for i := range n {
		wantContent(t, b, name(i), pattern(1000+i, uint32(i)))
	}
	if got := len(list(t, b, "")); got != n {
		t.Errorf("%d objects are there, want %d", got, n)
	}
}

func contentIsReadFromItsStart(t *testing.T, b store.Bucket) {
	content := pattern(1000, 6)
	r := bytes.NewReader(content)
	if _, err := r.Seek(500, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Create(t.Context(), "x", r, nil); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, "x", content)
}

func emptyObject(t *testing.T, b store.Bucket) {
	create(t, b, "empty/object", nil)
	wantContent(t, b, "empty/object", nil)
	wantNames(t, b, "", "empty/object")
	create(t, b, "empty/object", nil)
	if _, err := b.Create(t.Context(), "empty/object", bytes.NewReader([]byte{0}), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over an empty object returns %v, want fs.ErrExist", err)
	}
}

func bigObject(t *testing.T, b store.Bucket) {
	content := pattern(20_000_000, 7)
	create(t, b, "big", content)
	wantContent(t, b, "big", content)
}

func cancelledBefore(t *testing.T, b store.Bucket) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Create(ctx, "x/y", bytes.NewReader(pattern(1000, 8)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Create returns %v, want context.Canceled", err)
	}
	wantNothing(t, b, "x/y")
}

func cancelledDuring(t *testing.T, b store.Bucket) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	content := pattern(300_000, 9)
	r := &hookedReader{content: bytes.NewReader(content)}
	r.before = func(read int) error {
		if read >= len(content)/2 {
			cancel()
		}
		return nil
	}
	if _, err := b.Create(ctx, "x/y", r, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Create returns %v, want context.Canceled", err)
	}
	wantNothing(t, b, "x/y")
	create(t, b, "x/y", content)
	wantContent(t, b, "x/y", content)
}

func failingContent(t *testing.T, b store.Bucket) {
	broken := errors.New("the spool is broken")
	content := pattern(300_000, 10)
	r := &hookedReader{content: bytes.NewReader(content)}
	r.before = func(read int) error {
		if read >= len(content)/2 {
			return broken
		}
		return nil
	}
	if _, err := b.Create(t.Context(), "x/y", r, nil); !errors.Is(err, broken) {
		t.Errorf("Create returns %v, want the error of its content", err)
	}
	wantNothing(t, b, "x/y")
	create(t, b, "x/y", content)
	wantContent(t, b, "x/y", content)
}

// hookedReader calls before on each Read with the number of bytes read since the last Seek, and returns small pieces.
type hookedReader struct {
	content  *bytes.Reader
	before   func(read int) error
	complete atomic.Bool // whether everything was read once
}

func (h *hookedReader) Read(p []byte) (int, error) {
	if err := h.before(int(h.content.Size()) - h.content.Len()); err != nil {
		return 0, err
	}
	n, err := h.content.Read(p[:min(len(p), 10_000)])
	if h.content.Len() == 0 {
		h.complete.Store(true)
	}
	return n, err
}

func (h *hookedReader) Seek(offset int64, whence int) (int64, error) {
	return h.content.Seek(offset, whence)
}
