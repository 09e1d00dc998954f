package s3store_test

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

func putRaw(t *testing.T, server *cloudtest.S3, bucket, key, content string) {
	t.Helper()
	_, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
}

func TestObjectsCarryAttributesAndDigestWithoutUnderscores(t *testing.T) {
	server := cloudtest.Versity(t)
	b, bucket := through(t, server, &wire{})
	attrs := map[string]string{"first_seq": "1", "stream": "Bestellungen für alle"}
	for last, size := range sizes {
		if _, err := b.Create(t.Context(), last, bytes.NewReader(some(size)), attrs); err != nil {
			t.Fatal(err)
		}
		out, err := server.Client().HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &bucket, Key: &last})
		if err != nil {
			t.Fatal(err)
		}
		sha := out.Metadata["jetcapture-sha256"]
		if len(sha) != 64 || out.Metadata["first-seq"] != "1" || out.Metadata["stream"] != "Bestellungen%20f%C3%BCr%20alle" || len(out.Metadata) != 3 {
			t.Errorf("%s has the metadata %q", last, out.Metadata)
		}
		object, err := b.Stat(t.Context(), last)
		if err != nil || !maps.Equal(object.Attributes, attrs) {
			t.Errorf("Stat returns %q, %v", object.Attributes, err)
		}
	}
}

// TestWhatOptionsSaySoReachesTheServer uses a fake server, since the gateway ignores most of these headers.
func TestWhatOptionsSayReachesTheServer(t *testing.T) {
	w := &wire{before: pretend}
	o := s3store.Options{
		Bucket: "lake", Endpoint: "http://127.0.0.1:1", PathStyle: true, PartSize: 5 * mib, HTTPClient: &http.Client{Transport: w},
		Config: (&cloudtest.S3{AccessKey: "a", SecretKey: "b", Region: "r"}).Config(),
		SSE:    "aws:kms", KMSKeyID: "alias/lake", StorageClass: "STANDARD_IA", Tags: map[string]string{"team": "a&b", "cost": "1"},
	}
	b := mustNew(t, o)
	for last, size := range sizes {
		mustCreate(t, b, "folder/"+last, some(size))
	}
	for _, first := range []string{"put", "begin"} {
		for _, r := range w.sent(first) {
			for header, want := range map[string]string{
				"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/lake",
				"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Tagging": "cost=1&team=a%26b", "X-Amz-Acl": "",
			} {
				if got := r.Header.Get(header); got != want {
					t.Errorf("%s: %s is %q, want %q", first, header, got, want)
				}
			}
		}
	}
	for _, last := range []string{"put", "complete"} {
		for _, r := range w.sent(last) {
			if got := r.Header.Get("If-None-Match"); got != "*" {
				t.Errorf("%s: If-None-Match is %q", last, got)
			}
			if r.URL.Path != "/lake/folder/"+last {
				t.Errorf("%s: the path is %s", last, r.URL.Path)
			}
		}
	}
}

// pretend answers as if everything worked.
func pretend(r *http.Request) (*http.Response, error) {
	switch kind(r) {
	case "begin":
		return answer(r, 200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"), nil
	case "complete":
		return answer(r, 200, "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"), nil
	}
	return answer(r, 200, "", "ETag", `"e"`), nil
}

func TestChecksumsAreSentAndTaken(t *testing.T) {
	server := cloudtest.Versity(t)
	all := []string{"X-Amz-Checksum-Crc32", "X-Amz-Checksum-Crc32c", "X-Amz-Checksum-Crc64nvme", "X-Amz-Checksum-Sha256", "Content-Md5"}
	for sum, want := range map[s3store.Checksum]string{
		"": "X-Amz-Checksum-Crc32", s3store.ChecksumCRC32: "X-Amz-Checksum-Crc32", s3store.ChecksumCRC32C: "X-Amz-Checksum-Crc32c",
		s3store.ChecksumCRC64NVME: "X-Amz-Checksum-Crc64nvme", s3store.ChecksumSHA256: "X-Amz-Checksum-Sha256",
		s3store.ChecksumMD5: "Content-Md5", s3store.ChecksumNone: "",
	} {
		t.Run(string(sum), func(t *testing.T) {
			w := &wire{}
			o := optionsFor(server, server.Bucket(t))
			o.HTTPClient, o.Checksum = &http.Client{Transport: w}, sum
			b := mustNew(t, o)
			for last, size := range sizes {
				mustCreate(t, b, last, some(size))
				wantContent(t, b, last, some(size))
				if _, err := b.Create(t.Context(), last+" in order", inOrder(some(size)), nil); err != nil {
					t.Error(err)
				}
			}
			for _, r := range append(w.sent("put"), w.sent("part")...) {
				for _, header := range all {
					if got := r.Header.Get(header); (got != "") != (header == want) {
						t.Errorf("%s: %s is %q", kind(r), header, got)
					}
				}
			}
		})
	}
}
