package gcsstore_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
)

// everything tries all methods of a Bucket and returns their errors.
func everything(t *testing.T, b store.Bucket) map[string]error {
	t.Helper()
	errs := map[string]error{"create": create(t.Context(), b, "x", text(1000, 1)), "create large": create(t.Context(), b, "x", text(2*chunk, 1))}
	_, errs["open"] = read(t.Context(), b, "x")
	_, errs["stat"] = b.Stat(t.Context(), "x")
	errs["remove"] = b.Remove(t.Context(), "x")
	for _, err := range b.List(t.Context(), "") {
		errs["list"] = err
	}
	return errs
}

// refusal is how the service answers.
func refusal(status int, reason, message string) cloudtest.Fault {
	body := fmt.Sprintf(`{"error": {"code": %d, "message": %q, "errors": [{"message": %q, "domain": "global", "reason": %q}]}}`, status, message, message, reason)
	return cloudtest.Status(status, http.Header{"Content-Type": {"application/json; charset=UTF-8"}}, body)
}

func TestMissingBucketIsSaidPlainly(t *testing.T) {
	server := cloudtest.GCS(t)
	b := open(t, gcsstore.Options{Bucket: "not-there", Endpoint: server.Endpoint, Anonymous: true, ChunkSize: chunk})
	for what, err := range everything(t, b) {
		wantError(t, err, true, strings.TrimSuffix(what, " large")+" gs://not-there/", "the bucket does not exist; create it")
	}
}

func TestMissingBucketAndObjectAreToldApart(t *testing.T) {
	proxy, b := behind(t)
	always := func(*http.Request) bool { return true }
	proxy.Set(each(always, refusal(http.StatusNotFound, "notFound", "The specified bucket does not exist.")))
	for _, err := range everything(t, b) {
		wantError(t, err, true, "create it")
	}
	proxy.Set(each(always, refusal(http.StatusNotFound, "notFound", "No such object: bucket/x")))
	before := proxy.Requests()
	if _, err := b.Stat(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) || proxy.Requests() != before+1 {
		t.Errorf("Stat returns %v, after %d requests", err, proxy.Requests()-before)
	}
}

func TestRefusedAccessIsSaidPlainly(t *testing.T) {
	for _, test := range []struct {
		status                int
		reason, message, hint string
	}{
		{http.StatusForbidden, "forbidden", "jc@p.iam.gserviceaccount.com does not have storage.objects.create access.", "Storage Object User"},
		{http.StatusUnauthorized, "authError", "Invalid Credentials", "GOOGLE_APPLICATION_CREDENTIALS"},
		{http.StatusUnauthorized, "required", "Anonymous caller does not have storage.objects.create access.", "GOOGLE_APPLICATION_CREDENTIALS"},
		{http.StatusBadRequest, "required", "Bucket is a requester pays bucket but no user project provided.", "user_project"},
		{http.StatusForbidden, "accountDisabled", "The project is disabled in state absent.", "nobody pays"},
		{http.StatusBadRequest, "invalid", "Invalid bucket name: 'x'", "the server answered 400 invalid: Invalid bucket name"},
	} {
		proxy, b := behind(t)
		proxy.Set(each(func(*http.Request) bool { return true }, refusal(test.status, test.reason, test.message)))
		for what, err := range everything(t, b) {
			wantError(t, err, true, strings.TrimSuffix(what, " large"), strings.TrimSuffix(test.message, "."), test.hint)
			if err != nil && strings.Count(err.Error(), "the server answered") != 1 {
				t.Errorf("the error says it more than once: %v", err)
			}
		}
	}
}

// TestWriterWithoutRightToRead may write, but neither look nor list.
func TestWriterWithoutRightToReadCreates(t *testing.T) {
	proxy, b := behind(t)
	proxy.Set(each(func(r *http.Request) bool { return r.Method == http.MethodGet }, refusal(http.StatusForbidden, "forbidden", "no")))
	for name, size := range sizes {
		if err := create(t.Context(), b, name, text(size, 1)); err != nil {
			t.Error(err)
		}
	}
	for name, size := range sizes {
		wantError(t, create(t.Context(), b, name, text(size, 2)), true, "look what is there", "Storage Object User")
	}
}

