package gcsstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
)

// sizes are those of an object that is sent whole, and of one that is sent in chunks.
var sizes = map[string]int{"whole": 100_000, "in chunks": 3*chunk + 1000}

func eachSize(t *testing.T, test func(t *testing.T, size int)) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) { test(t, size) })
	}
}

func TestLostAnswerOfACreateIsASuccess(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		proxy, b := behind(t)
		last := 1
		if size > chunk {
			last = 5 // of the requests of the upload
		}
		proxy.Set(nth(last, isUpload, cloudtest.LoseResponse()))
		if err := create(t.Context(), b, "x", text(size, 1)); err != nil {
			t.Error(err)
		}
		if n := proxy.Count(cloudtest.LoseResponse()); n != 1 {
			t.Errorf("%d answers were lost, want 1", n)
		}
		wantContent(t, b, "x", text(size, 1))
	})
}

func TestLostRefusalIsOne(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		server := cloudtest.GCS(t)
		proxy := cloudtest.NewProxy(t, server.Endpoint)
		o := anonymous(t, server)
		o.ChunkSize = chunk
		direct := open(t, o)
		o.Endpoint = proxy.Endpoint
		b := open(t, o)
		mine, other := text(size, 1), text(size, 2)
		proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
			if !isUpload(r) {
				return cloudtest.Pass()
			}
			if err := create(t.Context(), direct, "x", other); err != nil { // after the first has looked
				t.Error(err)
			}
			return cloudtest.LoseResponse()
		})
		if err := create(t.Context(), b, "x", mine); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create returns %v, want fs.ErrExist", err)
		}
		wantContent(t, direct, "x", other)
	})
}

func TestCreateThatIsCutLeavesNothing(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		proxy, b := behind(t)
		content := text(size, 1)
		for what, fault := range map[string]cloudtest.Fault{
			"in the middle": cloudtest.CutRequest(50_000),
			"near its end":  cloudtest.CutRequest(int64(size)),
			"at once":       cloudtest.Refuse(),
		} {
			proxy.Set(each(isUpload, fault))
			err := create(t.Context(), b, "x", content)
			wantError(t, err, false, "create gs://", "/x: ")
			if err != nil && strings.Contains(err.Error(), "upload_id") {
				t.Errorf("%s: the error shows the session of the upload: %v", what, err)
			}
			wantNothing(t, b, "x")
		}
		proxy.Set(nil)
		if err := create(t.Context(), b, "x", content); err != nil {
			t.Fatal(err)
		}
		wantContent(t, b, "x", content)
	})
}

func TestChunkIsSentAgain(t *testing.T) {
	for what, fault := range map[string]cloudtest.Fault{
		"after 503": cloudtest.Status(http.StatusServiceUnavailable, nil, ""), "after a reset": cloudtest.Refuse(), "after a cut": cloudtest.CutRequest(1000),
	} {
		t.Run(what, func(t *testing.T) {
			proxy, b := behind(t)
			n := 0
			proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
				if n++; isChunk(r) && n%2 == 0 { // every other request, so that the tries of one chunk never run out
					return fault
				}
				return cloudtest.Pass()
			})
			content := text(sizes["in chunks"], 1)
			if err := create(t.Context(), b, "x", content); err != nil {
				t.Fatal(err)
			}
			if proxy.Count(fault) < 3 {
				t.Errorf("%d chunks met the fault, want 3", proxy.Count(fault))
			}
			wantContent(t, b, "x", content)
		})
	}
}

// TestChunkWhoseAnswerIsLost is sent again by the library. The service knows by its range that it has it; the fake server
// appends it once more.
func TestChunkWhoseAnswerIsLostDoesNoHarm(t *testing.T) {
	proxy, b := behind(t)
	content := text(sizes["in chunks"], 1)
	proxy.Set(nth(2, isChunk, cloudtest.LoseResponse()))
	if err := create(t.Context(), b, "x", content); err != nil {
		wantError(t, err, false, "CRC32C")
		wantNothing(t, b, "x")
		if err := create(t.Context(), b, "x", content); err != nil {
			t.Fatal(err)
		}
	}
	wantContent(t, b, "x", content)
}

