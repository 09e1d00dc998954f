package azurestore_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

func TestCreate(t *testing.T) {
	server := cloudtest.Azure(t)
	for _, test := range []struct {
		outcome string
		run     func(*testing.T, *cloudtest.AzureServer)
	}{
		{"a lost answer is a success", lostAnswer},
		{"a busy service is left alone as long as it asks", busyService},
		{"damage on the way is found", damage},
		{"one of racing writers of blocks wins", racingBlocks},
		{"blocks may be discarded by another writer", discardedBlocks},
		{"a name may be taken in many words", takenNames},
		{"staged blocks are invisible", stagedBlocks},
		{"blocks in parallel are bounded", parallelBlocks},
		{"content of an existing blob is not sent again", existingBlob},
		{"tier, tags and attributes are kept", tierTagsAttributes},
		{"what no service takes is Permanent", untakable},
	} {
		t.Run(test.outcome, func(t *testing.T) { test.run(t, server) })
	}
}

// bothWays runs a test with a blob of one request and one of ten blocks.
func bothWays(t *testing.T, test func(t *testing.T, blockSize int64, content []byte)) {
	content := text(100_000, 1)
	t.Run("whole", func(t *testing.T) { test(t, 1<<20, content) })
	t.Run("blocks", func(t *testing.T) { test(t, 10_000, content) })
}

func lostAnswer(t *testing.T, server *cloudtest.AzureServer) {
	bothWays(t, func(t *testing.T, blockSize int64, content []byte) {
		var lost atomic.Int64
		o := sharedKey(t, server)
		o.BlockSize = blockSize
		o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if isCreate(r) {
				lost.Add(1)
				lose(r, pass)
			}
			pass.ServeHTTP(w, r)
		})
		b := open(t, o)
		object := create(t, b, "a/b", content)
		if lost.Load() == 0 || object.Name != "a/b" || object.Size != int64(len(content)) || object.Modified.IsZero() || object.Attributes != nil {
			t.Errorf("%d answers were lost, then Create returns %+v", lost.Load(), object)
		}
		wantContent(t, b, "a/b", content)
	})
}

func busyService(t *testing.T, server *cloudtest.AzureServer) {
	bothWays(t, func(t *testing.T, blockSize int64, content []byte) {
		var header atomic.Value
		o := sharedKey(t, server)
		o.BlockSize = blockSize
		o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if r.Method != http.MethodPut {
				pass.ServeHTTP(w, r)
				return
			}
			maps.Copy(w.Header(), header.Load().(http.Header))
			w.Header().Set("x-ms-error-code", "ServerBusy")
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		b := open(t, o)
		for _, ask := range []struct {
			name, value string
			wait        time.Duration
		}{{"Retry-After", "7", 7 * time.Second}, {"X-Ms-Retry-After-Ms", "4500", 4500 * time.Millisecond}} {
			header.Store(http.Header{ask.name: {ask.value}})
			_, err := b.Create(t.Context(), "a/b", bytes.NewReader(content), nil)
			if err == nil || store.IsPermanent(err) || store.WaitOf(err) != ask.wait || !strings.Contains(err.Error(), "503 ServerBusy") {
				t.Errorf("%s: Create returns %v, with a wait of %v", ask.name, err, store.WaitOf(err))
			}
		}
		wantNothing(t, b, "a/b")
	})
}

func damage(t *testing.T, server *cloudtest.AzureServer) {
	bothWays(t, func(t *testing.T, blockSize int64, content []byte) {
		var damaged atomic.Bool
		o := sharedKey(t, server)
		o.BlockSize = blockSize
		o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if (isCreate(r) && !isCommit(r) || isBlock(r)) && !damaged.Swap(true) {
				all, err := io.ReadAll(r.Body)
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				all[len(all)/2] ^= 1
				r.Body = io.NopCloser(bytes.NewReader(all))
			}
			pass.ServeHTTP(w, r)
		})
		b := open(t, o)
		_, err := b.Create(t.Context(), "a/b", bytes.NewReader(content), nil)
		if blockSize > int64(len(content)) {
			if err == nil || store.IsPermanent(err) {
				t.Errorf("Create returns %v, want an error that can be retried", err)
			}
			wantNothing(t, b, "a/b")
			create(t, b, "a/b", content)
		} else if err != nil {
			t.Errorf("a block is not sent again: %v", err)
		}
		wantContent(t, b, "a/b", content)
	})
}

