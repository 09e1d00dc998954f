package cloudtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jetcapture/lake/store/cloudtest"
)

// seen is what a server got.
type seen struct {
	method, host, uri string
	body              []byte
	err               error // of reading the body
}

// echo starts a server that answers with the body it was sent, and a proxy of it. What the server saw comes from the
// channel.
func echo(t *testing.T) (*cloudtest.Proxy, *httptest.Server, <-chan seen) {
	saw := make(chan seen, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		saw <- seen{r.Method, r.Host, r.RequestURI, body, err}
		w.Header().Set("X-Agent", r.Header.Get("User-Agent"))
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return cloudtest.NewProxy(t, server.URL), server, saw
}

func client(t *testing.T) *http.Client {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// answer is what a client got, of its body as much as arrived.
type answer struct {
	status int
	header http.Header
	length int64 // announced
	body   []byte
}

func put(t *testing.T, c *http.Client, url string, body []byte) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = int64(len(body))
	if len(body) == 0 {
		request.Body = http.NoBody
	}
	response, err := c.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, response.ContentLength, got}, err
}

func always(f cloudtest.Fault) cloudtest.Rule {
	return func(*http.Request, int) cloudtest.Fault { return f }
}

func wantReset(t *testing.T, err error) {
	t.Helper()
	// The client closes the connection as soon as it reads the reset, perhaps while it still writes.
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, net.ErrClosed) {
		t.Errorf("the client got %v, want a reset", err)
	}
}

func TestProxyPassesRequestsAsTheyAre(t *testing.T) {
	proxy, _, saw := echo(t)
	body := bytes.Repeat([]byte("0123456789"), 200_000)
	const path = "/bucket/a%2Fb%7e~[x]?list-type=2&empty&x=%2F+%20"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, proxy.Endpoint, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Opaque = strings.Split(path, "?")[0]
	request.URL.RawQuery = strings.Split(path, "?")[1]
	request.Header.Set("User-Agent", "")
	response, err := client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(response.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("the client got %d bytes of %d, %v", len(got), len(body), err)
	}
	s := <-saw
	if s.method != http.MethodPut || s.host != proxy.Address || s.uri != path || !bytes.Equal(s.body, body) || s.err != nil {
		t.Errorf("the server saw %s %s %s with %d bytes, %v", s.method, s.host, s.uri, len(s.body), s.err)
	}
	if agent := response.Header.Get("X-Agent"); agent != "" {
		t.Errorf("the server saw a User-Agent %q that the client did not send", agent)
	}
	if proxy.Requests() != 1 || proxy.Count(cloudtest.Pass()) != 1 {
		t.Errorf("%d requests, %d of them passed, want 1", proxy.Requests(), proxy.Count(cloudtest.Pass()))
	}
}

func TestProxyStreamsWithoutKnowingTheLength(t *testing.T) {
	proxy, _, saw := echo(t)
	reader, writer := io.Pipe()
	go func() {
		for range 100 {
			_, _ = writer.Write(bytes.Repeat([]byte("x"), 1000))
		}
		_ = writer.Close()
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxy.Endpoint, reader)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got, err := io.ReadAll(response.Body); err != nil || len(got) != 100_000 {
		t.Errorf("the client got %d bytes, %v", len(got), err)
	}
	if s := <-saw; len(s.body) != 100_000 || s.err != nil {
		t.Errorf("the server got %d bytes, %v", len(s.body), s.err)
	}
}

func TestProxyCutsRequests(t *testing.T) {
	proxy, _, saw := echo(t)
	c := client(t)
	for _, test := range []struct {
		size, after int64
		arrives     int
	}{
		{1_000_000, 300_000, 300_000}, {1_000_000, 0, 0}, {100, 50, 50}, {100, 100, 99}, {100, 1 << 40, 99},
	} {
		proxy.Set(always(cloudtest.CutRequest(test.after)))
		_, err := put(t, c, proxy.Endpoint, make([]byte, test.size))
		wantReset(t, err)
		if s := <-saw; s.err == nil || len(s.body) != test.arrives {
			t.Errorf("of %d bytes cut after %d the server got %d, %v; want %d and an error", test.size, test.after, len(s.body), s.err, test.arrives)
		}
	}
	_, err := put(t, c, proxy.Endpoint, nil)
	wantReset(t, err)
	select {
	case s := <-saw:
		t.Errorf("the server saw a request without a body: %+v", s)
	default:
	}
	if n := proxy.Count(cloudtest.CutRequest(0)); n != 6 {
		t.Errorf("%d requests were cut, want 6", n)
	}
}

