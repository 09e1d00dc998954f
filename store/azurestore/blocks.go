package azurestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/body"
)

const (
	stageTries = 3
	stageWait  = 200 * time.Millisecond // before the second try; then twice as long
)

// sendBlocks stages the content in blocks and commits them as one blob. It returns the time at which the blob was created.
func (u *upload) sendBlocks(ctx context.Context) (*time.Time, error) {
	ids := blockIDs(len(u.crcs))
	if err := u.stageAll(ctx, ids); err != nil {
		return nil, err
	}
	return u.commit(ctx, ids)
}

func (u *upload) commit(ctx context.Context, ids []string) (*time.Time, error) {
	answer, err := u.client.CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{
		Tags:             u.options.Tags,
		Metadata:         u.metadata,
		Tier:             u.options.AccessTier,
		HTTPHeaders:      u.options.HTTPHeaders,
		CPKScopeInfo:     u.options.CPKScopeInfo,
		AccessConditions: createOnly,
	})
	return answer.LastModified, err
}

// blockIDs returns n names of blocks, of equal length, as the service demands. A random part keeps the blocks of two
// writers apart: blocks with equal names replace each other.
func blockIDs(n int) []string {
	var id [20]byte
	_, _ = rand.Read(id[:16]) // which never fails
	ids := make([]string, n)
	for i := range ids {
		binary.BigEndian.PutUint32(id[16:], uint32(i))
		ids[i] = base64.StdEncoding.EncodeToString(id[:])
	}
	return ids
}

// stageAll stages all blocks and returns after the last of them, or the first error.
func (u *upload) stageAll(ctx context.Context, ids []string) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var staging sync.WaitGroup
	free := make(chan []byte, u.parallel) // a buffer for each block that is being sent; nil before one is needed
	for range u.parallel {
		free <- nil
	}
	ahead := io.Reader(body.NewReader(ctx, u.content)) // for content that can only be read in order
	if _, err := body.Rewind(u.content); err != nil {
		return err
	}
	for i := range ids {
		var buffer []byte
		select {
		case buffer = <-free:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		open := func() *part { return u.part(ctx, i) }
		if _, ok := u.content.(io.ReaderAt); !ok {
			size := min(u.blockSize, u.size-int64(i)*u.blockSize)
			if buffer == nil {
				buffer = make([]byte, u.blockSize)
			}
			if _, err := io.ReadFull(ahead, buffer[:size]); err != nil {
				fail(fmt.Errorf("block %d: %w", i, err))
				break
			}
			open = func() *part { return newPart(ctx, bytes.NewReader(buffer[:size])) }
		}
		staging.Go(func() {
			if err := u.stage(ctx, ids[i], u.crcs[i], open); err != nil {
				fail(err)
			}
			free <- buffer
		})
	}
	staging.Wait()
	return context.Cause(ctx)
}

// stage sends one block. open returns a new reader of it.
func (u *upload) stage(ctx context.Context, id string, crc uint64, open func() *part) error {
	for try := 1; ; try++ {
		part := open()
		_, err := u.client.StageBlock(oneTry(ctx), id, part, &blockblob.StageBlockOptions{
			CPKScopeInfo:            u.options.CPKScopeInfo,
			TransactionalValidation: blob.TransferValidationTypeCRC64(crc),
		})
		if broken := part.release(); broken != nil {
			return broken
		}
		wait := stageWait << (try - 1)
		if err == nil || try == stageTries || ctx.Err() != nil || store.IsPermanent(classify(err)) || store.WaitOf(classify(err)) > wait {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// ProbeOverwrite implements store.OverwriteProber: a list of blocks must not be committed over a blob either.
func (b *Bucket) ProbeOverwrite(ctx context.Context, name string) error {
	if err := b.probe(ctx, name); err != nil {
		return b.failed(ctx, "probe", name, err)
	}
	return nil
}

func (b *Bucket) probe(ctx context.Context, name string) error {
	full, err := b.blobName(name)
	if err != nil {
		return err
	}
	content := bytes.NewReader([]byte("Blocks by which JetCapture tried whether they take the place of a blob."))
	u := &upload{client: b.client.NewBlockBlobClient(full), options: b.options.upload(nil), content: content, parallel: 1}
	sha256, err := u.measure(ctx, maxBlockSize)
	if err == nil {
		u.metadata, err = u.options.encode(sha256)
	}
	if err != nil {
		return err
	}
	_, err = u.sendBlocks(ctx)
	switch {
	case err == nil:
		return store.Permanent(fmt.Errorf("commit blocks over a blob: %w", store.ErrNotCreateOnly))
	case bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet, bloberror.UnauthorizedBlobOverwrite):
		return nil
	}
	return classify(err)
}
