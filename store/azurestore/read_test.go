package azurestore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

func TestOpen(t *testing.T) {
	server := cloudtest.Azure(t)
	for _, test := range []struct {
		outcome string
		run     func(*testing.T, *cloudtest.AzureServer)
	}{
		{"reading continues after a connection broke", brokenConnection},
		{"reading a blob that was replaced is an error", replacedBlob},
		{"reading ends with the context", cancelledReading},
		{"folders of a hierarchical namespace are no blobs", folders},
	} {
		t.Run(test.outcome, func(t *testing.T) { test.run(t, server) })
	}
}

// cutting is a handler that breaks off the answers to the first reads of a blob in their middle.
func cutting(cuts *atomic.Int64) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method != http.MethodGet || cuts.Add(-1) < 0 {
			pass.ServeHTTP(w, r)
			return
		}
		whole := httptest.NewRecorder()
		pass.ServeHTTP(whole, r)
		for name, values := range whole.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func brokenConnection(t *testing.T, server *cloudtest.AzureServer) {
	var cuts atomic.Int64
	o := sharedKey(t, server)
	o.Endpoint = proxy(t, server, cutting(&cuts))
	b := open(t, o)
	content := text(500_000, 1)
	create(t, b, "a/b", content)

	for _, r := range []struct{ offset, length, want int64 }{{0, -1, 500_000}, {100_000, 300_000, 300_000}, {400_000, 200_000, 100_000}} {
		cuts.Store(2)
		reader, err := b.Open(t.Context(), "a/b", r.offset, r.length)
		if err != nil {
			t.Fatal(err)
		}
		if size := reader.(interface{ Size() int64 }).Size(); size != r.want {
			t.Errorf("the reader says it has %d bytes, want %d", size, r.want)
		}
		got, err := io.ReadAll(reader)
		if err != nil || !bytes.Equal(got, content[r.offset:r.offset+r.want]) {
			t.Errorf("%d bytes from %d read as %d bytes, %v", r.length, r.offset, len(got), err)
		}
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	cuts.Store(1000)
	reader, err := b.Open(t.Context(), "a/b", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(reader)
	if err == nil || store.IsPermanent(err) || !strings.HasPrefix(err.Error(), "read "+o.Endpoint+"/"+o.Container+"/a/b: ") {
		t.Errorf("a read that is always cut gives %d bytes and %v", len(got), err)
	}
	_ = reader.Close()
}

func replacedBlob(t *testing.T, server *cloudtest.AzureServer) {
	var cuts atomic.Int64
	o := sharedKey(t, server)
	o.Endpoint = proxy(t, server, cutting(&cuts))
	b := open(t, o)
	create(t, b, "a", text(500_000, 1))
	cuts.Store(1)
	reader, err := b.Open(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if err := b.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	create(t, b, "a", text(500_000, 2))
	if got, err := io.ReadAll(reader); err == nil {
		t.Errorf("it reads as %d bytes, half of each", len(got))
	}
}

func cancelledReading(t *testing.T, server *cloudtest.AzureServer) {
	b := open(t, sharedKey(t, server))
	create(t, b, "a", text(5_000_000, 1))
	ctx, cancel := context.WithCancel(t.Context())
	reader, err := b.Open(ctx, "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	cancel()
	if _, err := io.ReadAll(reader); !errors.Is(err, context.Canceled) {
		t.Errorf("reading ends with %v, want context.Canceled", err)
	}
}

// folders makes what a folder of a hierarchical namespace looks like.
func folders(t *testing.T, server *cloudtest.AzureServer) {
	o := sharedKey(t, server)
	s, err := azurestore.NewBlobStore(func(_ context.Context, _ string) (string, error) { return o.Endpoint + "/" + o.Container, nil }, azurestore.BlobStoreOptions[string]{
		Options:               azurestore.Options{SharedKey: o.SharedKey},
		OverrideUploadOptions: func(u *azblob.UploadStreamOptions, _ string) { u.Metadata["hdi_isfolder"] = to.Ptr("true") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Write(t.Context(), strings.NewReader(""), "", "", "folder"); err != nil {
		t.Fatal(err)
	}
	b := open(t, o)
	if object, err := b.Stat(t.Context(), "folder"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat returns %+v, %v, want fs.ErrNotExist", object, err)
	}
	for _, length := range []int64{-1, 0} {
		if _, err := b.Open(t.Context(), "folder", 0, length); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open of %d bytes returns %v, want fs.ErrNotExist", length, err)
		}
	}
}