func TestForgottenUploadMayBeTriedAgain(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusGone} {
		proxy, b := behind(t)
		content := text(sizes["in chunks"], 1)
		proxy.Set(nth(2, isChunk, cloudtest.Status(status, nil, "")))
		wantError(t, create(t.Context(), b, "x", content), false)
		wantNothing(t, b, "x")
		if err := create(t.Context(), b, "x", content); err != nil {
			t.Fatal(err)
		}
		wantContent(t, b, "x", content)
	}
}

func TestServerThatIsBusyIsLeftToTheCaller(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		proxy, b := behind(t)
		proxy.Set(each(func(*http.Request) bool { return true }, cloudtest.SlowDown(7*time.Second)))
		began := time.Now()
		err := create(t.Context(), b, "x", text(size, 1))
		wantError(t, err, false, "503")
		if wait := store.WaitOf(err); wait != 7*time.Second {
			t.Errorf("the error says to wait for %v, want 7s: %v", wait, err)
		}
		if duration := time.Since(began); duration > 4*time.Second || proxy.Requests() > 6 {
			t.Errorf("Create gave up after %v and %d requests", duration, proxy.Requests())
		}
		for what, try := range map[string]func() error{
			"stat":   func() error { _, err := b.Stat(t.Context(), "x"); return err },
			"open":   func() error { _, err := read(t.Context(), b, "x"); return err },
			"remove": func() error { return b.Remove(t.Context(), "x") },
			"list": func() (last error) {
				for _, last = range b.List(t.Context(), "") {
				}
				return last
			},
		} {
			before := proxy.Requests()
			err := try()
			if wantError(t, err, false, what, "503"); store.WaitOf(err) != 7*time.Second || proxy.Requests() != before+1 {
				t.Errorf("%s: %v after %d requests, want one, and a wait of 7 s", what, err, proxy.Requests()-before)
			}
		}
	})
}

func TestChunkIsNotSentAgainBeforeTheServerWantsIt(t *testing.T) {
	proxy, b := behind(t)
	proxy.Set(each(isChunk, cloudtest.SlowDown(7*time.Second)))
	err := create(t.Context(), b, "x", text(sizes["in chunks"], 1))
	if wantError(t, err, false, "503"); store.WaitOf(err) != 7*time.Second || proxy.Count(cloudtest.SlowDown(0)) != 1 {
		t.Errorf("Create returns %v after a chunk was sent %d times, want once, and a wait of 7 s", err, proxy.Count(cloudtest.SlowDown(0)))
	}
}

func TestServerThatIsDownIsLeftToTheCaller(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		proxy, b := behind(t)
		for _, fault := range []cloudtest.Fault{cloudtest.Refuse(), cloudtest.Status(http.StatusBadGateway, nil, "<html>\nBad\n</html>")} {
			proxy.Set(each(func(*http.Request) bool { return true }, fault))
			before, began := proxy.Requests(), time.Now()
			wantError(t, create(t.Context(), b, "x", text(size, 1)), false)
			if duration, n := time.Since(began), proxy.Requests()-before; duration > 8*time.Second || n > 9 {
				t.Errorf("Create gave up after %v and %d requests", duration, n)
			}
		}
	})
}

func TestDamagedContentIsNoticed(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		proxy, b := behind(t)
		content := text(size, 1)
		// Of chunks the server compares no checksums after the first, so the driver does and removes what is there.
		proxy.Set(nth(3, isUpload, cloudtest.CorruptRequest(50_000)))
		if size < chunk {
			proxy.Set(once(isUpload, cloudtest.CorruptRequest(50_000)))
		}
		err := create(t.Context(), b, "x", content)
		if wantError(t, err, false, "CRC32C"); size < chunk {
			wantError(t, err, false, "the server answered 400")
		}
		wantNothing(t, b, "x")
		if err := create(t.Context(), b, "x", content); err != nil {
			t.Fatal(err)
		}
		wantContent(t, b, "x", content)
	})
}

