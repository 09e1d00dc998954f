package store_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
)

// locationOf tells where the Bucket puts things.
func locationOf(t *testing.T, b store.Bucket) string {
	t.Helper()
	object, err := b.Create(t.Context(), "x", strings.NewReader("content"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	return object.Location
}

func TestOpenKnowsFoldersAndMemory(t *testing.T) {
	work := t.TempDir()
	t.Chdir(work)
	for rawURL, want := range map[string]string{
		work + "/abs":                       work + "/abs/x",
		"relative":                          work + "/relative/x",
		"./a:b":                             work + "/a:b/x",
		`C:\lake`:                           work + `/C:\lake/x`,
		"file://" + work + "/abs":           work + "/abs/x",
		"FILE://" + work + "/a%20b%3F":      work + "/a b?/x",
		"file://localhost" + work + "/host": work + "/host/x",
		"file://./relative/":                work + "/relative/x",
		"file://.":                          work + "/x",
		"file://../" + filepath.Base(work):  work + "/x",
		"mem://":                            "mem:///x",
		"mem:///":                           "mem:///x",
	} {
		b, err := store.Open(t.Context(), rawURL)
		if err != nil {
			t.Errorf("Open(%q): %v", rawURL, err)
			continue
		}
		if got := locationOf(t, b); got != want {
			t.Errorf("Open(%q) puts things at %q, want %q", rawURL, got, want)
		}
	}
}

func TestOpenAsksTheDriver(t *testing.T) {
	mem := store.NewMem()
	driver := store.Driver{Scheme: "s3", Open: func(_ context.Context, u *url.URL) (store.Bucket, error) {
		if u.Host != "bucket" || u.Path != "/prefix" || u.Query().Get("region") != "eu" {
			t.Errorf("the driver gets %v", u)
		}
		return mem, nil
	}}
	if b, err := store.Open(t.Context(), "s3://bucket/prefix?region=eu", driver); b != store.Bucket(mem) || err != nil {
		t.Errorf("Open returns %v, %v", b, err)
	}
}

func TestOpenSaysWhatIsWrongButNoSecrets(t *testing.T) {
	refused := errors.New("access denied")
	driver := store.Driver{Scheme: "s3", Open: func(context.Context, *url.URL) (store.Bucket, error) { return nil, refused }}
	for rawURL, mentions := range map[string]string{
		"":                                "file:///lake",
		"gs://bucket/prefix?k=SECRET":     `no driver for "gs"; known are file, mem, s3`,
		"gs:bucket":                       `no driver for "gs"`,
		"s3://U:SECRET@bucket/a?t=SECRET": "s3://bucket/a: access denied",
		"s3:bucket":                       "two slashes",
		"s3:/bucket":                      "two slashes",
		"s3://U:SEC%RET@bucket":           "s3 URL is malformed",
		"s3://U:SEC/RET@bucket":           "s3 URL is malformed",
		"s3://bucket/%SE":                 "s3 URL is malformed",
		"file:/lake":                      "two slashes",
		"file://":                         "path is empty",
		"file://lake/orders":              "no host",
		"file://U:SECRET@/lake":           "no user",
		"file:///lake?mode=SECRET&a=1":    `unknown query parameters ["a" "mode"]`,
		"file:///lake?SEC;RET":            "unknown query parameter",
		"file:///lake#1":                  "%23",
		"mem://name":                      "write mem://",
		"mem:///path":                     "write mem://",
		"mem://?a=b":                      `unknown query parameters ["a"]`,
	} {
		b, err := store.Open(t.Context(), rawURL, driver)
		if err == nil {
			t.Errorf("Open(%q) returns %v", rawURL, b)
			continue
		}
		if !strings.Contains(err.Error(), mentions) || !strings.HasPrefix(err.Error(), "open store") {
			t.Errorf("Open(%q) says %q, want it to mention %q", rawURL, err, mentions)
		}
		if strings.Contains(err.Error(), "SEC") || strings.Contains(err.Error(), "U:") {
			t.Errorf("Open(%q) shows secrets: %q", rawURL, err)
		}
	}
	if _, err := store.Open(t.Context(), "s3://bucket", driver); !errors.Is(err, refused) {
		t.Errorf("Open returns %v, want the driver's error", err)
	}
}
