package gcsstore

import (
	"context"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"

	"cloud.google.com/go/storage"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// discardTimeout is the most that removing a damaged object may take, though the caller's context has ended.
const discardTimeout = 10 * time.Second

// upload is one attempt to create an object.
type upload struct {
	bucket   *Bucket
	object   *storage.ObjectHandle
	name     string
	content  io.ReadSeeker
	size     int64
	sha256   string
	crc      uint32 // CRC32C
	metadata map[string]string
}

func (b *Bucket) newUpload(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (*upload, error) {
	object, err := b.object(ctx, name)
	if err != nil {
		return nil, err
	}
	u := &upload{bucket: b, object: object, name: name, content: content}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if u.size, u.sha256, err = body.Digest(ctx, summed{content, sum}); err != nil {
		return nil, err
	}
	u.crc = sum.Sum32()
	u.metadata, err = cloud.EncodeAttributes(attrs, u.sha256)
	return u, err
}

// summed adds to a sum what is read.
type summed struct {
	io.ReadSeeker
	sum hash.Hash32
}

func (s summed) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	_, _ = s.sum.Write(p[:n]) // it never fails
	return n, err
}

// whole reports whether the content is sent by one request.
func (u *upload) whole() bool { return u.size <= int64(u.bucket.options.ChunkSize) }

// send creates the object, or leaves nothing visible, as far as the server's answers tell.
func (u *upload) send(ctx context.Context) (*storage.ObjectAttrs, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := u.writer(ctx)
	if _, err := io.Copy(w, contentReader{body.NewReader(ctx, u.content)}); err != nil {
		// What was written so far must not become an object. So the end of the content is made an error before the writer
		// can take it for one; closing then only waits.
		_ = w.CloseWithError(err) //nolint:staticcheck // cancelling the context alone would let Close come first
		cancel()
		_ = w.Close() // it returns the error that is known
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	made := w.Attrs()
	if made.Size != u.size || made.CRC32C != u.crc {
		return nil, u.discard(ctx, made)
	}
	return made, nil
}

func (u *upload) writer(ctx context.Context) *storage.Writer {
	tries := 0
	create := u.object.If(storage.Conditions{DoesNotExist: true}).Retryer(storage.WithErrorFunc(func(err error) bool {
		// By itself the library would go on for as long as the context lasts. It asks after each try, failed or not.
		if err == nil || u.whole() {
			return false
		}
		tries++
		return tries < maxTries && mayRetry(err)
	}))
	w := create.NewWriter(ctx)
	w.ProgressFunc = func(int64) { tries = 0 } // another chunk is there
	if !u.whole() {
		w.ChunkSize = u.bucket.options.ChunkSize
	} else {
		w.ChunkSize = 0 // one request without a buffer, that the library does not try again
	}
	w.ContentType = "application/octet-stream"
	w.Metadata = u.metadata
	w.StorageClass = u.bucket.options.StorageClass
	w.KMSKeyName = u.bucket.options.KMSKeyName
	w.CRC32C, w.SendCRC32C = u.crc, true
	return w
}

// discard removes an object that is not what was sent, on a server that does not look at checksums.
func (u *upload) discard(ctx context.Context, made *storage.ObjectAttrs) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardTimeout)
	defer cancel()
	damage := fmt.Errorf("the server stored %d bytes with CRC32C %08x of %d with %08x", made.Size, made.CRC32C, u.size, u.crc)
	if err := u.object.Generation(made.Generation).Delete(ctx); err != nil {
		return fmt.Errorf("%w, and they cannot be removed: %w", damage, err)
	}
	return damage
}

// stat describes what has the name. Where the CRC32C is another the metadata does not tell what the content is.
func (u *upload) stat(ctx context.Context) (store.Object, string, error) {
	attrs, err := u.bucket.stat(ctx, u.name)
	if err != nil {
		return store.Object{}, "", err
	}
	_, sha256 := cloud.DecodeAttributes(attrs.Metadata)
	if attrs.CRC32C != u.crc {
		sha256 = ""
	}
	return u.bucket.describe(u.name, attrs.Size, attrs.Created), sha256, nil
}

// contentReader marks the errors of the content.
type contentReader struct{ from body.Reader }

func (c contentReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // what wraps io.EOF is none
		err = &contentError{err}
	}
	return n, err
}
