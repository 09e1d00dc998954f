package cloud_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

func TestClassify(t *testing.T) {
	boom := errors.New("boom")
	for _, status := range []int{0, 408, 409, 412, 429, 500, 502, 503, 504} {
		if err := cloud.Classify(boom, status, nil); store.IsPermanent(err) || !errors.Is(err, boom) {
			t.Errorf("status %d is permanent", status)
		}
	}
	for _, status := range []int{301, 400, 401, 403, 404, 405, 411, 413, 416, 501} {
		if err := cloud.Classify(boom, status, nil); !store.IsPermanent(err) || !errors.Is(err, boom) {
			t.Errorf("status %d is retried", status)
		}
	}
	if cloud.Classify(nil, 503, nil) != nil {
		t.Error("no error becomes one")
	}
}

func TestRetryAfterIsHonouredWithinReason(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-1": 0, "x": 0, "999999999": 5 * time.Minute, "86400": 5 * time.Minute,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0, "Mon, 02 Jan 2190 15:04:05 GMT": 5 * time.Minute,
	} {
		err := cloud.Classify(errors.New("slow down"), 503, http.Header{"Retry-After": {value}})
		if got := store.WaitOf(err); got != want {
			t.Errorf("Retry-After %q waits %v, want %v", value, got, want)
		}
	}
}

func TestAttributesSurviveHeaders(t *testing.T) {
	attrs := map[string]string{"stream": " Bestellungen für 日本 100% ", "first_seq": "1", "a0": ""}
	headers, err := cloud.EncodeAttributes(attrs, "abc")
	if err != nil {
		t.Fatal(err)
	}
	shouted := map[string]string{"Unknown-Header": "x"}
	for name, value := range headers {
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%s is encoded as %q", name, value)
		}
		shouted[strings.ToUpper(name[:1])+name[1:]] = value
	}
	got, sha := cloud.DecodeAttributes(shouted)
	if !maps.Equal(got, attrs) || sha != "abc" {
		t.Errorf("read back %q, %q", got, sha)
	}
	for _, name := range []string{"", "0a", "_a", "A", "a-b", "ä", cloud.DigestAttribute} {
		if _, err := cloud.EncodeAttributes(map[string]string{name: "x"}, "abc"); !store.IsPermanent(err) {
			t.Errorf("attribute %q: %v", name, err)
		}
	}
}

func TestErrorsShowNoSecrets(t *testing.T) {
	secret := errors.New(`Put "https://user:secret@account.blob.core.windows.net/c/a%20b?sv=1&sig=secret%3D": dial tcp: (https://h/p?X-Amz-Signature=secret) refused`)
	err := cloud.Redact(secret)
	want := `Put "https://account.blob.core.windows.net/c/a%20b": dial tcp: (https://h/p) refused`
	if strings.Contains(err.Error(), "secret") || err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if !errors.Is(err, secret) {
		t.Error("the redacted error does not unwrap")
	}
	if plain := errors.New("no URL? none"); !errors.Is(cloud.Redact(plain), plain) || cloud.Redact(plain).Error() != plain.Error() || cloud.Redact(nil) != nil {
		t.Error("an error without a URL is changed")
	}
}
