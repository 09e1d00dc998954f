package azurestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// quickRetries are for short failures; the caller retries after longer ones.
var quickRetries = policy.RetryOptions{MaxRetries: 2, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second}

// maxBlob is larger than any blob.
const maxBlob = maxBlocks * maxBlockSize

// Bucket is a store.Bucket in a container of Azure Blob Storage.
type Bucket struct {
	client  *container.Client
	root    string // URL of the container, for people
	prefix  string // "" or with a slash at its end
	options Options
}

// New returns a Bucket. It does no I/O: if the container does not exist, or the credential is refused, the first use returns
// a Permanent error.
func New(o Options) (*Bucket, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("azure options: %w", err)
	}
	client, err := o.newClient()
	if err != nil {
		return nil, fmt.Errorf("azure client: %w", cloud.Redact(err))
	}
	return newBucket(client, o), nil
}

func newBucket(client *container.Client, o Options) *Bucket {
	b := &Bucket{client: client, root: o.Endpoint + "/" + o.Container, options: o}
	if o.Prefix != "" {
		b.prefix = o.Prefix + "/"
	}
	return b
}

// blobName returns the name in the container.
func (b *Bucket) blobName(name string) (string, error) {
	if err := store.ValidName(name); err != nil {
		return "", err
	}
	if err := store.ValidName(b.prefix + name); err != nil { // too long with the prefix
		return "", err
	}
	return b.prefix + name, nil
}

// location returns the URL of a blob, without credentials.
func (b *Bucket) location(name string) string {
	elements := strings.Split(b.prefix+name, "/")
	for i := range elements {
		elements[i] = url.PathEscape(elements[i])
	}
	return b.root + "/" + strings.Join(elements, "/")
}

// failed adds the operation and the object to an error. An error of the context takes precedence.
func (b *Bucket) failed(ctx context.Context, op, name string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	place := b.root
	if store.ValidName(name) == nil {
		place = b.location(name)
	}
	return fmt.Errorf("%s %s: %w", op, place, err)
}

// Stat implements store.Bucket.
func (b *Bucket) Stat(ctx context.Context, name string) (store.Object, error) {
	object, _, err := b.stat(ctx, name)
	if err != nil {
		return store.Object{}, b.failed(ctx, "stat", name, err)
	}
	return object, nil
}

func (b *Bucket) stat(ctx context.Context, name string) (object store.Object, sha256 string, err error) {
	full, err := b.blobName(name)
	if err != nil {
		return store.Object{}, "", err
	}
	properties, err := b.client.NewBlobClient(full).GetProperties(ctx, nil)
	if err != nil {
		return store.Object{}, "", classify(err)
	}
	metadata := make(map[string]string, len(properties.Metadata))
	for name, value := range properties.Metadata {
		if value != nil {
			metadata[name] = *value
		}
	}
	if isFolder(properties.Metadata) {
		return store.Object{}, "", fs.ErrNotExist
	}
	object = b.object(name, value(properties.ContentLength), value(properties.LastModified))
	object.Attributes, sha256 = cloud.DecodeAttributes(metadata)
	return object, sha256, nil
}

// isFolder tells a folder of a hierarchical namespace, which looks like an empty blob.
func isFolder(metadata map[string]*string) bool {
	for name, v := range metadata {
		if strings.EqualFold(name, "hdi_isfolder") && value(v) == "true" {
			return true
		}
	}
	return false
}

func (b *Bucket) object(name string, size int64, modified time.Time) store.Object {
	return store.Object{Name: name, Location: b.location(name), Size: size, Modified: modified}
}

// Open implements store.Bucket. When a connection breaks off, the reader opens another one where it stopped, provided that the blob
// is still the same.
func (b *Bucket) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	content, err := b.open(ctx, name, offset, length)
	if err != nil {
		return nil, b.failed(ctx, "open", name, err)
	}
	return content, nil
}

func (b *Bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	full, err := b.blobName(name)
	if err == nil {
		err = store.Permanent(body.CheckRange(offset, length))
	}
	if err != nil {
		return nil, err
	}
	empty := &reader{bucket: b, ctx: ctx, name: name, from: http.NoBody}
	switch {
	case length == 0: // means the whole blob to the service
		_, _, err := b.stat(ctx, name)
		return empty, err
	case length < 0 || length > maxBlob:
		length = blob.CountToEnd
	}
	answer, err := b.client.NewBlobClient(full).DownloadStream(ctx, &blob.DownloadStreamOptions{
		Range: blob.HTTPRange{Offset: offset, Count: length},
	})
	var refused *azcore.ResponseError
	switch {
	case errors.As(err, &refused) && refused.StatusCode == http.StatusRequestedRangeNotSatisfiable: // it starts beyond the end
		return empty, nil
	case err != nil:
		return nil, classify(err)
	case isFolder(answer.Metadata):
		_ = answer.Body.Close()
		return nil, fs.ErrNotExist
	}
	from := answer.NewRetryReader(ctx, &blob.RetryReaderOptions{MaxRetries: quickRetries.MaxRetries, EarlyCloseAsError: true})
	return &reader{b, ctx, name, from, value(answer.ContentLength)}, nil
}

// reader reads a blob, and names it in its errors.
type reader struct {
	bucket *Bucket
	ctx    context.Context // of Open
	name   string
	from   io.ReadCloser
	size   int64
}

// Size returns the length of the range that is read.
func (r *reader) Size() int64 { return r.size }

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.bucket.failed(r.ctx, "read", r.name, classify(err))
	}
	return n, err
}

func (r *reader) Close() error { return r.from.Close() }

// Remove implements store.Bucket. It removes snapshots of the blob too.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	full, err := b.blobName(name)
	if err == nil {
		_, err = b.client.NewBlobClient(full).Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeInclude)})
		err = classify(err)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b.failed(ctx, "remove", name, err)
	}
	return nil
}

// value returns what p points to, or zero.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