func TestProxyCutsResponses(t *testing.T) {
	proxy, _, _ := echo(t)
	c := client(t)
	for _, test := range []struct {
		size, after int64
		arrives     int // at most, as a reset discards what is under way
	}{
		{1_000_000, 300_000, 300_000}, {100, 50, 50}, {100, 100, 99}, {100, 0, 0},
	} {
		proxy.Set(always(cloudtest.CutResponse(test.after)))
		got, err := put(t, c, proxy.Endpoint, make([]byte, test.size))
		wantReset(t, err)
		if len(got.body) > test.arrives || got.status != 0 && got.length != test.size {
			t.Errorf("the client got %d bytes of %d", len(got.body), got.length)
		}
		proxy.Set(always(cloudtest.TruncateResponse(test.after)))
		got, err = put(t, c, proxy.Endpoint, make([]byte, test.size))
		if !errors.Is(err, io.ErrUnexpectedEOF) || len(got.body) != test.arrives || got.length != test.size {
			t.Errorf("the client got %d bytes and %v, want %d and an unexpected end", len(got.body), err, test.arrives)
		}
	}
	if _, err := put(t, c, proxy.Endpoint, nil); err == nil {
		t.Error("a response without a body is whole despite the cut")
	}
}

func TestProxyChangesABit(t *testing.T) {
	proxy, _, saw := echo(t)
	c := client(t)
	body := bytes.Repeat([]byte("a"), 100_000)
	changed := bytes.Clone(body)
	changed[70_000] = '`'

	proxy.Set(always(cloudtest.CorruptRequest(70_000)))
	if _, err := put(t, c, proxy.Endpoint, body); err != nil {
		t.Fatal(err)
	}
	if s := <-saw; !bytes.Equal(s.body, changed) {
		t.Error("the server did not see the change")
	}
	proxy.Set(always(cloudtest.CorruptResponse(70_000)))
	if got, err := put(t, c, proxy.Endpoint, body); err != nil || !bytes.Equal(got.body, changed) {
		t.Errorf("the client did not see the change, %v", err)
	}
	if s := <-saw; !bytes.Equal(s.body, body) {
		t.Error("the server saw the change of the response")
	}
}

func TestProxyAnswersInTheServersPlace(t *testing.T) {
	proxy, _, saw := echo(t)
	c := client(t)
	proxy.Set(func(_ *http.Request, n int) cloudtest.Fault {
		switch n {
		case 1:
			return cloudtest.SlowDown(3 * time.Second)
		case 2:
			return cloudtest.Status(http.StatusForbidden, nil, "no")
		}
		return cloudtest.Pass()
	})
	got, err := put(t, c, proxy.Endpoint, make([]byte, 5_000_000))
	if err != nil || got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "3" || !strings.Contains(string(got.body), "<Code>SlowDown</Code>") {
		t.Errorf("the client got %d %s, %v", got.status, got.body, err)
	}
	got, err = put(t, c, proxy.Endpoint, nil)
	if err != nil || got.status != http.StatusForbidden || string(got.body) != "no" {
		t.Errorf("the client got %d %s, %v", got.status, got.body, err)
	}
	if len(saw) != 0 {
		t.Error("the server saw a request")
	}
	if got, err = put(t, c, proxy.Endpoint, []byte("x")); err != nil || string(got.body) != "x" {
		t.Errorf("the third request got %q, %v", got.body, err)
	}
	if n := proxy.Count(cloudtest.Status(0, nil, "")); n != 2 || proxy.Requests() != 3 {
		t.Errorf("%d of %d requests got a status", n, proxy.Requests())
	}
}

func TestProxyLosesAResponseOnceTheServerIsDone(t *testing.T) {
	proxy, _, saw := echo(t)
	proxy.Set(always(cloudtest.LoseResponse()))
	_, err := put(t, client(t), proxy.Endpoint, []byte("content"))
	wantReset(t, err)
	select {
	case s := <-saw:
		if string(s.body) != "content" || s.err != nil {
			t.Errorf("the server saw %+v", s)
		}
	default:
		t.Error("the connection was reset before the server had answered")
	}
}

