package s3store

import (
	"context"
	"crypto/md5" // Content-MD5 is a checksum and protects only from accidents
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// Create implements store.Bucket. It reads content several times: for its digest, which tells it from other content, and to send it,
// again after a failure.
func (b *Bucket) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	object, err := b.create(ctx, name, content, attrs)
	if err != nil {
		return store.Object{}, b.failed(ctx, "create", name, err)
	}
	return object, nil
}

func (b *Bucket) create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	if err := store.ValidName(name); err != nil {
		return store.Object{}, err
	}
	u, err := b.newUpload(ctx, name, content, attrs)
	if err != nil {
		return store.Object{}, err
	}
	if b.options.Unconditional {
		if object, err := u.resolve(ctx, cloud.ErrNothing); !errors.Is(err, cloud.ErrNothing) {
			return object, err
		}
	}
	object, err := u.send(ctx)
	if err == nil {
		return object, nil
	}
	if ctx.Err() != nil || clearlyNotThere(err) {
		return store.Object{}, err
	}
	// The server may have refused, or the answer may be lost. The object of that name tells.
	return u.resolve(ctx, err)
}

// clearlyNotThere reports whether a failure means that this upload certainly created no object.
func clearlyNotThere(err error) bool {
	var content *cloud.ContentError
	var credentials *credentialsError
	return store.IsPermanent(err) || errors.As(err, &content) || errors.As(err, &credentials)
}

// upload is the creation of one object.
type upload struct {
	bucket   *Bucket
	name     string
	content  io.ReadSeeker
	at       io.ReaderAt // content too; nil if content is no io.ReaderAt
	size     int64
	sha256   string
	metadata map[string]string
}

func (b *Bucket) newUpload(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (*upload, error) {
	u := &upload{bucket: b, name: name, content: content, metadata: make(map[string]string)}
	u.at, _ = content.(io.ReaderAt)
	var err error
	if u.size, u.sha256, err = body.Digest(ctx, content); err != nil {
		return nil, err
	}
	encoded, err := cloud.EncodeAttributes(attrs, u.sha256)
	for attribute, value := range encoded {
		u.metadata[toHeader(attribute)] = value
	}
	return u, err
}

// resolve returns the result of a send that failed.
func (u *upload) resolve(ctx context.Context, failed error) (store.Object, error) {
	b := u.bucket
	attempt := cloud.Upload{
		Content: u.content, Size: u.size, SHA256: u.sha256,
		Stat: func(ctx context.Context) (store.Object, string, error) { return b.stat(ctx, u.name) },
		Open: func(ctx context.Context) (io.ReadCloser, error) { return b.Open(ctx, u.name, 0, -1) },
	}
	object, err := attempt.Resolve(ctx, failed)
	object.Attributes = nil
	return object, err
}

// send creates the object, in one request if it is small.
func (u *upload) send(ctx context.Context) (store.Object, error) {
	if u.size <= u.bucket.options.PartSize {
		return u.put(ctx)
	}
	return u.multipart(ctx)
}

func (u *upload) put(ctx context.Context) (store.Object, error) {
	b, o := u.bucket, &u.bucket.options
	from := u.section(ctx, 0, u.size)
	sum, err := b.contentMD5(from)
	if err != nil {
		return store.Object{}, err
	}
	out, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &o.Bucket, Key: b.key(u.name), IfNoneMatch: b.condition(),
		Body: from, ContentLength: &u.size, ContentMD5: sum, ChecksumAlgorithm: b.algorithm,
		Metadata: u.metadata, Tagging: b.tagging, StorageClass: types.StorageClass(o.StorageClass),
		ServerSideEncryption: types.ServerSideEncryption(o.SSE), SSEKMSKeyId: optional(o.KMSKeyID),
	})
	if err != nil {
		return store.Object{}, explain(err)
	}
	return b.made(u.name, u.size, out.ResultMetadata), nil
}

// condition is the header that keeps a write from replacing an object.
func (b *Bucket) condition() *string {
	if b.options.Unconditional {
		return nil
	}
	return aws.String("*")
}

// contentMD5 returns the value of the header Content-MD5, if options ask for it. It leaves from at its start.
func (b *Bucket) contentMD5(from io.ReadSeeker) (*string, error) {
	if b.options.Checksum != ChecksumMD5 {
		return nil, nil
	}
	sum := md5.New()
	if _, err := io.Copy(sum, from); err != nil {
		return nil, err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("rewind content: %w", err)
	}
	return aws.String(base64.StdEncoding.EncodeToString(sum.Sum(nil))), nil
}

// section reads a part of the content. Only sections of an io.ReaderAt may be read at a time.
func (u *upload) section(ctx context.Context, offset, size int64) io.ReadSeeker {
	from := u.content
	if u.at != nil {
		from = io.NewSectionReader(u.at, offset, size)
	}
	return &contentReader{body.NewReader(ctx, from), from}
}

// contentReader is the content for the SDK.
type contentReader struct {
	from body.Reader
	io.Seeker
}

func (c *contentReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // an error that wraps io.EOF is not the end
		err = &cloud.ContentError{Err: err}
	}
	return n, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
