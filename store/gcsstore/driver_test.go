package gcsstore_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
)

func TestURLSaysItAll(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	server := cloudtest.GCS(t)
	bucket := server.Bucket(t)
	query := url.Values{
		"endpoint": {server.Endpoint}, "anonymous": {"true"}, "storage_class": {"coldline"}, "chunk_size": {"1MiB"},
		"kms_key": {"projects/p/locations/l/keyRings/r/cryptoKeys/k"}, "user_project": {"payer"},
	}
	b, err := store.Open(t.Context(), "gs://"+bucket+"/lake/100%25?"+query.Encode(), gcsstore.Driver())
	if err != nil {
		t.Fatal(err)
	}
	object, err := b.Create(t.Context(), "a b", strings.NewReader("content"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := "gs://" + bucket + "/lake/100%/a b"; object.Location != want {
		t.Errorf("the object is at %q, want %q", object.Location, want)
	}
	whole := open(t, gcsstore.Options{Bucket: bucket, Endpoint: server.Endpoint + "/storage/v1/", Anonymous: true})
	wantContent(t, whole, "lake/100%/a b", []byte("content"))
}

func TestWrongURLsAreRefused(t *testing.T) {
	for u, says := range map[string]string{
		"gs://bucket?colour=secret":                                 `unknown parameter "colour"; known are anonymous, chunk_size, endpoint, kms_key, storage_class, user_project`,
		"gs://bucket?storage_class=NEARLINE&storage_class=COLDLINE": "2 times",
		"gs://bucket?storage_class=":                                "leave it out",
		"gs://bucket?storage_class=cheap":                           "known are STANDARD, NEARLINE, COLDLINE, ARCHIVE",
		"gs://bucket?anonymous=secret":                              "write true or false",
		"gs://bucket?chunk_size=secret":                             "16MiB",
		"gs://bucket?chunk_size=2000MiB":                            "at most",
		"gs://bucket?kms_key=secret":                                "cryptoKeys",
		"gs://bucket?endpoint=secret":                               "http://127.0.0.1:4443",
		"gs://bucket?endpoint=http://u:secret@127.0.0.1:1":          "scheme, host and port alone",
		"gs://bucket?endpoint=https://h/other/path":                 "scheme, host and port alone",
		"gs://bucket?endpoint=http://example.com":                   "tokens are not sent over http",
		"gs://user:secret@bucket":                                   "GOOGLE_APPLICATION_CREDENTIALS",
		"gs://bucket/x#secret":                                      "%23",
		"gs://bucket?x=%zz":                                         "malformed",
		"gs:///prefix":                                              "bucket",
		"gs://Bucket":                                               "lower-case",
		"gs://b":                                                    "3 to 63",
		"gs://bucket/a/../b":                                        "prefix",
		"gs://bucket:80/x":                                          "bucket",
	} {
		b, err := store.Open(t.Context(), u, gcsstore.Driver())
		switch {
		case err == nil:
			t.Errorf("%s opens %v", u, b)
		case !strings.Contains(err.Error(), says):
			t.Errorf("%s: %v, want %q", u, err, says)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%s: the error shows values: %v", u, err)
		}
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	_, err := gcsstore.New(t.Context(), gcsstore.Options{Prefix: "a//b", StorageClass: "x", KMSKeyName: "x", ChunkSize: -1, Endpoint: "x"})
	for _, part := range []string{"bucket", "prefix", "storage class", "KMS key", "chunk size", "endpoint"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name the %s", err, part)
		}
	}
}
