package azurestore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// createOnly lets the service refuse a name that is taken.
var createOnly = &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)}}

// Create implements store.Bucket. Content of at most BlockSize is one request, all or nothing. More is staged in blocks,
// up to Parallel at a time, and committed at once; blocks that are never committed are invisible, and the service removes
// them after a week. Content that is not an io.ReaderAt is held in memory, block by block, while it is sent.
func (b *Bucket) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	return b.createWith(ctx, name, content, b.options.upload(attrs))
}

func (b *Bucket) createWith(ctx context.Context, name string, content io.ReadSeeker, o *uploadOptions) (store.Object, error) {
	object, err := b.create(ctx, name, content, o)
	if err != nil {
		return store.Object{}, b.failed(ctx, "create", name, err)
	}
	object.Attributes = nil
	return object, nil
}

func (b *Bucket) create(ctx context.Context, name string, content io.ReadSeeker, o *uploadOptions) (store.Object, error) {
	full, err := b.blobName(name)
	if err != nil {
		return store.Object{}, err
	}
	u := &upload{client: b.client.NewBlockBlobClient(full), options: o, content: content, parallel: o.Concurrency}
	sha256, err := u.measure(ctx, o.BlockSize)
	if err == nil {
		u.metadata, err = o.encode(sha256)
	}
	if err != nil {
		return store.Object{}, err
	}
	there := &cloud.Upload{
		Content: content,
		Size:    u.size,
		SHA256:  sha256,
		Stat:    func(ctx context.Context) (store.Object, string, error) { return b.stat(ctx, name) },
		Open:    func(ctx context.Context) (io.ReadCloser, error) { return b.open(ctx, name, 0, -1) },
	}
	send := u.sendWhole
	if u.size > u.blockSize {
		send = u.sendBlocks
		// Avoids sending everything only to be refused. Without the right to look, sending it shows.
		if object, err := there.Resolve(ctx, cloud.ErrNothing); err == nil || errors.Is(err, fs.ErrExist) {
			return object, err
		}
	}
	modified, err := send(ctx)
	switch {
	case err == nil:
		return b.object(name, u.size, value(modified)), nil
	case ctx.Err() != nil || !mayExist(err):
		return store.Object{}, classify(err)
	}
	return there.Resolve(ctx, classify(err))
}

// upload is one attempt to create a blob.
type upload struct {
	client    *blockblob.Client
	options   *uploadOptions
	metadata  map[string]*string
	content   io.ReadSeeker
	size      int64
	blockSize int64
	crcs      []uint64 // of the blocks
	parallel  int
}

// measure finds the size, the blocks and the digests of the content in one pass.
func (u *upload) measure(ctx context.Context, blockSize int64) (sha256 string, err error) {
	size, err := body.Rewind(u.content)
	if err != nil {
		return "", err
	}
	u.blockSize = max(blockSize, (size+maxBlocks-1)/maxBlocks)
	sums := &blockSums{blockSize: u.blockSize}
	u.size, sha256, err = body.Digest(ctx, summed{u.content, sums})
	u.crcs = sums.crcs
	return sha256, err
}

// oneTry is for requests with content. The SDK would send the same reader again while the transport may still be reading
// it for the try before.
func oneTry(ctx context.Context) context.Context {
	return policy.WithRetryOptions(ctx, policy.RetryOptions{MaxRetries: -1})
}

// sendWhole creates the blob by one request and returns when it was created.
func (u *upload) sendWhole(ctx context.Context) (*time.Time, error) {
	options := &blockblob.UploadOptions{
		Tags:             u.options.Tags,
		Metadata:         u.metadata,
		Tier:             u.options.AccessTier,
		HTTPHeaders:      u.options.HTTPHeaders,
		CPKScopeInfo:     u.options.CPKScopeInfo,
		AccessConditions: createOnly,
	}
	if u.size > 0 {
		options.TransactionalValidation = blob.TransferValidationTypeCRC64(u.crcs[0])
	}
	part := u.part(ctx, 0)
	answer, err := u.client.Upload(oneTry(ctx), part, options)
	if broken := part.release(); broken != nil {
		return nil, broken
	}
	return answer.LastModified, err
}

// part returns a reader of block i. Without an io.ReaderAt that must be the next one, and it is the content itself.
func (u *upload) part(ctx context.Context, i int) *part {
	at, ok := u.content.(io.ReaderAt)
	if !ok {
		return newPart(ctx, u.content)
	}
	offset := int64(i) * u.blockSize
	return newPart(ctx, io.NewSectionReader(at, offset, min(u.blockSize, u.size-offset)))
}
