package gcsstore_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
)

// credentialsFile lets GOOGLE_APPLICATION_CREDENTIALS name a file with this content.
func credentialsFile(t *testing.T, content map[string]any) {
	t.Helper()
	file, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "credentials.json")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
}

// giveToken answers with a token that is valid for some seconds.
func giveToken(w http.ResponseWriter, token string, seconds int) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "expires_in": %d}`, token, seconds)
}

// headersOf creates an object in a Bucket with the credentials of the environment, and returns the headers of the request.
func headersOf(t *testing.T, o gcsstore.Options) http.Header {
	t.Helper()
	server := cloudtest.GCS(t)
	proxy := cloudtest.NewProxy(t, server.Endpoint)
	o.Bucket, o.Endpoint = server.Bucket(t), proxy.Endpoint
	var headers http.Header
	proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
		headers = r.Header.Clone()
		return cloudtest.Pass()
	})
	if err := create(t.Context(), open(t, o), "x", text(1000, 1)); err != nil {
		t.Error(err)
	}
	return headers
}

func TestTokenIsUsedUntilItExpires(t *testing.T) {
	for seconds, most := range map[int]int32{3600: 1, 1: 5} {
		server := cloudtest.GCS(t)
		var asked atomic.Int32
		b, _ := withTokens(t, cloudtest.NewProxy(t, server.Endpoint), server.Bucket(t), func(w http.ResponseWriter, _ *http.Request) {
			asked.Add(1)
			giveToken(w, "ya29.secret", seconds)
		})
		for i := range byte(5) {
			if err := create(t.Context(), b, string('a'+rune(i)), text(1000, i)); err != nil {
				t.Fatal(err)
			}
		}
		if n := asked.Load(); n != most {
			t.Errorf("5 requests with tokens of %d s asked for %d tokens, want %d", seconds, n, most)
		}
	}
}

func TestLoginOfAUserIsUsed(t *testing.T) {
	var form string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form = r.FormValue("grant_type") + " " + r.FormValue("refresh_token")
		giveToken(w, "ya29.user", 3600)
	}))
	defer server.Close()
	credentialsFile(t, map[string]any{
		"type": "authorized_user", "client_id": "id", "client_secret": "s", "refresh_token": "1//r", "quota_project_id": "payer", "token_uri": server.URL,
	})
	headers := headersOf(t, gcsstore.Options{})
	if form != "refresh_token 1//r" || headers.Get("Authorization") != "Bearer ya29.user" || headers.Get("X-Goog-User-Project") != "payer" {
		t.Errorf("%q was asked, and the request has %v", form, headers)
	}
	t.Setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "other")
	if project := headersOf(t, gcsstore.Options{}).Get("X-Goog-User-Project"); project != "other" {
		t.Errorf("the quota project is %q, want that of the environment", project)
	}
}

// workloadIdentity lets the environment name a token of another provider, which the server exchanges.
func workloadIdentity(t *testing.T, exchange http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(exchange)
	t.Cleanup(server.Close)
	subject := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(subject, []byte("token of the cluster"), 0o600); err != nil {
		t.Fatal(err)
	}
	credentialsFile(t, map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": server.URL + "/v1/token",
		"credential_source": map[string]any{"file": subject},
	})
}

func TestWorkloadIdentityIsUsed(t *testing.T) {
	workloadIdentity(t, func(w http.ResponseWriter, r *http.Request) {
		if subject := r.FormValue("subject_token"); subject != "token of the cluster" {
			t.Errorf("the subject token is %q", subject)
		}
		giveToken(w, "ya29.workload", 3600)
	})
	if header := headersOf(t, gcsstore.Options{}).Get("Authorization"); header != "Bearer ya29.workload" {
		t.Errorf("the request has the authorization %q", header)
	}
}

func TestRefusedExchangeIsPermanentAndABusyOneIsNot(t *testing.T) {
	for status, permanent := range map[int]bool{http.StatusBadRequest: true, http.StatusForbidden: true, http.StatusTooManyRequests: false, http.StatusBadGateway: false} {
		workloadIdentity(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = fmt.Fprint(w, `{"error": "invalid_target", "error_description": "no such pool"}`)
		})
		b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: "http://127.0.0.1:1"})
		wantError(t, create(t.Context(), b, "x", text(1000, 1)), permanent, "get a token", "no such pool")
	}
}

func TestTokenServerThatIsAwayIsNotPermanent(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	path, _ := serviceAccount(t, server.URL)
	server.Close()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: "http://127.0.0.1:1"})
	wantError(t, create(t.Context(), b, "x", text(1000, 1)), false, "get a token")
}

// metadataServer is the one of a machine in Google's cloud, as long as the test runs. There is no file with credentials.
func metadataServer(t *testing.T, token http.HandlerFunc) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/computeMetadata/v1/instance/service-accounts/default/token", token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(server.URL, "http://"))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
}

func TestServiceAccountOfTheMachineIsUsed(t *testing.T) {
	metadataServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" {
			t.Error("the request has no Metadata-Flavor")
		}
		giveToken(w, "ya29.machine", 3600)
	})
	if header := headersOf(t, gcsstore.Options{}).Get("Authorization"); header != "Bearer ya29.machine" {
		t.Errorf("the request has the authorization %q", header)
	}
}

func TestMachineWithoutServiceAccountIsPermanent(t *testing.T) {
	metadataServer(t, http.NotFound)
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: "http://127.0.0.1:1"})
	wantError(t, create(t.Context(), b, "x", text(1000, 1)), true, "get a token", "credentials")
}

func TestWaitForATokenEndsWithTheContext(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	server := cloudtest.GCS(t)
	ctx, cancel := context.WithCancel(t.Context())
	b, _ := withTokens(t, cloudtest.NewProxy(t, server.Endpoint), server.Bucket(t), func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	})
	began := time.Now()
	err := create(ctx, b, "x", text(1000, 1))
	if duration := time.Since(began); !errors.Is(err, context.Canceled) || store.IsPermanent(err) || duration > 20*time.Second {
		t.Errorf("Create returns %v after %v, want context.Canceled at once", err, duration)
	}
}

func TestTokensOfTheOptionsAreUsed(t *testing.T) {
	tokens := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "ya29.own"})
	if header := headersOf(t, gcsstore.Options{Tokens: tokens}).Get("Authorization"); header != "Bearer ya29.own" {
		t.Errorf("the request has the authorization %q", header)
	}
	client := oauth2.NewClient(t.Context(), tokens)
	if header := headersOf(t, gcsstore.Options{HTTPClient: client}).Get("Authorization"); header != "Bearer ya29.own" {
		t.Errorf("the request of a client of its own has the authorization %q", header)
	}
	if _, err := gcsstore.New(t.Context(), gcsstore.Options{Bucket: "bucket", Tokens: tokens, HTTPClient: client}); err == nil || !strings.Contains(err.Error(), "both of Tokens and HTTPClient") {
		t.Errorf("New with both returns %v", err)
	}
}

func TestTokenIsNotSentToWhereAServerRedirects(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s has the authorization %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	tokens := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "ya29.own"})
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.URL, Tokens: tokens})
	for _, err := range everything(t, b) {
		wantError(t, err, true, "307")
	}
}

// TestRestOfAChunkIsSentAgain of which the server has kept a part.
func TestRestOfAChunkIsSentAgain(t *testing.T) {
	var kept []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			http.NotFound(w, r)
		case isChunk(r):
			var first, last int
			if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/", &first, &last); err != nil || first != len(kept) {
				t.Errorf("after %d bytes come %s, %v", len(kept), r.Header.Get("Content-Range"), err)
			}
			part := make([]byte, min(100_000, last+1-first))
			n, _ := r.Body.Read(part)
			if kept = append(kept, part[:n]...); len(kept) == sizes["in chunks"] {
				_, _ = fmt.Fprintf(w, `{"name": "x", "size": "%d", "crc32c": %q}`, len(kept), crc(kept))
				return
			}
			w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(kept)-1))
			w.Header().Set("X-Http-Status-Code-Override", "308")
		default:
			w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?upload_id=1")
		}
	}))
	defer server.Close()
	b := open(t, gcsstore.Options{Bucket: "bucket", Endpoint: server.URL, Anonymous: true, ChunkSize: chunk})
	content := text(sizes["in chunks"], 1)
	if err := create(t.Context(), b, "x", content); err != nil || string(kept) != string(content) {
		t.Errorf("Create returns %v, and the server has %d bytes, want the %d of the content", err, len(kept), len(content))
	}
}

// crc returns the CRC32C of content as the service writes it.
func crc(content []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli))))
}
