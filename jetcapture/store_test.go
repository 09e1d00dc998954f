package jetcapture_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/store"
)

func TestObjectsTellWhatIsInThem(t *testing.T) {
	s := startServer(t)
	s.Publish(100, order)
	o := rawNDJSON("")
	writers, err := parquet.RawWriters[*jetcapture.NatsMessage](parquet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bucket := store.NewMem()
	o.WriterFactory, o.Suffix, o.Store = writers, "parquet", store.Blocks[string](bucket, nil)
	untilCaughtUp(t, s, o)
	n := 0
	for object, err := range bucket.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(object.Name, "_jetcapture/") {
			continue
		}
		n++
		got, err := bucket.Stat(t.Context(), object.Name)
		if err != nil {
			t.Fatal(err)
		}
		info := inspect(t, bucket, object)
		for name, value := range got.Attributes {
			if footer, ok := info.Metadata["jetcapture."+name]; footer != value && (ok || name != "rows") {
				t.Errorf("attribute %s is %q, in the footer %q", name, value, footer)
			}
		}
		for _, name := range []string{
			"stream", "consumer", "version", "first_seq", "last_seq", "first_time", "last_time", "messages", "rows", "start", "end", "block", "schema",
		} {
			if got.Attributes[name] == "" {
				t.Errorf("%s has no attribute %s", object.Name, name)
			}
		}
		if !strings.Contains(object.Name, got.Attributes["block"]) || got.Attributes["rows"] != got.Attributes["messages"] {
			t.Errorf("%s has %v", object.Name, got.Attributes)
		}
	}
	if n != 8 {
		t.Errorf("%d objects", n)
	}
}

func inspect(t *testing.T, b store.Bucket, object store.Object) *parquet.FileInfo {
	t.Helper()
	r, err := b.Open(t.Context(), object.Name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	file, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	info, err := parquet.Inspect(bytes.NewReader(file), object.Size)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// busyStore asks to be left alone.
type busyStore struct{ wait time.Duration }

func (b busyStore) Write(context.Context, io.Reader, string, string, string) (string, int64, time.Duration, error) {
	return "", 0, 0, store.RetryAfter(errors.New("slow down"), b.wait)
}

func TestStoreSaysWhenToTryAgain(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{17 * time.Second: 17 * time.Second, 10 * time.Hour: 5 * time.Minute} {
		s := startServer(t)
		s.Publish(10, order)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o := rawNDJSON("")
		o.Store, o.MaxMessages, o.DrainTimeout = busyStore{asked}, 1, time.Millisecond
		o.Observer.StoreFailed = func(_ jetcapture.Block, _ int, err error, next time.Duration) {
			if next != want && ctx.Err() == nil {
				t.Errorf("a store that asked for %v is tried again after %v (%v)", asked, next, err)
			}
			cancel()
		}
		if err := o.Build().Run(ctx, s.Connect()); !errors.Is(err, jetcapture.ErrDrainTimeout) {
			t.Errorf("Run = %v", err)
		}
	}
}

// attributesOf keeps the attributes of the latest block.
type attributesOf struct {
	store.BlockStore[string]
	attributes map[string]string
}

func (s *attributesOf) Write(ctx context.Context, block io.Reader, destKey, dir, name string) (string, int64, time.Duration, error) {
	if a, ok := block.(store.Attributed); ok {
		s.attributes = a.Attributes()
	}
	return s.BlockStore.Write(ctx, block, destKey, dir, name)
}
