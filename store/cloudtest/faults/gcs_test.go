package faults_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// repeatable is a proxy of a fake-gcs-server that answers a repeated chunk as it answered the first time. The real service places
// chunks by their offsets, so repeating one whose answer was lost is harmless; the fake server would append it to the object again.
func repeatable(t *testing.T, endpoint string) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	given := make(map[string]answer)
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the server builds URLs of it
		},
		ModifyResponse: func(r *http.Response) error {
			id := chunkOf(r.Request)
			if id == "" || r.StatusCode != http.StatusOK {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			mu.Lock()
			given[id] = answer{r.Header.Clone(), body}
			mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		first, repeated := given[chunkOf(r)]
		mu.Unlock()
		if !repeated {
			forward.ServeHTTP(w, r)
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), first.header)
		_, _ = w.Write(first.body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

type answer struct {
	header http.Header
	body   []byte
}

// chunkOf returns the identity of a chunk, or "" if the request is no chunk.
func chunkOf(r *http.Request) string {
	upload, span := r.URL.Query().Get("upload_id"), r.Header.Get("Content-Range")
	if upload == "" || span == "" {
		return ""
	}
	return upload + " " + span
}
