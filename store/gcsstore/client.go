package gcsstore

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/jetcapture/lake/store"
)

// objects returns the api that sends requests. The first call makes it, because finding credentials reads files and may need
// connections.
func (b *Bucket) objects(ctx context.Context) (*api, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b.client == nil {
		client, err := newClient(b.options)
		if err != nil {
			return nil, err
		}
		b.client = client
	}
	return b.client, nil
}

// newClient finds credentials, if it needs some, and the service. Its errors are explained.
func newClient(o Options) (*api, error) {
	endpoint, anonymous, err := emulated(o)
	if err != nil {
		return nil, store.Permanent(&answer{err.Error(), nil})
	}
	universe := func() (string, error) { return "googleapis.com", nil }
	var client http.Client
	switch {
	case o.HTTPClient != nil:
		client = *o.HTTPClient
	case o.Tokens != nil:
		client.Transport = authorized{newTransport(), &tokens{source: oauth2.ReuseTokenSource(nil, o.Tokens)}}
	case anonymous:
		client.Transport = newTransport()
	default:
		found, domain, err := findTokens()
		if err != nil {
			return nil, explainCredentials(err)
		}
		universe = domain
		client.Transport = authorized{newTransport(), found}
	}
	if endpoint == "" {
		domain, err := universe()
		if err != nil {
			return nil, explainCredentials(err)
		}
		endpoint = "https://storage." + domain + "/storage/v1/"
	}
	// The service never redirects. Another server must not get the token.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &api{http: &client, endpoint: endpoint, bucket: o.Bucket, userProject: o.UserProject}, nil
}

const (
	idleConnections = 100              // of one Bucket, so that as many workers need not connect again
	pingAfter       = 30 * time.Second // an HTTP/2 connection that has received nothing for so long is checked, and closed if it is dead
)

// newTransport returns a transport of its own for a Bucket, so that Close can end its connections.
func newTransport() *http.Transport {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
	if usual, ok := http.DefaultTransport.(*http.Transport); ok { // unless the program has replaced it
		transport = usual.Clone()
	}
	transport.MaxIdleConnsPerHost = idleConnections
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter}
	return transport
}

// emulated returns the endpoint, "" for that of the service, and whether it is used without credentials, as the options or
// else STORAGE_EMULATOR_HOST say: host:port, or a URL.
func emulated(o Options) (endpoint string, anonymous bool, err error) {
	host := os.Getenv("STORAGE_EMULATOR_HOST")
	if o.Endpoint != "" || host == "" {
		return o.Endpoint, o.Anonymous, nil
	}
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	u, err := url.Parse(host)
	if err != nil || u.Host == "" {
		return "", false, errEmulator
	}
	u.Path = "/storage/v1/"
	return u.String(), true, nil
}

var errEmulator = errors.New("STORAGE_EMULATOR_HOST is neither host:port nor a URL: write for example 127.0.0.1:4443")
