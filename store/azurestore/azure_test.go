package azurestore_test

import (
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/storetest"
)

// sharedKey returns options for a new container of the server.
func sharedKey(t *testing.T, server *cloudtest.AzureServer) azurestore.Options {
	t.Helper()
	for _, name := range []string{"CONNECTION_STRING", "KEY", "SAS_TOKEN", "ACCOUNT"} {
		t.Setenv("AZURE_STORAGE_"+name, "")
	}
	return azurestore.Options{Account: server.Account, Container: server.Container(t), Endpoint: server.Endpoint, SharedKey: server.Key}
}

func open(t *testing.T, o azurestore.Options) *azurestore.Bucket {
	t.Helper()
	b, err := azurestore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

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
