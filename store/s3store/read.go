package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// Open implements store.Bucket. A whole object is checked against its checksum, if it has one.
func (b *Bucket) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.open(ctx, name, offset, length)
	if err != nil {
		return nil, b.failed(ctx, "open", name, err)
	}
	return &reader{bucket: b, ctx: ctx, name: name, from: r}, nil
}

func (b *Bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	err := store.ValidName(name)
	if err == nil {
		err = store.Permanent(body.CheckRange(offset, length))
	}
	if err != nil {
		return nil, err
	}
	if length == 0 {
		_, _, err := b.stat(ctx, name)
		return http.NoBody, err
	}
	span := span(offset, length)
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.options.Bucket, Key: b.key(name), Range: span})
	switch {
	case statusOf(err) == http.StatusRequestedRangeNotSatisfiable: // the object ends before
		return http.NoBody, nil
	case codeOf(err) == codeNoSuchKey:
		return nil, notThere(err)
	case err != nil:
		return nil, explain(err)
	case span != nil && out.ContentRange == nil: // a server may answer with the whole object
		return cut(out.Body, offset, length)
	}
	return out.Body, nil
}

// span returns the range in the form of a header, or nil for the whole object.
func span(offset, length int64) *string {
	switch {
	case length < 0 && offset == 0:
		return nil
	case length < 0 || length > math.MaxInt64-offset:
		return aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	return aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
}

// cut takes the range from a whole object.
func cut(whole io.ReadCloser, offset, length int64) (io.ReadCloser, error) {
	if _, err := io.CopyN(io.Discard, whole, offset); err != nil && !errors.Is(err, io.EOF) {
		_ = whole.Close() // of a reader that failed already
		return nil, err
	}
	if length < 0 {
		return whole, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(whole, length), whole}, nil
}

// reader adds the name of the object to errors of reading.
type reader struct {
	bucket *Bucket
	ctx    context.Context // of Open, as for any reader of it
	name   string
	from   io.ReadCloser
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // an error that wraps io.EOF is not the end
		err = r.bucket.failed(r.ctx, "read", r.name, err)
	}
	return n, err
}

func (r *reader) Close() error { return r.from.Close() }

// Stat implements store.Bucket.
func (b *Bucket) Stat(ctx context.Context, name string) (store.Object, error) {
	object, _, err := b.stat(ctx, name)
	if err != nil {
		return store.Object{}, b.failed(ctx, "stat", name, err)
	}
	return object, nil
}

// stat describes an object, with the SHA-256 it was created with, or "" if another program created it.
func (b *Bucket) stat(ctx context.Context, name string) (object store.Object, sha256 string, err error) {
	if err := store.ValidName(name); err != nil {
		return store.Object{}, "", err
	}
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.options.Bucket, Key: b.key(name)})
	if err != nil {
		return store.Object{}, "", b.reason(ctx, name, err)
	}
	headers := make(map[string]string, len(out.Metadata))
	for header, value := range out.Metadata {
		headers[fromHeader(strings.ToLower(header))] = value
	}
	attrs, sha256 := cloud.DecodeAttributes(headers)
	return store.Object{
		Name: name, Location: b.location(name), Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified),
		Attributes: attrs,
	}, sha256, nil
}

// reason returns why a HEAD failed. Its answers have no body and so no reason: a 404 may be about the object or the bucket, and a 400
// or 403 about anything. So reason sends a GET.
func (b *Bucket) reason(ctx context.Context, name string, headErr error) error {
	if status := statusOf(headErr); status < 300 || status >= 500 {
		return explain(headErr)
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.options.Bucket, Key: b.key(name), Range: aws.String("bytes=0-0"),
	})
	switch {
	case err == nil:
		_ = out.Body.Close() // its content is not needed
	case codeOf(err) == codeNoSuchKey:
		return notThere(err)
	case statusOf(err) != http.StatusRequestedRangeNotSatisfiable: // the answer for an empty object
		return explain(err)
	}
	if statusOf(headErr) == http.StatusNotFound { // it was created in between
		return notThere(headErr)
	}
	return explain(headErr)
}

func notThere(err error) error {
	return &failure{text: "no such object: " + fs.ErrNotExist.Error(), err: errors.Join(fs.ErrNotExist, err)}
}
