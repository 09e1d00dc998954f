package azurestore_test

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
)

// A program for the older library. It need only compile.
var _ = func(credential azcore.TokenCredential) (store.BlockStore[string], error) {
	var base azurestore.BuildURLBase[string] = func(ctx context.Context, region string) (string, error) {
		return "https://capture.blob.core.windows.net/backup/" + region, ctx.Err()
	}
	var override azurestore.OverrideUploadOptions[string] = func(options *azblob.UploadStreamOptions, region string) {
		options.AccessTier = to.Ptr(blob.AccessTierCool)
		options.Metadata["region"] = to.Ptr(region)
		options.BlockSize, options.Concurrency = 8<<20, 2
	}
	var s *azurestore.AzureBlobStore[string]
	s, err := azurestore.NewAzureBlobStore(credential, base, override)
	if err != nil {
		return nil, err
	}
	return s, nil
}