func TestDamagedObjectIsNotTakenForTheContent(t *testing.T) {
	proxy, b := behind(t)
	content := text(sizes["in chunks"], 1)
	corrupt := nth(3, isUpload, cloudtest.CorruptRequest(50_000))
	proxy.Set(func(r *http.Request, n int) cloudtest.Fault {
		if r.Method == http.MethodDelete {
			return cloudtest.Status(http.StatusForbidden, nil, "")
		}
		return corrupt(r, n)
	})
	for range 2 { // what is there has the size of the content, and its SHA-256 in the metadata
		if err := create(t.Context(), b, "x", content); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create returns %v, want fs.ErrExist", err)
		}
	}
}

func TestCancelledCreateLeavesNothing(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		proxy, b := behind(t)
		release := make(chan struct{})
		last := 1
		if size > chunk {
			last = 5
		}
		proxy.Set(nth(last, isUpload, cloudtest.Hang(release)))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for proxy.Count(cloudtest.Hang(nil)) == 0 {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		if err := create(ctx, b, "x", text(size, 1)); !errors.Is(err, context.Canceled) || store.IsPermanent(err) {
			t.Errorf("Create returns %v, want context.Canceled", err)
		}
		wantNothing(t, b, "x")
		close(release)
	})
}

func TestBrokenContentIsNeverSentAsIfItEnded(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		ends := make(chan error, 10)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if isUpload(r) && !isChunk(r) {
				w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?upload_id=1")
			}
			if _, err := io.Copy(io.Discard, r.Body); isChunk(r) && strings.HasSuffix(r.Header.Get("Content-Range"), "/*") {
				w.Header().Set("X-Http-Status-Code-Override", "308") // the server waits for more
			} else if isChunk(r) || r.URL.Query().Get("uploadType") == "multipart" {
				ends <- err
			}
		}))
		defer server.Close()
		b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.URL, Anonymous: true, ChunkSize: chunk})
		broken := errors.New("the spool is broken")
		for range 20 {
			content := &breaking{Reader: bytes.NewReader(text(size, 1)), left: size + size*9/10, err: broken}
			if _, err := b.Create(t.Context(), "x", content, nil); !errors.Is(err, broken) || store.IsPermanent(err) {
				t.Errorf("Create returns %v", err)
			}
			if size < chunk {
				if err := <-ends; err == nil {
					t.Error("a request ended as if its content had ended")
				}
			}
		}
		if len(ends) > 0 {
			t.Error("a last chunk was sent")
		}
	})
}

// breaking content breaks once left bytes were read.
type breaking struct {
	*bytes.Reader
	left int
	err  error
}

func (b *breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p[:min(len(p), 10_000)])
	if b.left -= n; b.left < 0 {
		return 0, b.err
	}
	return n, err
}

func TestContentIsNotReadAfterCreate(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer server.Close() // it answers before it has the content
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.URL, Anonymous: true})
	for range 20 {
		content := &slow{Reader: bytes.NewReader(text(10_000_000, 1))}
		_, err := b.Create(t.Context(), "x", content, nil)
		returned := content.reads.Load()
		wantError(t, err, true, "403")
		time.Sleep(3 * time.Millisecond)
		if reads := content.reads.Load(); reads != returned {
			t.Fatalf("the content was read %d times after Create had returned", reads-returned)
		}
	}
}

// slow content takes its time, and counts what has been read.
type slow struct {
	*bytes.Reader
	reads atomic.Int64
}

