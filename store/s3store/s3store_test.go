package s3store_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
	"github.com/jetcapture/lake/store/storetest"
)

const mib = 1 << 20

// optionsFor has the smallest parts, so that little is enough for several.
func optionsFor(server *cloudtest.S3, bucket string) s3store.Options {
	return s3store.Options{Config: server.Config(), Bucket: bucket, PathStyle: true, PartSize: 5 * mib}
}

func mustNew(t *testing.T, o s3store.Options) *s3store.Bucket {
	t.Helper()
	b, err := s3store.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// conformance runs the suite, with a bucket of its own for each test, and checks that nothing is left behind.
func conformance(t *testing.T, server *cloudtest.S3, set func(*s3store.Options)) {
	storetest.Run(t, func(t *testing.T) store.Bucket {
		bucket := server.Bucket(t)
		t.Cleanup(func() { wantNoUploads(t, server, bucket) })
		o := optionsFor(server, bucket)
		set(&o)
		return mustNew(t, o)
	})
}

func TestVersity(t *testing.T) {
	conformance(t, cloudtest.Versity(t), func(*s3store.Options) {})
}

func TestLocator(t *testing.T) {
	server := cloudtest.Versity(t)
	storetest.RunLocator(t, func(t *testing.T) store.BlockStore[string] {
		o := optionsFor(server, server.Bucket(t))
		o.Prefix = "lake/100% für"
		return store.Blocks[string](mustNew(t, o), nil)
	}, "eu", "../..", "")
}

func TestMinIO(t *testing.T) {
	conformance(t, cloudtest.MinIO(t), func(o *s3store.Options) { o.Prefix = "some/folder" })
}

// wantNoUploads checks that nobody has to pay for parts of uploads that were given up.
func wantNoUploads(t *testing.T, server *cloudtest.S3, bucket string) {
	t.Helper()
	out, err := server.Client().ListMultipartUploads(context.Background(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Error(err)
		return
	}
	for _, upload := range out.Uploads {
		t.Errorf("a multipart upload of %s is left %s", *upload.Key, *upload.UploadId)
	}
}