func TestBusyServiceIsNotPermanent(t *testing.T) {
	for _, test := range []struct {
		status int
		reason string
	}{
		{http.StatusTooManyRequests, "rateLimitExceeded"},
		{http.StatusForbidden, "rateLimitExceeded"},
		{http.StatusForbidden, "userRateLimitExceeded"},
		{http.StatusRequestTimeout, "timeout"},
		{http.StatusInternalServerError, "internalError"},
		{http.StatusServiceUnavailable, "backendError"},
		{http.StatusGatewayTimeout, "gatewayTimeout"},
	} {
		proxy, b := behind(t)
		proxy.Set(each(func(*http.Request) bool { return true }, refusal(test.status, test.reason, "later")))
		_, err := b.Stat(t.Context(), "x")
		wantError(t, err, false, test.reason)
		wantError(t, create(t.Context(), b, "x", text(1000, 1)), false, test.reason)
	}
}

// serviceAccount writes the file of a service account whose tokens come from tokenURL, and returns its path and a part of
// its key.
func serviceAccount(t *testing.T, tokenURL string) (path, secret string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "p", "private_key_id": "id", "private_key": block,
		"client_email": "jc@p.iam.gserviceaccount.com", "client_id": "1", "token_uri": tokenURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, strings.Split(block, "\n")[5]
}

// withTokens returns a Bucket whose credentials are those of a service account, with the answers to its requests for
// tokens.
func withTokens(t *testing.T, proxy *cloudtest.Proxy, bucket string, tokens http.HandlerFunc) (b *gcsstore.Bucket, secret string) {
	t.Helper()
	server := httptest.NewServer(tokens)
	t.Cleanup(server.Close)
	path, secret := serviceAccount(t, server.URL+"/token")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
	return open(t, gcsstore.Options{Bucket: bucket, Endpoint: proxy.Endpoint, ChunkSize: chunk}), secret
}

func TestTokenIsSent(t *testing.T) {
	server := cloudtest.GCS(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	b, _ := withTokens(t, proxy, server.Bucket(t), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token": "ya29.secret", "token_type": "Bearer", "expires_in": 3600}`)
	})
	proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
		if r.Header.Get("Authorization") != "Bearer ya29.secret" {
			t.Errorf("%s %s has no token", r.Method, r.URL.Path)
		}
		return cloudtest.Pass()
	})
	for name, size := range sizes {
		if err := create(t.Context(), b, name, text(size, 1)); err != nil {
			t.Error(err)
		}
		wantContent(t, b, name, text(size, 1))
	}
	proxy.Set(each(func(*http.Request) bool { return true }, cloudtest.Refuse()))
	for _, err := range everything(t, b) {
		if err == nil || strings.Contains(err.Error(), "ya29") {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

func TestRefusedCredentialsArePermanent(t *testing.T) {
	server := cloudtest.GCS(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	b, secret := withTokens(t, proxy, server.Bucket(t), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`)
	})
	for _, err := range everything(t, b) {
		wantError(t, err, true, "get a token", "invalid_grant", "GOOGLE_APPLICATION_CREDENTIALS")
		if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("the error shows too much: %v", err)
		}
	}
	if proxy.Requests() != 0 {
		t.Errorf("%d requests without a token", proxy.Requests())
	}
}

func TestServerOfTokensMayBeDown(t *testing.T) {
	server := cloudtest.GCS(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	b, _ := withTokens(t, proxy, server.Bucket(t), func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	wantError(t, create(t.Context(), b, "x", text(1000, 1)), false)
}

func TestMissingCredentialsShowAtTheFirstUse(t *testing.T) {
	server := cloudtest.GCS(t)
	for what, file := range map[string]string{"no file": "", "not JSON": "certainly not", "no key": `{"type": "service_account"}`} {
		path := filepath.Join(t.TempDir(), "account.json")
		if file != "" {
			if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
		began := time.Now()
		b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.Endpoint})
		if duration := time.Since(began); duration > 100*time.Millisecond {
			t.Errorf("%s: New took %v", what, duration)
		}
		err := create(t.Context(), b, "x", text(1000, 1))
		if wantError(t, err, true, "create gs://bucket/x", "credentials"); err != nil && strings.Contains(err.Error(), "certainly") {
			t.Errorf("the error shows the file: %v", err)
		}
	}
}
