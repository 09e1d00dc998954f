package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/jetcapture/lake/store"
)

// List implements store.Bucket. Objects whose names are not valid, such as the folders that some programs create, are left
// out.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		fail := func(err error) {
			yield(store.Object{}, b.failed(ctx, "list", "", fmt.Errorf("with prefix %.120q: %w", prefix, err)))
		}
		objects, err := b.listing(ctx, prefix)
		if err != nil {
			fail(err)
			return
		}
		last := ""
		for {
			attrs, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				return
			}
			if err == nil {
				err = ctx.Err() // pages are large
			}
			if err != nil {
				fail(b.explain(ctx, err))
				return
			}
			name, ok := strings.CutPrefix(attrs.Name, b.prefix)
			if !ok || !strings.HasPrefix(name, prefix) || store.ValidName(name) != nil {
				continue
			}
			if name <= last {
				fail(store.Permanent(fmt.Errorf("the server lists %q after %q, which is not the order of names", name, last)))
				return
			}
			last = name
			if !yield(b.describe(name, attrs.Size, attrs.Created), nil) {
				return
			}
		}
	}
}

func (b *Bucket) listing(ctx context.Context, prefix string) (*storage.ObjectIterator, error) {
	bucket, err := b.handle(ctx)
	if err != nil {
		return nil, err
	}
	start := b.prefix + prefix
	for !utf8.ValidString(start) { // the service is asked for whole characters
		start = start[:len(start)-1]
	}
	query := &storage.Query{Prefix: start, Projection: storage.ProjectionNoACL}
	if err := query.SetAttrSelection([]string{"Name", "Size", "Created"}); err != nil {
		return nil, err
	}
	return bucket.Objects(ctx, query), nil
}
