package azurestore_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

// sharedKey returns options for a new container of the server.
func sharedKey(t *testing.T, server *cloudtest.AzureServer) azurestore.Options {
	t.Helper()
	cleanEnv(t)
	return azurestore.Options{Account: server.Account, Container: server.Container(t), Endpoint: server.Endpoint, SharedKey: server.Key}
}

// cleanEnv keeps credentials of whoever runs the tests out of them.
func cleanEnv(t *testing.T) {
	t.Helper()
	for _, name := range []string{"CONNECTION_STRING", "KEY", "SAS_TOKEN", "ACCOUNT"} {
		t.Setenv("AZURE_STORAGE_"+name, "")
	}
}

// sasToken returns a token for the container that is valid until expiry.
func sasToken(t *testing.T, server *cloudtest.AzureServer, containerName string, expiry time.Time) string {
	t.Helper()
	credential, err := container.NewSharedKeyCredential(server.Account, server.Key)
	if err != nil {
		t.Fatal(err)
	}
	values, err := sas.BlobSignatureValues{
		Protocol: sas.ProtocolHTTPSandHTTP, StartTime: expiry.Add(-2 * time.Hour), ExpiryTime: expiry, ContainerName: containerName,
		Permissions: (&sas.ContainerPermissions{Read: true, Create: true, Write: true, Delete: true, List: true, Tag: true}).String(),
	}.SignWithSharedKey(credential)
	if err != nil {
		t.Fatal(err)
	}
	return values.Encode()
}

// withSAS returns options for a new container of the server whose requests are not signed, so that a proxy may change them.
func withSAS(t *testing.T, server *cloudtest.AzureServer) azurestore.Options {
	t.Helper()
	o := sharedKey(t, server)
	o.SharedKey, o.SASToken = "", sasToken(t, server, o.Container, time.Now().Add(time.Hour))
	return o
}

func open(t *testing.T, o azurestore.Options) *azurestore.Bucket {
	t.Helper()
	b, err := azurestore.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// proxy returns the endpoint of a proxy before the server. handle may answer itself, or pass the request on.
func proxy(t *testing.T, server *cloudtest.AzureServer, handle func(w http.ResponseWriter, r *http.Request, pass http.Handler)) string {
	t.Helper()
	target, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // a connection that broke off, such as by a cancelled request
		},
	}
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r, pass) }))
	t.Cleanup(p.Close)
	return p.URL + target.Path
}

// lose passes a request on and breaks the connection instead of answering.
func lose(r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// isCreate tells the request that makes a blob visible.
func isCreate(r *http.Request) bool {
	comp := r.URL.Query().Get("comp")
	return r.Method == http.MethodPut && (comp == "" || comp == "blocklist")
}

func isBlock(r *http.Request) bool { return r.URL.Query().Get("comp") == "block" }

func isCommit(r *http.Request) bool { return r.URL.Query().Get("comp") == "blocklist" }

// text returns n bytes that differ by seed.
func text(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = seed + byte(i*i>>8) + byte(i)
	}
	return p
}

func create(t *testing.T, b store.Bucket, name string, content []byte) store.Object {
	t.Helper()
	object, err := b.Create(t.Context(), name, bytes.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func wantContent(t *testing.T, b store.Bucket, name string, want []byte) {
	t.Helper()
	r, err := b.Open(t.Context(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s holds %d bytes, %v; want other %d", name, len(got), err, len(want))
	}
}

func wantNothing(t *testing.T, b store.Bucket, name string) {
	t.Helper()
	if object, err := b.Stat(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat returns %+v, %v, want fs.ErrNotExist", object, err)
	}
	if _, err := b.Open(t.Context(), name, 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open returns %v, want fs.ErrNotExist", err)
	}
	for object, err := range b.List(t.Context(), name) {
		t.Errorf("List yields %+v, %v", object, err)
	}
}

// onlyReadSeeker hides what else content can do.
type onlyReadSeeker struct{ io.ReadSeeker }
