package azurestore

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// UploadOptions say how one blob is created. They have the names of the SDK's.
type UploadOptions struct {
	AccessTier   *blob.AccessTier   // nil means the account's default
	Tags         map[string]string  // index tags
	Metadata     map[string]*string // the block's attributes, see store.Attributed, whose names they must have; any values
	HTTPHeaders  *blob.HTTPHeaders  // such as the content type
	CPKScopeInfo *blob.CPKScopeInfo // the encryption scope
}

// upload returns what the options of a Bucket say of one blob. Nothing of it is shared.
func (o *Options) upload(attrs map[string]string) *UploadOptions {
	u := &UploadOptions{Tags: maps.Clone(o.Tags), Metadata: make(map[string]*string, len(attrs))}
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
func (u *UploadOptions) encode(sha256 string) (map[string]*string, error) {
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

// check finds what net/http would not send, which otherwise looked like a fault of the network.
func (u *UploadOptions) check() error {
	headers := map[string]*string{"access tier": (*string)(u.AccessTier)}
	if h := u.HTTPHeaders; h != nil {
		headers["cache control"], headers["content disposition"] = h.BlobCacheControl, h.BlobContentDisposition
		headers["content encoding"], headers["content language"] = h.BlobContentEncoding, h.BlobContentLanguage
		headers["content type"] = h.BlobContentType
		if h.BlobContentMD5 != nil {
			return errors.New("leave BlobContentMD5 empty: a checksum of the content is sent already, and the service takes one alone")
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
