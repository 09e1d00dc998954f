package s3store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/jetcapture/lake/store"
)

// maxProbe is larger than the object of store.Probe.
const maxProbe = 1 << 20

// ProbeOverwrite implements store.OverwriteProber: it tries to complete a multipart upload, of the same content, over an object. Some
// servers honor the condition only for small objects.
func (b *Bucket) ProbeOverwrite(ctx context.Context, name string) error {
	if err := b.probe(ctx, name); err != nil {
		return b.failed(ctx, "try a multipart upload over", name, err)
	}
	return nil
}

func (b *Bucket) probe(ctx context.Context, name string) error {
	if b.options.Unconditional {
		return store.Permanent(fmt.Errorf("unconditional=true is set: %w", store.ErrNotCreateOnly))
	}
	there, err := b.open(ctx, name, 0, maxProbe)
	if err != nil {
		return err
	}
	content, err := io.ReadAll(there)
	if err := errors.Join(err, there.Close()); err != nil {
		return err
	}
	u, err := b.newUpload(ctx, name, bytes.NewReader(content), nil)
	if err != nil {
		return err
	}
	id, err := u.begin(ctx)
	if err != nil {
		return explain(err)
	}
	part, err := u.sendPart(ctx, id, 1, bytes.NewReader(content))
	if err == nil {
		if _, err = u.complete(ctx, id, []types.CompletedPart{part}); err == nil {
			return store.Permanent(store.ErrNotCreateOnly)
		}
	}
	if left := u.abort(ctx, id, true); left != nil {
		return explain(left)
	}
	if statusOf(err) == http.StatusPreconditionFailed {
		return nil
	}
	return explain(err)
}
