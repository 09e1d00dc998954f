package s3store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/jetcapture/lake/store"
)

// List implements store.Bucket. Keys that are not valid names, such as the folders that some programs create, are left out.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		fail := func(err error) { yield(store.Object{}, b.failed(ctx, "list", prefix, err)) }
		last := ""
		for token, more := (*string)(nil), true; more; {
			page, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
				Bucket: &b.options.Bucket, Prefix: b.key(prefix), ContinuationToken: token, EncodingType: types.EncodingTypeUrl,
			})
			if err != nil {
				fail(explain(err))
				return
			}
			for _, listed := range page.Contents {
				object, ok, err := b.listed(listed, page.EncodingType == types.EncodingTypeUrl)
				if err == nil && ok && object.Name <= last {
					err = store.Permanent(fmt.Errorf("the server lists %q after %q, out of order, as directory buckets do: use a general purpose bucket", object.Name, last))
				}
				if err != nil {
					fail(err)
					return
				}
				if !ok || !strings.HasPrefix(object.Name, prefix) {
					continue
				}
				last = object.Name
				if !yield(object, nil) {
					return
				}
			}
			token, more = page.NextContinuationToken, aws.ToBool(page.IsTruncated)
			if more && token == nil {
				fail(errors.New("the server says that there are more objects, but not where to continue"))
				return
			}
		}
	}
}

// listed returns an object of a page. ok is false if its key is not a valid name below the prefix.
func (b *Bucket) listed(listed types.Object, encoded bool) (object store.Object, ok bool, err error) {
	key := aws.ToString(listed.Key)
	if encoded {
		if key, err = url.QueryUnescape(key); err != nil {
			return store.Object{}, false, fmt.Errorf("decode a key: %w", err)
		}
	}
	name, ok := strings.CutPrefix(key, b.prefix)
	ok = ok && store.ValidName(name) == nil
	return store.Object{
		Name: name, Location: b.location(name), Size: aws.ToInt64(listed.Size), Modified: aws.ToTime(listed.LastModified),
	}, ok, nil
}
