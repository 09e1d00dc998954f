package azurestore

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// uploadOptions say how one blob is created.
type uploadOptions struct{ blockblob.UploadStreamOptions }

// upload returns what the options of a Bucket say of one blob. Nothing of it is shared.
func (o *Options) upload(attrs map[string]string) *uploadOptions {
	u := &uploadOptions{blockblob.UploadStreamOptions{
		BlockSize: o.BlockSize, Concurrency: o.Parallel, Tags: maps.Clone(o.Tags), Metadata: make(map[string]*string, len(attrs)),
	}}
	for name, value := range attrs {
		u.Metadata[name] = to.Ptr(value)
	}
	if o.AccessTier != "" {
		u.AccessTier = to.Ptr(o.AccessTier)
	}
	if o.EncryptionScope != "" {
		u.CPKScopeInfo = &blob.CPKScopeInfo{EncryptionScope: to.Ptr(o.EncryptionScope)}
	}
	return u
}

// encode returns the metadata as it is sent, with the content's digest, or a Permanent error for what cannot be sent.
func (u *uploadOptions) encode(sha256 string) (map[string]*string, error) {
	if err := u.check(); err != nil {
		return nil, store.Permanent(err)
	}
	attrs := make(map[string]string, len(u.Metadata))
	for name, v := range u.Metadata {
		attrs[strings.ToLower(name)] = value(v)
	}
	encoded, err := cloud.EncodeAttributes(attrs, sha256)
	if err != nil {
		return nil, err
	}
	metadata := make(map[string]*string, len(encoded))
	for name, value := range encoded {
		metadata[name] = to.Ptr(value)
	}
	return metadata, nil
}

// check finds options that do not go with how blobs are created here, and those that net/http would not send, which otherwise
// would look like a fault of the network.
func (u *uploadOptions) check() error {
	switch {
	case u.AccessConditions != nil:
		return errors.New("leave AccessConditions empty: a blob is created only if nothing has its name")
	case u.TransactionalValidation != nil:
		return errors.New("leave TransactionalValidation empty: a checksum of the content is sent already")
	case u.CPKInfo != nil:
		return errors.New("leave CPKInfo empty: the blob could not be read again; name an encryption scope in CPKScopeInfo")
	case u.BlockSize < 1 || u.BlockSize > maxBlockSize:
		return fmt.Errorf("block size %d: write bytes, at most %d", u.BlockSize, maxBlockSize)
	case u.Concurrency < 1 || u.Concurrency > maxParallel:
		return fmt.Errorf("concurrency %d: write how many blocks are sent at a time, at most %d", u.Concurrency, maxParallel)
	}
	headers := map[string]*string{"access tier": (*string)(u.AccessTier)}
	if h := u.HTTPHeaders; h != nil {
		headers["cache control"], headers["content disposition"] = h.BlobCacheControl, h.BlobContentDisposition
		headers["content encoding"], headers["content language"] = h.BlobContentEncoding, h.BlobContentLanguage
		headers["content type"] = h.BlobContentType
		if h.BlobContentMD5 != nil {
			return errors.New("leave BlobContentMD5 empty: a checksum of the content is sent already, and the service takes only one")
		}
	}
	if u.CPKScopeInfo != nil {
		headers["encryption scope"] = u.CPKScopeInfo.EncryptionScope
	}
	for what, v := range headers {
		if strings.ContainsFunc(value(v), func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Errorf("%s %q: write printable ASCII", what, value(v))
		}
	}
	return checkTags(u.Tags)
}
