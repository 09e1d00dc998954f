package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// discardTimeout is the most that removing a damaged object may take, though the caller's context has ended.
const discardTimeout = 10 * time.Second

// upload is one attempt to create an object.
type upload struct {
	bucket   *Bucket
	objects  *api
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
func (u *upload) send(ctx context.Context) (*objectInfo, error) {
	content := &contentReader{from: body.NewReader(ctx, u.content)}
	made, err := u.insert(ctx, content)
	if broken := content.stop(); err != nil && broken != nil {
		return nil, broken // the error of net/http does not always wrap it
	}
	if err != nil {
		return nil, err
	}
	if made.Name == "" || made.Size != u.size || made.CRC32C != u.crc {
		return nil, u.discard(ctx, made)
	}
	return made, nil
}

// insert sends the content, by one request without a buffer that is not tried again, or in chunks.
func (u *upload) insert(ctx context.Context, content io.Reader) (*objectInfo, error) {
	o := u.bucket.options
	object := objectInfo{
		Name: u.full, ContentType: contentType, StorageClass: o.StorageClass, Metadata: u.metadata, CRC32C: u.crc, Size: u.size,
	}
	if u.whole() {
		return u.objects.insert(ctx, object, o.KMSKeyName, content)
	}
	return u.objects.insertChunks(ctx, object, o.KMSKeyName, content, o.ChunkSize)
}

const contentType = "application/octet-stream"

// discard removes an object that differs from the content, on a server that does not compare checksums.
func (u *upload) discard(ctx context.Context, made *objectInfo) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	damage := fmt.Errorf("the server stored %d bytes with CRC32C %s of %d with %s", made.Size, made.CRC32C, u.size, u.crc)
	if made.Name == "" { // the request was damaged, so that the server took the content for the description
		return errors.New("the server stored it under no name")
	}
	err := retry(ctx, func() error {
		return u.objects.remove(ctx, u.full, made.Generation)
	})
	if err != nil {
		return fmt.Errorf("%w, and the object cannot be removed: %w", damage, err)
	}
	return damage
}

// stat describes the object with the name. If its CRC32C differs, the SHA-256 in its metadata proves nothing.
func (u *upload) stat(ctx context.Context) (store.Object, string, error) {
	found, err := u.bucket.stat(ctx, u.name)
	if err != nil {
		return store.Object{}, "", err
	}
	_, sha256 := cloud.DecodeAttributes(found.Metadata)
	if found.CRC32C != u.crc {
		sha256 = ""
	}
	return u.bucket.describe(u.name, found), sha256, nil
}
