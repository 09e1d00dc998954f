package s3store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/jetcapture/lake/store"
)

// Bucket is a store.Bucket in a bucket of S3, or a folder of one.
type Bucket struct {
	client    *s3.Client
	options   Options
	prefix    string // of all keys: "" or with a slash at its end
	algorithm types.ChecksumAlgorithm
	tagging   *string
}

var (
	_ store.Bucket          = (*Bucket)(nil)
	_ store.OverwriteProber = (*Bucket)(nil)
)

// New returns the Bucket that o describes. It reads the environment and files, and connects to nothing: store.Probe tests
// whether the bucket exists and can be written.
func New(ctx context.Context, o Options) (*Bucket, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	client, err := newClient(ctx, o)
	if err != nil {
		return nil, err
	}
	b := &Bucket{client: client, options: o, algorithm: algorithms[o.Checksum], tagging: o.tagging()}
	if o.Prefix != "" {
		b.prefix = o.Prefix + "/"
	}
	if o.Checksum == "" && client.Options().RequestChecksumCalculation == aws.RequestChecksumCalculationWhenSupported {
		b.algorithm = types.ChecksumAlgorithmCrc32
	}
	return b, nil
}

// Remove implements store.Bucket. In a bucket with versioning the object stays, and a marker hides it.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	if err := store.ValidName(name); err != nil {
		return b.failed(ctx, "remove", name, err)
	}
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.options.Bucket, Key: b.key(name)})
	if err != nil && codeOf(err) != codeNoSuchKey {
		return b.failed(ctx, "remove", name, explain(err))
	}
	return nil
}

func (b *Bucket) key(name string) *string { return aws.String(b.prefix + name) }

func (b *Bucket) location(name string) string {
	return "s3://" + b.options.Bucket + "/" + b.prefix + name
}

// made is the object that an answer says was made just now.
func (b *Bucket) made(name string, size int64, answer middleware.Metadata) store.Object {
	modified, ok := awsmiddleware.GetServerTime(answer)
	if !ok {
		modified = time.Now()
	}
	return store.Object{Name: name, Location: b.location(name), Size: size, Modified: modified}
}

// toHeader and fromHeader turn an attribute's name into what all servers and proxies let through, and back.
func toHeader(attribute string) string { return strings.ReplaceAll(attribute, "_", "-") }
func fromHeader(header string) string  { return strings.ReplaceAll(header, "-", "_") }
