package azurestore

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
)

// The names of the older library's Azure store, with its signatures.

// BuildURLBase returns the URL below which the blocks of a destination key go, such as
// https://account.blob.core.windows.net/container/prefix. It must not let a hostile destination key lead out of where it
// should be; store.EscapeHive makes a folder name of any string. It must return the same URL for a destination key each time, in
// all captures of a consumer. AzureBlobStore returns its errors. If an error cannot be fixed by retrying, mark it with
// store.Permanent; the error of AzureBlobStore then wraps store.ErrDestKey, too.
type BuildURLBase[K comparable] func(ctx context.Context, destKey K) (string, error)

// OverrideUploadOptions changes how a block is stored, such as its access tier. It is called before each try, with options of its
// own that hold the values of BlobStoreOptions and the block's attributes as Metadata, by several goroutines at a time.
// AccessConditions, TransactionalValidation and CPKInfo must stay empty. The type of options is azblob.UploadStreamOptions.
type OverrideUploadOptions[K comparable] func(options *blockblob.UploadStreamOptions, destKey K)

// NewAzureBlobStore is the older spelling of NewBlobStore. A nil credential means that one is found as the package's documentation
// says. override may be nil. It does no I/O.
func NewAzureBlobStore[K comparable](credential azcore.TokenCredential, base BuildURLBase[K], override OverrideUploadOptions[K]) (*AzureBlobStore[K], error) {
	return NewBlobStore(base, BlobStoreOptions[K]{Options: Options{Credential: credential}, OverrideUploadOptions: override})
}
