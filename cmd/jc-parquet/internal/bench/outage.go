//go:build unix

package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// slowDown is S3's answer while it cannot serve requests.
const slowDown = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>The store is down.</Message></Error>`

// An outage is a proxy in front of a store. While the store is down it answers 503.
type outage struct {
	address string
	down    atomic.Bool

	server  *http.Server
	serving sync.WaitGroup
}

func startOutage(store string) (*outage, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it does not wait
	if err != nil {
		return nil, err
	}
	o := &outage{address: l.Addr().String()}
	target := &url.URL{Scheme: "http", Host: store}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // the signature covers it
		},
		ErrorLog: log.New(io.Discard, "", 0), // of clients that have gone
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if !o.down.Load() {
			pass.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, slowDown)
	}
	o.server = &http.Server{Handler: http.HandlerFunc(handler), ReadHeaderTimeout: time.Minute}
	o.serving.Go(func() { _ = o.server.Serve(l) })
	return o, nil
}

func (o *outage) stop() {
	_ = o.server.Close()
	o.serving.Wait()
}
