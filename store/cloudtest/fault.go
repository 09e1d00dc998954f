package cloudtest

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A Fault is what a Proxy does to one request. The zero Fault passes it.
type Fault struct {
	kind  string
	delay time.Duration
	serve func(p *Proxy, w http.ResponseWriter, r *http.Request) // nil passes
}

// After lets d go by before the fault happens.
func (f Fault) After(d time.Duration) Fault {
	f.delay = d
	return f
}

// Pass does nothing.
func Pass() Fault { return Fault{} }

// Delay lets d go by, then passes the request.
func Delay(d time.Duration) Fault { return Fault{kind: "delay", delay: d} }

// Refuse resets the connection at once. The server sees nothing.
func Refuse() Fault {
	return Fault{kind: "refuse", serve: func(p *Proxy, _ http.ResponseWriter, r *http.Request) { p.abort(r) }}
}

// CutRequest passes n bytes of the request's body and then ends both connections. The server never sees a whole request:
// of a body of n bytes or fewer, the last byte is held back, or the end mark if its length is not announced; of a request without a
// body, everything is.
func CutRequest(n int64) Fault {
	return Fault{kind: "cut request", serve: func(p *Proxy, _ http.ResponseWriter, r *http.Request) {
		p.forwardCut(r, n)
		p.abort(r)
	}}
}

// CorruptRequest changes one bit of the request's body: of byte n, from 0.
func CorruptRequest(n int64) Fault {
	return Fault{kind: "corrupt request", serve: func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			r.Body = io.NopCloser(&corrupter{from: r.Body, at: n})
		}
		p.pass(w, r, whole)
	}}
}

// Status answers without asking the server, once it has read the request's body. header may be nil.
func Status(code int, header http.Header, body string) Fault {
	return Fault{kind: "status", serve: func(_ *Proxy, w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler) // the client has gone
		}
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}}
}

// SlowDown is the Status 503 of an overloaded S3 server; wait is its Retry-After, in whole seconds, none if 0.
func SlowDown(wait time.Duration) Fault {
	header := http.Header{"Content-Type": {"application/xml"}}
	if wait > 0 {
		header.Set("Retry-After", fmt.Sprint(int(wait.Seconds())))
	}
	return Status(http.StatusServiceUnavailable, header,
		`<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
}

// LoseResponse passes the request, waits for the server's whole answer, and resets the client's connection: the server
// has done what it was asked, and the client does not know.
func LoseResponse() Fault {
	return Fault{kind: "lose response", serve: func(p *Proxy, _ http.ResponseWriter, r *http.Request) {
		if response, err := p.forward(r); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		p.abort(r)
	}}
}

// CutResponse passes the response's header and n bytes of its body and then resets the client's connection. The client
// never gets a whole response: of a body of n bytes or fewer, the last byte is held back; of a response without a body, everything
// is.
func CutResponse(n int64) Fault {
	return Fault{kind: "cut response", serve: func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.pass(w, r, ending{after: n, reset: true})
	}}
}

// TruncateResponse is CutResponse with a connection that is closed properly.
func TruncateResponse(n int64) Fault {
	return Fault{kind: "truncate response", serve: func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.pass(w, r, ending{after: n})
	}}
}

// CorruptResponse changes one bit of the response's body: of byte n, from 0.
func CorruptResponse(n int64) Fault {
	return Fault{kind: "corrupt response", serve: func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		p.pass(w, r, ending{after: -1, change: func(from io.Reader) io.Reader { return &corrupter{from: from, at: n} }})
	}}
}

// Hang does nothing until release is closed, and then passes the request, whether its client is still there or not. If release is
// nil, it hangs until Down or the end of the test.
func Hang(release <-chan struct{}) Fault {
	return Fault{kind: "hang", serve: func(p *Proxy, w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
			p.pass(w, r, whole)
		case <-r.Context().Done():
			p.abort(r)
		}
	}}
}

// corrupter changes a bit of byte at.
type corrupter struct {
	from io.Reader
	at   int64
	read int64
}

func (c *corrupter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if i := c.at - c.read; i >= 0 && i < int64(n) {
		p[i] ^= 1
	}
	c.read += int64(n)
	return n, err
}