func TestProxyRefuses(t *testing.T) {
	proxy, _, saw := echo(t)
	proxy.Set(always(cloudtest.Refuse()))
	_, err := put(t, client(t), proxy.Endpoint, []byte("content"))
	wantReset(t, err)
	if len(saw) != 0 {
		t.Error("the server saw a request")
	}
}

func TestProxyDelays(t *testing.T) {
	proxy, _, _ := echo(t)
	const delay = 60 * time.Millisecond
	for _, fault := range []cloudtest.Fault{cloudtest.Delay(delay), cloudtest.Refuse().After(delay)} {
		proxy.Set(always(fault))
		began := time.Now()
		_, _ = put(t, client(t), proxy.Endpoint, []byte("content"))
		if duration := time.Since(began); duration < delay {
			t.Errorf("%+v took %v", fault, duration)
		}
	}
}

func TestProxyHangs(t *testing.T) {
	proxy, _, _ := echo(t)
	c := client(t)
	release := make(chan struct{})
	proxy.Set(always(cloudtest.Hang(release)))
	answered := make(chan error)
	go func() {
		_, err := put(t, c, proxy.Endpoint, []byte("content"))
		answered <- err
	}()
	for proxy.Count(cloudtest.Hang(nil)) == 0 {
		time.Sleep(time.Millisecond)
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("the released request got %v", err)
	}

	proxy.Set(always(cloudtest.Hang(nil)))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, proxy.Endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the hanging request got %v", err)
	}
}

func TestProxyIsDownUntilItIsUp(t *testing.T) {
	proxy, _, saw := echo(t)
	c := client(t)
	proxy.Set(always(cloudtest.Hang(nil)))
	answered := make(chan error)
	go func() {
		_, err := put(t, c, proxy.Endpoint, []byte("content"))
		answered <- err
	}()
	for proxy.Requests() == 0 {
		time.Sleep(time.Millisecond)
	}
	proxy.Down()
	wantReset(t, <-answered)
	proxy.Set(nil)
	for range 3 {
		_, err := put(t, c, proxy.Endpoint, []byte("content"))
		wantReset(t, err)
	}
	if len(saw) != 0 {
		t.Error("the server saw a request")
	}
	proxy.Up()
	if got, err := put(t, c, proxy.Endpoint, []byte("content")); err != nil || string(got.body) != "content" {
		t.Errorf("once up the client got %q, %v", got.body, err)
	}
}

func TestProxyBreaksOffWhereTheServerDoes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(make([]byte, 500))
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	proxy := cloudtest.NewProxy(t, server.URL)
	if got, err := put(t, client(t), proxy.Endpoint+"/half", nil); err == nil || len(got.body) != 500 {
		t.Errorf("the client got %d bytes, %v", len(got.body), err)
	}
	_, err := put(t, client(t), proxy.Endpoint+"/none", nil)
	wantReset(t, err)
}

func TestProxyStandsInForLocations(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", server.URL+"/upload?id=1")
	})
	server.Start()
	defer server.Close()
	proxy := cloudtest.NewProxy(t, strings.TrimPrefix(server.URL, "http://"))
	got, err := put(t, client(t), proxy.Endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	location, err := url.Parse(got.header.Get("Location"))
	if err != nil || location.Host != proxy.Address || location.RequestURI() != "/upload?id=1" {
		t.Errorf("the client is sent to %s, %v; want the proxy at %s", location, err, proxy.Address)
	}
}

func TestProxyRulesMayCountAndChange(t *testing.T) {
	proxy, _, _ := echo(t)
	c := client(t)
	calls := 0
	rule := func(*http.Request, int) cloudtest.Fault {
		calls++
		return cloudtest.Pass()
	}
	var answered atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 20 {
				if got, err := put(t, c, proxy.Endpoint, []byte("x")); err != nil || string(got.body) != "x" {
					t.Errorf("got %q, %v", got.body, err)
				}
				answered.Add(1)
				proxy.Set(rule)
			}
		})
	}
	clients.Wait()
	if n := proxy.Requests(); n != 160 || calls >= n {
		t.Errorf("%d requests, %d of them asked the rule", n, calls)
	}
}
