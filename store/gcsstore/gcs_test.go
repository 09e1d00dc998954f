package gcsstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
	"github.com/jetcapture/lake/store/storetest"
)

// chunk is the smallest size of chunks.
const chunk = 256 << 10

// anonymous returns options for a new bucket of the server.
func anonymous(t *testing.T, server *cloudtest.GCSServer) gcsstore.Options {
	t.Helper()
	return gcsstore.Options{Bucket: server.Bucket(t), Endpoint: server.Endpoint, Anonymous: true}
}

// behind returns a proxy of a new server, and a Bucket of a new bucket there that is reached through the proxy.
func behind(t *testing.T) (*cloudtest.Proxy, *gcsstore.Bucket) {
	t.Helper()
	server := cloudtest.GCS(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	o := anonymous(t, server)
	o.Endpoint, o.ChunkSize = proxy.Endpoint, chunk
	return proxy, open(t, o)
}

func open(t *testing.T, o gcsstore.Options) *gcsstore.Bucket {
	t.Helper()
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	b, err := gcsstore.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func create(ctx context.Context, b store.Bucket, name string, content []byte) error {
	_, err := b.Create(ctx, name, bytes.NewReader(content), nil)
	return err
}

func read(ctx context.Context, b store.Bucket, name string) ([]byte, error) {
	r, err := b.Open(ctx, name, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(r)
}

func wantContent(t *testing.T, b store.Bucket, name string, want []byte) {
	t.Helper()
	if got, err := read(t.Context(), b, name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes, %v; want %d others", name, len(got), err, len(want))
	}
}

func wantNothing(t *testing.T, b store.Bucket, name string) {
	t.Helper()
	if object, err := b.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat(%q) = %+v, %v, want fs.ErrNotExist", name, object, err)
	}
}

// wantError checks an error's mark, and that it says something.
func wantError(t *testing.T, err error, permanent bool, says ...string) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	if store.IsPermanent(err) != permanent {
		t.Errorf("%v: Permanent is %v, want %v", err, !permanent, permanent)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		t.Errorf("%v tells of an object", err)
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// text returns n bytes that differ by seed.
func text(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = seed + byte(i*i>>8) + byte(i)
	}
	return p
}

// isUpload tells the requests of a Create that may make an object visible.
func isUpload(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/upload/")
}

// isChunk tells those that carry a chunk.
func isChunk(r *http.Request) bool { return isUpload(r) && r.URL.Query().Has("upload_id") }

// once is a rule that breaks the first of the requests that it is for.
func once(which func(*http.Request) bool, fault cloudtest.Fault) cloudtest.Rule {
	return nth(1, which, fault)
}

func nth(n int, which func(*http.Request) bool, fault cloudtest.Fault) cloudtest.Rule {
	return func(r *http.Request, _ int) cloudtest.Fault {
		if which(r) {
			if n--; n == 0 {
				return fault
			}
		}
		return cloudtest.Pass()
	}
}

func each(which func(*http.Request) bool, fault cloudtest.Fault) cloudtest.Rule {
	return func(r *http.Request, _ int) cloudtest.Fault {
		if which(r) {
			return fault
		}
		return cloudtest.Pass()
	}
}

func TestBucket(t *testing.T) {
	server := cloudtest.GCS(t)
	storetest.Run(t, func(t *testing.T) store.Bucket { return open(t, anonymous(t, server)) })
}

func TestBucketOfChunksBelowAPrefix(t *testing.T) {
	server := cloudtest.GCS(t)
	storetest.Run(t, func(t *testing.T) store.Bucket {
		o := anonymous(t, server)
		o.Prefix, o.ChunkSize = "lake/100% für/", chunk
		if strings.Contains(t.Name(), "100_MB") { // the server digests all it has with each chunk
			o.ChunkSize = 8 << 20
		}
		return open(t, o)
	})
}

func TestLocator(t *testing.T) {
	server := cloudtest.GCS(t)
	storetest.RunLocator(t, func(t *testing.T) store.BlockStore[string] {
		return store.Blocks[string](open(t, anonymous(t, server)), nil)
	}, "eu", "../..", "")
}

func TestProbeIsContent(t *testing.T) {
	_, b := behind(t)
	if err := store.Probe(t.Context(), b); err != nil {
		t.Error(err)
	}
}

func TestEmulatorOfTheEnvironmentIsUsed(t *testing.T) {
	server := cloudtest.GCS(t)
	o := gcsstore.Options{Bucket: server.Bucket(t)}
	b := open(t, o)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.Endpoint, "http://"))
	if err := create(t.Context(), b, "x", text(1000, 1)); err != nil {
		t.Fatal(err)
	}
	o.Endpoint, o.Anonymous = server.Endpoint, true
	wantContent(t, open(t, o), "x", text(1000, 1))
}

func TestEmulatorOfTheEnvironmentMayBeAURL(t *testing.T) {
	server := cloudtest.GCS(t)
	o := gcsstore.Options{Bucket: server.Bucket(t)}
	for host, permanent := range map[string]bool{server.Endpoint: false, server.Endpoint + "/": false, "http://": true, "h:secret:x": true} {
		b := open(t, o)
		t.Setenv("STORAGE_EMULATOR_HOST", host)
		err := create(t.Context(), b, "x", text(1000, 1))
		if !permanent && err == nil {
			continue
		}
		if wantError(t, err, permanent, "STORAGE_EMULATOR_HOST", "127.0.0.1:4443"); err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}

func TestBucketIsUsableAfterClose(t *testing.T) {
	_, b := behind(t)
	for i := range byte(3) {
		if err := create(t.Context(), b, string('a'+rune(i)), text(1000, i)); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
