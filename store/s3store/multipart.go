package s3store

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

const (
	abortTimeout  = 10 * time.Second
	abortTries    = 4
	beginGrace    = 3 * time.Second
	stragglerWait = 100 * time.Millisecond // the first time; then twice as long
)

// multipart creates the object from parts. Nothing is visible before the last request, which carries the condition. If it fails
// before, it removes the parts.
func (u *upload) multipart(ctx context.Context) (store.Object, error) {
	id, err := u.begin(ctx)
	if err != nil {
		return store.Object{}, explain(err)
	}
	parts, err := u.sendParts(ctx, id)
	sent := err == nil
	if sent {
		var object store.Object
		if object, err = u.complete(ctx, id, parts); err == nil {
			return object, nil
		}
	}
	err = explain(err)
	if left := u.abort(ctx, id, sent); left != nil {
		err = fmt.Errorf("%w; its parts remain on the server: %v", err, explain(left)) //nolint:errorlint // it must not decide whether err is Permanent
	}
	return store.Object{}, err
}

// begin may outlive ctx for a moment, since an upload whose id is not known cannot be aborted.
func (u *upload) begin(ctx context.Context) (id *string, err error) {
	ctx, cancel := outlive(ctx, beginGrace)
	defer cancel()
	b, o := u.bucket, &u.bucket.options
	out, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &o.Bucket, Key: b.key(u.name), ChecksumAlgorithm: b.algorithm,
		Metadata: u.metadata, Tagging: b.tagging, StorageClass: types.StorageClass(o.StorageClass),
		ServerSideEncryption: types.ServerSideEncryption(o.SSE), SSEKMSKeyId: optional(o.KMSKeyID),
	})
	if err != nil {
		return nil, err
	}
	return out.UploadId, nil
}

// outlive returns a context that ends a while after ctx.
func outlive(ctx context.Context, a time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(a, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

// sendParts sends all parts, several at a time, and returns after the last request has ended. The first failure ends the others.
func (u *upload) sendParts(ctx context.Context, id *string) ([]types.CompletedPart, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := max(u.bucket.options.PartSize, (u.size+maxParts-1)/maxParts)
	parts := make([]types.CompletedPart, (u.size+size-1)/size)
	slots := make(chan []byte, u.bucket.options.Parallel) // each with the memory of one part, if needed
	for range cap(slots) {
		slots <- nil
	}
	var sending sync.WaitGroup
	for i := range parts {
		var buffer []byte
		select {
		case buffer = <-slots:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		offset := int64(i) * size
		part, buffer, err := u.part(ctx, buffer, offset, min(size, u.size-offset))
		if err != nil {
			cancel(err)
			break
		}
		sending.Go(func() {
			var err error
			if parts[i], err = u.sendPart(ctx, id, int32(i+1), part); err != nil {
				cancel(err)
			}
			slots <- buffer
		})
	}
	sending.Wait()
	return parts, context.Cause(ctx)
}

// part returns a part of the content, read into buffer unless parts of it can be read at a time.
func (u *upload) part(ctx context.Context, buffer []byte, offset, size int64) (part io.ReadSeeker, used []byte, err error) {
	from := u.section(ctx, offset, size)
	if u.at != nil {
		return from, nil, nil
	}
	if buffer == nil {
		buffer = make([]byte, size) // the first ones are the largest
	}
	if _, err := io.ReadFull(from, buffer[:size]); err != nil {
		return nil, nil, fmt.Errorf("%d bytes at %d: %w", size, offset, &cloud.ContentError{Err: err})
	}
	return bytes.NewReader(buffer[:size]), buffer, nil
}

func (u *upload) sendPart(ctx context.Context, id *string, number int32, part io.ReadSeeker) (types.CompletedPart, error) {
	b := u.bucket
	sum, err := b.contentMD5(part)
	if err != nil {
		return types.CompletedPart{}, err
	}
	size, err := part.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = part.Seek(0, io.SeekStart)
	}
	if err != nil {
		return types.CompletedPart{}, err
	}
	out, err := b.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &b.options.Bucket, Key: b.key(u.name), UploadId: id, PartNumber: &number,
		Body: part, ContentLength: &size, ContentMD5: sum, ChecksumAlgorithm: b.algorithm,
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{
		PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32, ChecksumCRC32C: out.ChecksumCRC32C,
		ChecksumCRC64NVME: out.ChecksumCRC64NVME, ChecksumSHA256: out.ChecksumSHA256,
	}, nil
}

// complete makes the object visible, unless the name is taken.
func (u *upload) complete(ctx context.Context, id *string, parts []types.CompletedPart) (store.Object, error) {
	b := u.bucket
	out, err := b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &b.options.Bucket, Key: b.key(u.name), UploadId: id, IfNoneMatch: b.condition(),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return store.Object{}, err
	}
	return b.made(u.name, u.size, out.ResultMetadata), nil
}

// abort removes the parts, also when ctx has ended. It returns nil if the upload is gone, because it was completed and the answer was
// lost. A part whose request was given up may arrive after the upload was aborted, and bring it back: if that can be, abort looks
// again.
func (u *upload) abort(ctx context.Context, id *string, allSent bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	for try := range abortTries {
		_, err := u.bucket.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &u.bucket.options.Bucket, Key: u.bucket.key(u.name), UploadId: id,
		})
		gone := codeOf(err) == codeNoSuchUpload
		if err != nil && !gone {
			return err
		}
		if allSent || gone && try > 0 {
			break
		}
		select {
		case <-time.After(stragglerWait << try):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
