package gcsstore

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"unicode/utf8"

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
func (b *Bucket) listing(ctx context.Context, prefix string) iter.Seq2[*objectInfo, error] {
	start := b.prefix + prefix
	for !utf8.ValidString(start) { // the service is asked for whole characters
		start = start[:len(start)-1]
	}
	return func(yield func(*objectInfo, error) bool) {
		for token := ""; ; {
			query := url.Values{"prefix": {start}, "fields": {"nextPageToken,items(name,size,timeCreated)"}}
			if token != "" {
				query.Set("pageToken", token)
			}
			page, err := b.page(ctx, query)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Items {
				if !yield(&page.Items[i], nil) {
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
func (b *Bucket) page(ctx context.Context, query url.Values) (page *objectPage, err error) {
	objects, err := b.objects(ctx)
	if err != nil {
		return nil, err
	}
	err = retry(ctx, func() error {
		page, err = objects.list(ctx, query)
		return err
	})
	return page, err
}
