package azurestore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

func racingBlocks(t *testing.T, server *cloudtest.AzureServer) {
	const racers = 16
	o := sharedKey(t, server)
	o.BlockSize = 4 << 10
	b := open(t, o)
	var wins atomic.Int64
	var winner atomic.Value
	var racing sync.WaitGroup
	for i := range racers {
		racing.Go(func() {
			content := text(50_000, byte(i))
			_, err := b.Create(t.Context(), "contested", bytes.NewReader(content), nil)
			switch {
			case err == nil:
				wins.Add(1)
				winner.Store(content)
			case !errors.Is(err, fs.ErrExist) || store.IsPermanent(err):
				t.Errorf("a loser gets %v, want fs.ErrExist", err)
			}
		})
	}
	racing.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d of %d racers won", wins.Load(), racers)
	}
	wantContent(t, b, "contested", winner.Load().([]byte))
}

func discardedBlocks(t *testing.T, server *cloudtest.AzureServer) {
	ours, other := text(100_000, 1), text(70_000, 2)
	for name, test := range map[string]struct {
		between func(t *testing.T, b *azurestore.Bucket)
		want    func(err error) bool
	}{
		"who wrote something else": {
			func(t *testing.T, b *azurestore.Bucket) { create(t, b, "a/b", other) },
			func(err error) bool { return errors.Is(err, fs.ErrExist) },
		},
		"who wrote the same": {
			func(t *testing.T, b *azurestore.Bucket) { create(t, b, "a/b", ours) },
			func(err error) bool { return err == nil },
		},
		"whose blob is gone again": {
			func(t *testing.T, b *azurestore.Bucket) {
				create(t, b, "a/b", other)
				if err := b.Remove(t.Context(), "a/b"); err != nil {
					t.Error(err)
				}
			},
			func(err error) bool { return err != nil && !store.IsPermanent(err) && !errors.Is(err, fs.ErrExist) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := sharedKey(t, server)
			o.BlockSize = 10_000
			direct := open(t, o)
			var once sync.Once
			o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				if isCommit(r) {
					once.Do(func() { test.between(t, direct) })
				}
				pass.ServeHTTP(w, r)
			})
			if _, err := open(t, o).Create(t.Context(), "a/b", bytes.NewReader(ours), nil); !test.want(err) {
				t.Errorf("Create returns %v", err)
			}
		})
	}
}

func stagedBlocks(t *testing.T, server *cloudtest.AzureServer) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := sharedKey(t, server)
	o.BlockSize = 10_000
	direct := open(t, o)
	o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if isCommit(r) {
			wantNothing(t, direct, "a/b")
			_, _ = io.Copy(io.Discard, r.Body) // which lets the server notice that the client has gone
			cancel()
			<-r.Context().Done()
			return
		}
		pass.ServeHTTP(w, r)
	})
	if _, err := open(t, o).Create(ctx, "a/b", bytes.NewReader(text(100_000, 1)), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Create returns %v, want context.Canceled", err)
	}
	wantNothing(t, direct, "a/b")
	other := text(100_001, 2)
	create(t, direct, "a/b", other)
	wantContent(t, direct, "a/b", other)
}

func parallelBlocks(t *testing.T, server *cloudtest.AzureServer) {
	const parallel, blockSize = 3, 10_000
	content := text(200_000, 1)
	for name, as := range map[string]func(*bytes.Reader) io.ReadSeeker{
		"content of any order": func(r *bytes.Reader) io.ReadSeeker { return r },
		"content in order":     func(r *bytes.Reader) io.ReadSeeker { return onlyReadSeeker{r} },
	} {
		t.Run(name, func(t *testing.T) {
			r := bytes.NewReader(content)
			var now, most, blocks atomic.Int64
			full := make(chan struct{}) // closed when as many blocks are on their way as there may be
			o := sharedKey(t, server)
			o.BlockSize, o.Parallel = blockSize, parallel
			o.Endpoint = proxy(t, server, func(w http.ResponseWriter, req *http.Request, pass http.Handler) {
				if !isBlock(req) {
					pass.ServeHTTP(w, req)
					return
				}
				defer now.Add(-1)
				n := now.Add(1)
				most.Store(max(most.Load(), n))
				if blocks.Add(1) == parallel {
					close(full)
				}
				<-full
				pass.ServeHTTP(w, req)
			})
			b := open(t, o)
			if _, err := b.Create(t.Context(), "a", as(r), nil); err != nil {
				t.Fatal(err)
			}
			if most.Load() > parallel || blocks.Load() != int64(len(content))/blockSize {
				t.Errorf("%d blocks, %d at a time", blocks.Load(), most.Load())
			}
			wantContent(t, b, "a", content)
		})
	}
}

func existingBlob(t *testing.T, server *cloudtest.AzureServer) {
	var blocks atomic.Int64
	o := sharedKey(t, server)
	o.BlockSize = 10_000
	o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if isBlock(r) {
			blocks.Add(1)
		}
		pass.ServeHTTP(w, r)
	})
	b := open(t, o)
	content := text(100_000, 1)
	create(t, b, "a", content)
	create(t, b, "a", content)
	if _, err := b.Create(t.Context(), "a", bytes.NewReader(text(100_000, 2)), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create of other content returns %v", err)
	}
	if blocks.Load() != 10 {
		t.Errorf("%d blocks were sent, want 10", blocks.Load())
	}
}
