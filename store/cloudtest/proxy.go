package cloudtest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Rule returns the Fault of a request, the n-th since Set, from 1. Rules are called one at a time, so they may count; they must
// not call the Proxy.
type Rule func(r *http.Request, n int) Fault

// Proxy passes HTTP requests on to a server, and breaks those that its Rule chooses. Requests arrive with the Host, the
// path and the headers that the client sent, since signatures cover them, each over a connection of its own, so that nothing
// is sent twice. Bodies are streamed both ways. A Location that names the server is made to name the proxy.
type Proxy struct {
	Address  string // host:port, in place of the server's
	Endpoint string // the URL of the server with Address in it

	target string

	asking sync.Mutex // held while the rule is called
	rule   Rule
	asked  int

	mu       sync.Mutex
	down     bool
	ended    bool
	conns    map[net.Conn]context.CancelFunc
	counts   map[string]int
	handlers sync.WaitGroup
}

// NewProxy starts a proxy of the server at endpoint, host:port or a URL, which ends with the test. Without a rule it
// passes everything.
func NewProxy(t testing.TB, endpoint string) *Proxy {
	t.Helper()
	if !strings.Contains(endpoint, "://") {
		endpoint = "http://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test, and does not wait
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Address: listener.Addr().String(), target: u.Host,
		conns: make(map[net.Conn]context.CancelFunc), counts: make(map[string]int),
	}
	u.Host = p.Address
	p.Endpoint = u.String()
	server := &http.Server{Handler: p, ConnContext: p.track, ConnState: p.untrack, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		p.Down()
		_ = server.Close()
		serving.Wait()
		p.handlers.Wait()
	})
	return p
}

// Set replaces the rule; nil passes everything. Requests in progress keep their fault.
func (p *Proxy) Set(rule Rule) {
	p.asking.Lock()
	defer p.asking.Unlock()
	p.rule, p.asked = rule, 0
}

// Down resets all connections, and every new one at once, until Up.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = true
	for conn, cancel := range p.conns {
		reset(conn)
		cancel()
	}
}

// Up ends Down.
func (p *Proxy) Up() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = false
}

// Count returns how many requests met a fault of this kind, whatever its figures: p.Count(CutRequest(0)).
func (p *Proxy) Count(kind Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[kind.kind]
}

// Requests returns how many requests there were, whatever their faults. Requests during Down are not counted.
func (p *Proxy) Requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, count := range p.counts {
		n += count
	}
	return n
}

// ServeHTTP serves one request of a client.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := p.ask(r)
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	p.counts[fault.kind]++
	p.handlers.Add(1)
	p.mu.Unlock()
	defer p.handlers.Done()
	if fault.delay > 0 {
		select {
		case <-time.After(fault.delay):
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if fault.serve == nil {
		p.pass(w, r, whole)
		return
	}
	fault.serve(p, w, r)
}

func (p *Proxy) ask(r *http.Request) Fault {
	p.asking.Lock()
	defer p.asking.Unlock()
	if p.asked++; p.rule == nil {
		return Pass()
	}
	return p.rule(r, p.asked)
}

// An ending is how much of a response passes, and what happens then.
type ending struct {
	after  int64 // bytes of the body; -1 for all
	reset  bool
	change func(io.Reader) io.Reader
}

var whole = ending{after: -1}

// pass forwards a request, and as much of its response as end allows.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, end ending) {
	response, err := p.forward(r)
	if err != nil {
		p.abort(r) // as the server did
	}
	defer func() { _ = response.Body.Close() }()
	allowed, hasBody := end.after, r.Method != http.MethodHead && response.ContentLength != 0
	if allowed >= 0 && !hasBody {
		p.end(r, end) // without even its header: else it would be whole
	}
	if response.ContentLength > 0 {
		allowed = min(allowed, response.ContentLength-1)
	}
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	if location, ok := strings.CutPrefix(response.Header.Get("Location"), "http://"+p.target); ok {
		w.Header().Set("Location", "http://"+p.Address+location)
	}
	w.WriteHeader(response.StatusCode)
	var from io.Reader = response.Body
	if end.change != nil {
		from = end.change(from)
	}
	if allowed >= 0 {
		from = io.LimitReader(from, allowed)
	}
	_, err = io.Copy(w, from)
	if err != nil || allowed >= 0 {
		_ = http.NewResponseController(w).Flush()
		p.end(r, end)
	}
}

// forward sends a request to the server. Since its connection serves only this request, the transport never repeats it.
func (p *Proxy) forward(r *http.Request) (*http.Response, error) {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, ExpectContinueTimeout: time.Second}
	return transport.RoundTrip(p.outgoing(r))
}

// forwardCut sends a request with n bytes of its body, in any case not all of it, and hangs up.
func (p *Proxy) forwardCut(r *http.Request, n int64) {
	if r.ContentLength == 0 {
		return // no part of it could be sent
	}
	if r.ContentLength > 0 {
		n = min(n, r.ContentLength-1)
	}
	conn, err := new(net.Dialer).DialContext(r.Context(), "tcp", p.target)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(r.Context(), func() { _ = conn.Close() })()
	out := p.outgoing(r)
	out.Header.Del("Expect")
	out.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, n), failing{}))
	buffered := bufio.NewWriter(conn)
	_ = out.Write(buffered) // it always fails
	_ = buffered.Flush()
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }

func (p *Proxy) outgoing(r *http.Request) *http.Request {
	out := r.Clone(r.Context())
	path, _, _ := strings.Cut(r.RequestURI, "?")
	out.URL = &url.URL{Scheme: "http", Host: p.target, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery}
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") {
		out.URL.Opaque = path // as the client wrote it, though Go would escape it in another way
	}
	out.RequestURI = ""
	if r.ContentLength == 0 {
		out.Body = http.NoBody
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // or the transport sends its own
	}
	return out
}

type connOf struct{} // the key of the client's connection in a context

func (p *Proxy) track(ctx context.Context, conn net.Conn) context.Context {
	ctx, cancel := context.WithCancel(context.WithValue(ctx, connOf{}, conn))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[conn] = cancel
	if p.down {
		reset(conn)
		cancel()
	}
	return ctx
}

func (p *Proxy) untrack(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if cancel := p.conns[conn]; cancel != nil {
		cancel()
		delete(p.conns, conn)
	}
}

// abort resets the client's connection and ends its handler.
func (p *Proxy) abort(r *http.Request) { p.end(r, ending{reset: true}) }

func (p *Proxy) end(r *http.Request, end ending) {
	if conn, ok := r.Context().Value(connOf{}).(net.Conn); ok && end.reset {
		reset(conn)
	}
	panic(http.ErrAbortHandler) // which closes the connection
}

// reset closes a connection so that its peer sees "connection reset by peer".
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
