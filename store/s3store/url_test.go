package s3store_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

// alone keeps the configuration of whoever runs the tests out of them, and the address that instances ask.
func alone(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

func TestURLWithCredentialsFromTheEnvironment(t *testing.T) {
	alone(t)
	server := cloudtest.Versity(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	bucket := server.Bucket(t)
	b, err := store.Open(t.Context(), "s3://"+bucket+"/some/folder/?region="+server.Region+"&path_style=true&part_size=5MiB&endpoint="+server.Endpoint, s3store.Driver())
	if err != nil {
		t.Fatal(err)
	}
	object := mustCreate(t, b, "x", []byte("content"))
	if want := "s3://" + bucket + "/some/folder/x"; object.Location != want {
		t.Errorf("the location is %s, want %s", object.Location, want)
	}
	if got, err := os.ReadFile(filepath.Join(server.Folder, bucket, "some", "folder", "x")); err != nil || string(got) != "content" {
		t.Errorf("the server has %q, %v", got, err)
	}
	if err := store.Probe(t.Context(), b); err != nil {
		t.Error(err)
	}
}

func TestURLWithAProfile(t *testing.T) {
	alone(t)
	server := cloudtest.Versity(t)
	profile := "[profile lake]\nregion = " + server.Region + "\nendpoint_url = " + server.Endpoint +
		"\naws_access_key_id = " + server.AccessKey + "\naws_secret_access_key = " + server.SecretKey + "\n"
	if err := os.WriteFile(os.Getenv("AWS_CONFIG_FILE"), []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := store.Open(t.Context(), "s3://"+server.Bucket(t)+"?profile=lake&path_style=true", s3store.Driver())
	if err != nil {
		t.Fatal(err)
	}
	mustCreate(t, b, "x", []byte("content"))
}

func TestMissingCredentialsArePermanent(t *testing.T) {
	alone(t)
	b, err := store.Open(t.Context(), "s3://lake?region=eu-central-1&path_style=true&endpoint=http://127.0.0.1:1", s3store.Driver())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = b.Stat(t.Context(), "x"); !store.IsPermanent(err) || !strings.Contains(err.Error(), "set AWS_ACCESS_KEY_ID") {
		t.Errorf("Stat returns %v", err)
	}
}

func TestURLsThatSayWhatIsWrong(t *testing.T) {
	alone(t)
	for rawURL, words := range map[string]string{
		"s3://":                                              "bucket's name is missing",
		"s3://lake":                                          "AWS_REGION",
		"s3://lake:9000?region=r":                            "not the name of a bucket",
		"s3://lake/a//b?region=r":                            "empty element",
		"s3://lake/../b?region=r":                            `element ".."`,
		"s3://key:" + secret + "@lake?region=r":              "AWS_ACCESS_KEY_ID",
		"s3://lake?region=r#x":                               "%23",
		"s3://lake?region=r&secret_key=" + secret:            `unknown parameter "secret_key"; known are checksum, endpoint, kms_key_id, parallel, part_size, path_style,`,
		"s3://lake?region=r&region=q":                        `"region" is there 2 times`,
		"s3://lake?region=":                                  `"region" is empty`,
		"s3://lake?region=r&x=%zz" + secret:                  "malformed",
		"s3://lake?region=r&path_style=" + secret:            "path_style\": write true or false",
		"s3://lake?region=r&unconditional=maybe":             "unconditional\": write true or false",
		"s3://lake?region=r&part_size=" + secret:             "part_size\": write",
		"s3://lake?region=r&part_size=1MiB":                  "5 MiB",
		"s3://lake?region=r&parallel=0":                      "parallel",
		"s3://lake?region=r&parallel=65":                     "1 to 64",
		"s3://lake?region=r&sse=yes":                         "aws:kms",
		"s3://lake?region=r&sse=AES256&kms_key_id=k":         "KMS key goes with",
		"s3://lake?region=r&checksum=crc16":                  "crc64nvme",
		"s3://lake?endpoint=minio:9000":                      "https://host",
		"s3://lake?endpoint=http://u:" + secret + "@h":       "has a user",
		"s3://lake?endpoint=http://h%3Fsig%3D" + secret:      "has a query",
		"s3://lake?region=r&profile=" + "nobody":             "nobody",
		"s3://lake?region=r&sse=1&checksum=2&part_size=3":    "checksum",
		"s3://lake?region=r&checksum=2&sse=1&part_size=3MiB": "encryption",
	} {
		b, err := store.Open(t.Context(), rawURL, s3store.Driver())
		if err == nil || b != nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, want %q", rawURL, err, words)
		}
	}
}

// TestParametersReachTheServer asks a real HTTP server, as URLs have no other way to look at what they came to.
func TestParametersReachTheServer(t *testing.T) {
	alone(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, errorBody("NoSuchKey"))
			return
		}
		got = r.Header.Clone()
		w.Header().Set("ETag", `"e"`)
	}))
	defer server.Close()
	for query, want := range map[string]map[string]string{
		"sse=AES256&storage_class=ONEZONE_IA": {"X-Amz-Server-Side-Encryption": "AES256", "X-Amz-Storage-Class": "ONEZONE_IA"},
		"kms_key_id=alias/lake":               {"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/lake"},
		"checksum=sha256":                     {"X-Amz-Checksum-Sha256": "7XACtDnprIRfIjV9giusFERzD722AW0+yUMil7nsn3M=", "If-None-Match": "*"},
		"unconditional=true&checksum=md5":     {"Content-Md5": "mgNkuembtIDdJeHwKEyFVQ==", "If-None-Match": ""},
	} {
		rawURL := "s3://lake?path_style=true&parallel=2&region=r&endpoint=" + server.URL + "&" + query
		b, err := store.Open(t.Context(), rawURL, s3store.Driver())
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		mustCreate(t, b, "x", []byte("content"))
		for header, value := range want {
			if got.Get(header) != value {
				t.Errorf("%s: %s is %q, want %q", query, header, got.Get(header), value)
			}
		}
	}
}

func TestNewConnectsToNothing(t *testing.T) {
	w := &wire{before: func(r *http.Request) (*http.Response, error) {
		t.Errorf("New sent a request to %s", r.URL)
		return nil, errReset
	}}
	alone(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	mustNew(t, s3store.Options{Bucket: "lake", Region: "eu-central-1", HTTPClient: &http.Client{Transport: w}})
}
