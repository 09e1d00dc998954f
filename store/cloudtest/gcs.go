package cloudtest

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
)

const fakeGCS = "fake-gcs-server-v1.56.1"

// GCSServer is a fake-gcs-server, which speaks the protocol of Google Cloud Storage without looking at credentials, and keeps
// objects in memory.
type GCSServer struct {
	Endpoint string // http://127.0.0.1:PORT

	buckets atomic.Int64
}

// GCS starts a fake-gcs-server that ends with the test. Uploads that begin through a Proxy also continue through it.
func GCS(t testing.TB) *GCSServer {
	t.Helper()
	path := tool(t, ".tools", fakeGCS)
	address := start(t, "fake-gcs-server", func(port string) *exec.Cmd {
		return exec.Command(path, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory", "-log-level", "error") //nolint:noctx // start ends it
	})
	return &GCSServer{Endpoint: "http://" + address}
}

// Bucket makes a new bucket and returns its name.
func (s *GCSServer) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", s.buckets.Add(1))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/storage/v1/b?project=test", strings.NewReader(fmt.Sprintf(`{"name": %q}`, name)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("make bucket %s: %s", name, response.Status)
	}
	return name
}
