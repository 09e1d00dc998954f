package gcsstore

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"google.golang.org/api/storage/v1"

	"github.com/jetcapture/lake/store"
)

// List implements store.Bucket. Objects whose names are not valid, such as the folders that some programs create, are left
// out.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		fail := func(err error) {
			yield(store.Object{}, b.failed(ctx, "list", "", fmt.Errorf("with prefix %.120q: %w", prefix, err)))
		}
		last := ""
		for object, err := range b.listing(ctx, prefix) {
			if err == nil {
				err = ctx.Err() // pages are large
			}
			if err != nil {
				fail(b.explain(ctx, err))
				return
			}
			name, ok := strings.CutPrefix(object.Name, b.prefix)
			if !ok || !strings.HasPrefix(name, prefix) || store.ValidName(name) != nil {
				continue
			}
			if name <= last {
				fail(store.Permanent(fmt.Errorf("the server lists %q after %q, which is not the order of names", name, last)))
				return
			}
			last = name
			if !yield(b.describe(name, object), nil) {
				return
			}
		}
	}
}

// listing yields what the server lists, a page at a time.
func (b *Bucket) listing(ctx context.Context, prefix string) iter.Seq2[*storage.Object, error] {
	start := b.prefix + prefix
	for !utf8.ValidString(start) { // the service is asked for whole characters
		start = start[:len(start)-1]
	}
	return func(yield func(*storage.Object, error) bool) {
		for token := ""; ; {
			page, err := b.page(ctx, func(call *storage.ObjectsListCall) {
				call.Prefix(start).PageToken(token).Fields("nextPageToken", "items(name,size,timeCreated)")
			})
			if err != nil {
				yield(nil, err)
				return
			}
			for _, object := range page.Items {
				if !yield(object, nil) {
					return
				}
			}
			if token = page.NextPageToken; token == "" {
				return
			}
		}
	}
}

// page asks for one page of a listing. Its errors are not explained.
func (b *Bucket) page(ctx context.Context, ask func(*storage.ObjectsListCall)) (page *storage.Objects, err error) {
	objects, err := b.objects(ctx)
	if err != nil {
		return nil, err
	}
	call := objects.List(b.options.Bucket).Context(ctx)
	ask(call)
	err = retry(ctx, func() error {
		page, err = call.Do(b.billing()...)
		return err
	})
	return page, err
}
