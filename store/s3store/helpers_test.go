package s3store_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

// A wire is the transport of requests. Its fields, if they are set, are called before or after the server.
type wire struct {
	before func(*http.Request) (*http.Response, error) // nil, nil lets the request through
	after  func(*http.Request, *http.Response) (*http.Response, error)
	lost   string // requests of this kind reach the server, and their answers go astray

	mu       sync.Mutex
	requests []*http.Request
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests = append(w.requests, r.Clone(r.Context()))
	w.mu.Unlock()
	if w.before != nil {
		if response, err := w.before(r); response != nil || err != nil {
			return response, err
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && w.after != nil {
		response, err = w.after(r, response)
	}
	if err == nil && kind(r) == w.lost {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		return nil, errReset
	}
	return response, err
}

// sent returns the requests of a kind, see kind.
func (w *wire) sent(want string) (found []*http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if kind(r) == want {
			found = append(found, r)
		}
	}
	return found
}

// kind is the operation of a request.
func kind(r *http.Request) string {
	query := r.URL.Query()
	switch {
	case query.Has("uploads"):
		return "begin"
	case query.Has("partNumber"):
		return "part"
	case query.Has("uploadId") && r.Method == http.MethodPost:
		return "complete"
	case query.Has("uploadId") && r.Method == http.MethodDelete:
		return "abort"
	case query.Has("list-type"):
		return "list"
	}
	return strings.ToLower(r.Method)
}

// through returns a Bucket whose requests go through w, and the name of its bucket.
func through(t *testing.T, server *cloudtest.S3, w *wire) (*s3store.Bucket, string) {
	t.Helper()
	bucket := server.Bucket(t)
	o := optionsFor(server, bucket)
	o.HTTPClient = &http.Client{Transport: w}
	return mustNew(t, o), bucket
}

// fake returns a Bucket without a server: w answers everything.
func fake(t *testing.T, w *wire) *s3store.Bucket {
	t.Helper()
	config := (&cloudtest.S3{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: secret, Region: "r"}).Config()
	return mustNew(t, s3store.Options{Bucket: "lake", PathStyle: true, Config: config, PartSize: 5 * mib, HTTPClient: &http.Client{Transport: w}})
}

var errReset = errors.New("connection reset by peer")

// answer returns an answer that did not come from the server.
func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	response := &http.Response{
		StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}
	for i := 0; i+1 < len(header); i += 2 {
		response.Header.Set(header[i], header[i+1])
	}
	return response
}

func errorBody(code string) string {
	return `<?xml version="1.0"?><Error><Code>` + code + `</Code><Message>the server's words</Message></Error>`
}

// some returns n bytes of content.
func some(n int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n] }

// inOrder hides that content may be read in several places.
func inOrder(content []byte) io.ReadSeeker { return struct{ io.ReadSeeker }{bytes.NewReader(content)} }

func mustCreate(t *testing.T, b store.Bucket, name string, content []byte) store.Object {
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
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s holds %d bytes, %v, want %d", name, len(got), err, len(want))
	}
}

func wantNames(t *testing.T, b store.Bucket, want ...string) {
	t.Helper()
	var got []string
	for object, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, object.Name)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("there are %q, want %q", got, want)
	}
}
