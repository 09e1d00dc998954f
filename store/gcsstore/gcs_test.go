package gcsstore_test

import (
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
	"github.com/jetcapture/lake/store/storetest"
)

// anonymous returns options for a new bucket of the server.
func anonymous(t *testing.T, server *cloudtest.GCSServer) gcsstore.Options {
	t.Helper()
	return gcsstore.Options{Bucket: server.Bucket(t), Endpoint: server.Endpoint, Anonymous: true}
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

func TestBucket(t *testing.T) {
	server := cloudtest.GCS(t)
	storetest.Run(t, func(t *testing.T) store.Bucket { return open(t, anonymous(t, server)) })
}

func TestBucketOfChunksBelowAPrefix(t *testing.T) {
	server := cloudtest.GCS(t)
	storetest.Run(t, func(t *testing.T) store.Bucket {
		o := anonymous(t, server)
		o.Prefix, o.ChunkSize = "lake/100% für/", 256<<10
		return open(t, o)
	})
}
