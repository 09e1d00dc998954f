package azurestore_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/storetest"
)

func TestBucket(t *testing.T) {
	server := cloudtest.Azure(t)
	storetest.Run(t, func(t *testing.T) store.Bucket { return open(t, sharedKey(t, server)) })
}

func TestBucketOfBlocksBelowAPrefix(t *testing.T) {
	server := cloudtest.Azure(t)
	storetest.Run(t, func(t *testing.T) store.Bucket {
		o := sharedKey(t, server)
		o.Prefix, o.BlockSize = "lake/100% für/", 64<<10
		return open(t, o)
	})
}

func TestLocator(t *testing.T) {
	server := cloudtest.Azure(t)
	storetest.RunLocator(t, func(t *testing.T) store.BlockStore[string] {
		return store.Blocks[string](open(t, sharedKey(t, server)), nil)
	}, "eu", "../..", "")
}

func TestProbeFindsServersThatOverwrite(t *testing.T) {
	server := cloudtest.Azure(t)
	for name, ignores := range map[string]func(*http.Request) bool{
		"whole blobs": func(r *http.Request) bool { return isCreate(r) && !isCommit(r) },
		"blocks":      isCommit,
		"nothing":     func(*http.Request) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			o := withSAS(t, server)
			o.Endpoint = proxy(t, server, func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
				if ignores(r) {
					r.Header.Del("If-None-Match")
				}
				pass.ServeHTTP(w, r)
			})
			err := store.Probe(t.Context(), open(t, o))
			switch overwrites := name != "nothing"; {
			case overwrites && (!errors.Is(err, store.ErrNotCreateOnly) || !store.IsPermanent(err)):
				t.Errorf("Probe returns %v, want ErrNotCreateOnly", err)
			case !overwrites && err != nil:
				t.Error(err)
			}
		})
	}
}
