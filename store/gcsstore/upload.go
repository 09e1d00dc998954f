package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/storage/v1"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// discardTimeout is the most that removing a damaged object may take, though the caller's context has ended.
const discardTimeout = 10 * time.Second

// upload is one attempt to create an object.
type upload struct {
	bucket   *Bucket
	objects  *storage.ObjectsService
	name     string
	full     string // the name in the bucket
	content  io.ReadSeeker
	size     int64
	sha256   string
	crc      string // CRC32C, as the service writes it
	metadata map[string]string
}

func (b *Bucket) newUpload(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (*upload, error) {
	objects, full, err := b.object(ctx, name)
	if err != nil {
		return nil, err
	}
	u := &upload{bucket: b, objects: objects, name: name, full: full, content: content}
	sum := crc32.New(castagnoli)
	if u.size, u.sha256, err = body.Digest(ctx, summed{content, sum}); err != nil {
		return nil, err
	}
	u.crc = encodeSum(sum)
	u.metadata, err = cloud.EncodeAttributes(attrs, u.sha256)
	return u, err
}

// whole reports whether the content is sent by one request.
func (u *upload) whole() bool { return u.size <= int64(u.bucket.options.ChunkSize) }

// send creates the object, or leaves nothing visible, as far as the server's answers tell.
func (u *upload) send(ctx context.Context) (*storage.Object, error) {
	content := &contentReader{from: body.NewReader(ctx, u.content)}
	made, err := u.insert(ctx, content).Do(u.bucket.billing()...)
	if broken := content.stop(); err != nil && broken != nil {
		return nil, broken // the library's error does not always wrap it
	}
	if err != nil {
		return nil, err
	}
	if made.Name == "" || int64(made.Size) != u.size || made.Crc32c != u.crc { //nolint:gosec // of at most 5 TiB
		return nil, u.discard(ctx, made)
	}
	return made, nil
}

func (u *upload) insert(ctx context.Context, content io.Reader) *storage.ObjectsInsertCall {
	o := u.bucket.options
	chunkSize := 0 // one request without a buffer, that the library does not try again
	if !u.whole() {
		chunkSize = o.ChunkSize
	}
	call := u.objects.Insert(o.Bucket, &storage.Object{
		Name: u.full, ContentType: contentType, StorageClass: o.StorageClass, Metadata: u.metadata, Crc32c: u.crc,
	})
	call.Media(content, googleapi.ChunkSize(chunkSize), googleapi.ContentType(contentType)).IfGenerationMatch(0).Context(ctx)
	if o.KMSKeyName != "" {
		call.KmsKeyName(o.KMSKeyName)
	}
	if !u.whole() {
		call.WithRetry(pauses(), limited(mayRetry))
	}
	return call
}

const contentType = "application/octet-stream"

// limited lets each request of an upload be tried maxTries times. By itself the library would go on for longer. It asks
// after each try, failed or not.
func limited(may func(error) bool) func(error) bool {
	tries := 0
	return func(err error) bool {
		if err == nil {
			tries = 0 // another request follows
			return false
		}
		tries++
		return tries < maxTries && may(err)
	}
}

// discard removes an object that is not what was sent, on a server that does not look at checksums.
func (u *upload) discard(ctx context.Context, made *storage.Object) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	damage := fmt.Errorf("the server stored %d bytes with CRC32C %s of %d with %s", made.Size, made.Crc32c, u.size, u.crc)
	if made.Name == "" { // it took the content for the description, because the request was damaged
		return errors.New("the server stored it under no name")
	}
	err := retry(ctx, func() error {
		return u.objects.Delete(u.bucket.options.Bucket, u.full).Generation(made.Generation).Context(ctx).Do(u.bucket.billing()...)
	})
	if err != nil {
		return fmt.Errorf("%w, and they cannot be removed: %w", damage, err)
	}
	return damage
}

// stat describes what has the name. Where the CRC32C is another the metadata does not tell what the content is.
func (u *upload) stat(ctx context.Context) (store.Object, string, error) {
	found, err := u.bucket.stat(ctx, u.name)
	if err != nil {
		return store.Object{}, "", err
	}
	_, sha256 := cloud.DecodeAttributes(found.Metadata)
	if found.Crc32c != u.crc {
		sha256 = ""
	}
	return u.bucket.describe(u.name, found), sha256, nil
}