func (s *slow) Read(p []byte) (int, error) {
	defer s.reads.Add(1)
	if s.reads.Load() > 320 { // of 32 KiB: its digests are known
		time.Sleep(time.Millisecond)
	}
	return s.Reader.Read(p)
}

// WriteTo hides that of bytes.Reader, which takes it all at once.
func (s *slow) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{s})
}

func TestNoGoroutineOutlivesACreate(t *testing.T) {
	proxy, b := behind(t)
	if err := create(t.Context(), b, "first", nil); err != nil {
		t.Fatal(err)
	}
	_ = b.Close()
	before := goleak.IgnoreCurrent()
	for _, size := range sizes {
		for _, fault := range []cloudtest.Fault{cloudtest.CutRequest(50_000), cloudtest.Status(http.StatusForbidden, nil, ""), cloudtest.Pass()} {
			proxy.Set(each(isUpload, fault))
			_ = create(t.Context(), b, "x", text(size, 1))
			broken := &breaking{Reader: bytes.NewReader(text(size, 1)), left: size + size/2, err: io.ErrNoProgress}
			_, _ = b.Create(t.Context(), "y", broken, nil)
		}
	}
	_ = b.Close()
	proxy.Down() // ends the proxy's own goroutines
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}

func TestUploadHoldsOneChunk(t *testing.T) {
	server := cloudtest.GCS(t)
	o := anonymous(t, server)
	o.ChunkSize = 2 << 20
	b := open(t, o)
	if err := create(t.Context(), b, "first", nil); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 40<<20)
	for name, most := range map[string]int{"in chunks": len(content), "whole": o.ChunkSize - 1} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := create(t.Context(), b, name, content[:most]); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		if allowed := uint64(o.ChunkSize) + 2<<20; name == "in chunks" && allowed < allocated || name == "whole" && allocated > 1<<20 {
			t.Errorf("%s: %d bytes were allocated for %d", name, allocated, most)
		}
	}
}

func TestOptionsReachTheServer(t *testing.T) {
	eachSize(t, func(t *testing.T, size int) {
		server := cloudtest.GCS(t)
		proxy := cloudtest.NewProxy(t, server.Endpoint)
		o := anonymous(t, server)
		o.Endpoint, o.ChunkSize, o.Prefix = proxy.Endpoint, chunk, "lake"
		o.StorageClass, o.UserProject = "nearline", "payer"
		o.KMSKeyName = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
		b := open(t, o)
		proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
			query := r.URL.Query()
			if project := query.Get("userProject"); project != "payer" && !isChunk(r) {
				t.Errorf("%s %s has user project %q", r.Method, r.URL.Path, project)
			}
			if agent := r.Header.Get("User-Agent"); agent != "jetcapture" {
				t.Errorf("%s %s is sent by %q", r.Method, r.URL.Path, agent)
			}
			if isUpload(r) && !isChunk(r) && (query.Get("ifGenerationMatch") != "0" || query.Get("kmsKeyName") != o.KMSKeyName) {
				t.Errorf("the upload has the query %v", query)
			}
			return cloudtest.Pass()
		})
		if _, err := b.Create(t.Context(), "x y", bytes.NewReader(text(size, 1)), map[string]string{"stream": "ORDERS"}); err != nil {
			t.Fatal(err)
		}
		if err := store.Probe(t.Context(), b); err != nil {
			t.Error(err)
		}
		response, err := http.Get(server.Endpoint + "/storage/v1/b/" + o.Bucket + "/o/lake%2Fx%20y")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		var there struct {
			StorageClass, ContentType string
			Metadata                  map[string]string
		}
		if err := json.NewDecoder(response.Body).Decode(&there); err != nil {
			t.Fatal(err)
		}
		if there.StorageClass != "NEARLINE" || there.ContentType != "application/octet-stream" || there.Metadata["stream"] != "ORDERS" || len(there.Metadata["jetcapture_sha256"]) != 64 {
			t.Errorf("the server has %+v", there)
		}
	})
}