// discardedBlocks lets another writer come between the staging of blocks and their commit.
// takenNames has a service that refuses a name which another writer has taken meanwhile.
func takenNames(t *testing.T, server *cloudtest.AzureServer) {
	for code, status := range map[string]int{
		"BlobAlreadyExists": 409, "ConditionNotMet": 412, "InvalidBlockList": 400, "UnauthorizedBlobOverwrite": 403, "InternalError": 500,
	} {
		bothWays(t, func(t *testing.T, blockSize int64, content []byte) {
			o := sharedKey(t, server)
			o.BlockSize = blockSize
			direct := open(t, o)
			var taker atomic.Value // what the other writer puts there
			o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				if !isCreate(r) {
					pass.ServeHTTP(w, r)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				create(t, direct, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], taker.Load().([]byte))
				w.Header().Set("x-ms-error-code", code)
				w.WriteHeader(status)
			})
			b := open(t, o)
			taker.Store(content)
			if _, err := b.Create(t.Context(), "same", bytes.NewReader(content), nil); err != nil {
				t.Errorf("%s: Create returns %v where the same content is", code, err)
			}
			taker.Store(text(100_000, 2))
			if _, err := b.Create(t.Context(), "other", bytes.NewReader(content), nil); !errors.Is(err, fs.ErrExist) || store.IsPermanent(err) {
				t.Errorf("%s: Create returns %v where other content is", code, err)
			}
		})
	}
}

// TestContentIsNotReadAfterCreate has a service that refuses before it has read what it is sent, so that the transport is
// still reading the content when the answer is there.
func TestContentIsNotReadAfterCreate(t *testing.T) {
	cleanEnv(t)
	content := &slowReader{content: bytes.NewReader(text(4<<20, 1)), slow: make(chan struct{})}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-content.slow
		w.Header().Set("x-ms-error-code", "AuthenticationFailed")
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	b := open(t, azurestore.Options{Account: "account", Container: "container", Endpoint: s.URL + "/account", SharedKey: "a2V5"})
	if _, err := b.Create(t.Context(), "a", content, nil); !store.IsPermanent(err) {
		t.Errorf("Create returns %v", err)
	}
	if content.reading.Load() != 0 {
		t.Error("the content is still being read after Create has returned")
	}
}

// slowReader waits after its content was read once and a little of it again.
type slowReader struct {
	content *bytes.Reader
	total   atomic.Int64
	reading atomic.Int64
	once    sync.Once
	slow    chan struct{} // closed when it does so
}

func (r *slowReader) Read(p []byte) (int, error) {
	r.reading.Add(1)
	defer r.reading.Add(-1)
	if r.total.Load() > r.content.Size()+50_000 {
		r.once.Do(func() { close(r.slow) })
		time.Sleep(300 * time.Millisecond)
	}
	n, err := r.content.Read(p)
	r.total.Add(int64(n))
	return n, err
}

func (r *slowReader) Seek(offset int64, whence int) (int64, error) {
	return r.content.Seek(offset, whence)
}

func tierTagsAttributes(t *testing.T, server *cloudtest.AzureServer) {
	bothWays(t, func(t *testing.T, blockSize int64, content []byte) {
		o := sharedKey(t, server)
		o.BlockSize, o.AccessTier, o.Tags = blockSize, "cool", map[string]string{"team": "data lake", "stage": "prod/1+1"}
		b := open(t, o)
		attrs := map[string]string{"stream": "Bestellungen 100%", "first_seq": "1"}
		if _, err := b.Create(t.Context(), "a/b", bytes.NewReader(content), attrs); err != nil {
			t.Fatal(err)
		}
		object, err := b.Stat(t.Context(), "a/b")
		if err != nil || !maps.Equal(object.Attributes, attrs) {
			t.Errorf("Stat returns %+v, %v", object, err)
		}
		tier, tags, _ := describe(t, server, o.Container, "a/b")
		if tier != "Cool" || !maps.Equal(tags, o.Tags) {
			t.Errorf("the blob has tier %s and tags %v", tier, tags)
		}
	})
}

// describe asks the service about a blob, by the SDK alone.
func describe(t *testing.T, server *cloudtest.AzureServer, containerName, name string) (tier string, tags map[string]string, contentType string) {
	t.Helper()
	key, err := container.NewSharedKeyCredential(server.Account, server.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(server.Endpoint+"/"+containerName, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	properties, err := client.NewBlobClient(name).GetProperties(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.NewBlobClient(name).GetTags(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	tags = make(map[string]string)
	for _, tag := range answer.BlobTagSet {
		tags[*tag.Key] = *tag.Value
	}
	return *properties.AccessTier, tags, *properties.ContentType
}

func untakable(t *testing.T, server *cloudtest.AzureServer) {
	b := open(t, sharedKey(t, server))
	_, err := b.Create(t.Context(), "a", strings.NewReader("x"), map[string]string{"Not-A-Name": "x"})
	if !store.IsPermanent(err) {
		t.Errorf("Create returns %v, want a Permanent error", err)
	}
	wantNothing(t, b, "a")
}
