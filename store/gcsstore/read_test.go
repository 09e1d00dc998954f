package gcsstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
)

func isRead(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Query().Get("alt") == "media"
}

func TestReadGoesOnWhereItBroke(t *testing.T) {
	for what, fault := range map[string]cloudtest.Fault{
		"cut": cloudtest.CutResponse(100_000), "truncated": cloudtest.TruncateResponse(300_000), "503": cloudtest.Status(http.StatusServiceUnavailable, nil, ""),
	} {
		t.Run(what, func(t *testing.T) {
			proxy, b := behind(t)
			content := text(1_000_000, 1)
			if err := create(t.Context(), b, "x", content); err != nil {
				t.Fatal(err)
			}
			proxy.Set(once(isRead, fault))
			wantContent(t, b, "x", content)
			if proxy.Count(fault) != 1 {
				t.Error("the fault did not happen")
			}
		})
	}
}

func TestReadThatBreaksAgainAndAgainEnds(t *testing.T) {
	for what, fault := range map[string]cloudtest.Fault{"cut": cloudtest.CutResponse(0), "truncated": cloudtest.TruncateResponse(0)} {
		t.Run(what, func(t *testing.T) {
			proxy, b := behind(t)
			if err := create(t.Context(), b, "x", text(100_000, 1)); err != nil {
				t.Fatal(err)
			}
			proxy.Set(each(isRead, fault))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := read(ctx, b, "x")
			wantError(t, err, false, "read gs://", "broke off")
			if n := proxy.Count(fault); n > 10 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

func TestDamagedAnswerIsNoticed(t *testing.T) {
	proxy, b := behind(t)
	if err := create(t.Context(), b, "x", text(100_000, 1)); err != nil {
		t.Fatal(err)
	}
	proxy.Set(once(isRead, cloudtest.CorruptResponse(70_000)))
	_, err := read(t.Context(), b, "x")
	wantError(t, err, false, "read gs://", "CRC")
}

func TestReadDoesNotGoOnWithAnotherObject(t *testing.T) {
	proxy, b := behind(t)
	if err := create(t.Context(), b, "x", text(1_000_000, 1)); err != nil {
		t.Fatal(err)
	}
	proxy.Set(once(isRead, cloudtest.CutResponse(100_000)))
	r, err := b.Open(t.Context(), "x", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := errors.Join(b.Remove(t.Context(), "x"), create(t.Context(), b, "x", text(1_000_000, 2))); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err == nil || len(got) > 100_000 {
		t.Errorf("%d bytes were read, %v", len(got), err)
	}
}

// TestRangeOfAnUnpackedObjectIsRead as the service knows no ranges of objects that it unpacks.
func TestRangeOfAnUnpackedObjectIsRead(t *testing.T) {
	whole := text(1000, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Goog-Generation", "1")
		w.Header().Set("X-Goog-Hash", "crc32c=AAAAAA==")
		w.Header().Set("X-Goog-Stored-Content-Encoding", "gzip")
		_, _ = w.Write(whole)
	}))
	defer server.Close()
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.URL, Anonymous: true})
	for _, section := range []struct {
		offset, length int64
		want           []byte
	}{{0, -1, whole}, {0, 10, whole[:10]}, {100, 10, whole[100:110]}, {990, 100, whole[990:]}, {100, -1, whole[100:]}, {1000, 1, nil}, {2000, -1, nil}} {
		r, err := b.Open(t.Context(), "x", section.offset, section.length)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, section.want) {
			t.Errorf("%d bytes from %d: %d are read, %v; want %d", section.length, section.offset, len(got), err, len(section.want))
		}
		_ = r.Close()
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	_, b := behind(t)
	if err := create(t.Context(), b, "x", text(3_000_000, 1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := b.Open(ctx, "x", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if sized, ok := r.(interface{ Size() int64 }); !ok || sized.Size() != 3_000_000 {
		t.Error("the reader does not know how much there is to read")
	}
	cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
		t.Errorf("Read returns %v, want context.Canceled", err)
	}
}

func TestListingOutOfOrderIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"items": [{"name": "b", "size": "1"}, {"name": "c/", "size": "0"}, {"name": "a", "size": "1"}]}`)
	}))
	defer server.Close()
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.URL, Anonymous: true})
	var names []string
	var last error
	for object, err := range b.List(t.Context(), "") {
		if last = err; err == nil {
			names = append(names, object.Name)
		}
	}
	if len(names) != 1 || names[0] != "b" {
		t.Errorf("List yields %q", names)
	}
	wantError(t, last, true, "list gs://bucket/", "order")
}
