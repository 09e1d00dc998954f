package gcsstore

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/option/internaloption"
	"google.golang.org/api/storage/v1"
	transport "google.golang.org/api/transport/http"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// client sends requests with credentials.
type client struct {
	http    *http.Client
	objects *storage.ObjectsService
}

// objects returns what requests are sent by. It makes the client first, because finding credentials takes files and, where
// there are none, connections.
func (b *Bucket) objects(ctx context.Context) (*storage.ObjectsService, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if b.client == nil {
		client, err := newClient(context.WithoutCancel(ctx), b.options) // which some credentials keep
		if err != nil {
			return nil, explainClient(err)
		}
		b.client = client
	}
	return b.client.objects, nil
}

// billing names the project that pays. It goes with every call.
func (b *Bucket) billing() []googleapi.CallOption {
	if b.options.UserProject == "" {
		return nil
	}
	return []googleapi.CallOption{googleapi.QueryParameter("userProject", b.options.UserProject)}
}

func newClient(ctx context.Context, o Options) (*client, error) {
	options := []option.ClientOption{
		internaloption.WithDefaultEndpointTemplate("https://storage.UNIVERSE_DOMAIN/storage/v1/"),
		internaloption.WithDefaultMTLSEndpoint("https://storage.mtls.googleapis.com/storage/v1/"),
		internaloption.WithDefaultUniverseDomain("googleapis.com"),
		internaloption.EnableNewAuthLibrary(),
		option.WithScopes(storage.DevstorageFullControlScope, storage.CloudPlatformScope),
		option.WithUserAgent("jetcapture"),
	}
	endpoint, anonymous, err := emulated(o)
	if err != nil {
		return nil, err
	}
	if anonymous {
		options = append(options, option.WithoutAuthentication())
	}
	if endpoint != "" {
		options = append(options, option.WithEndpoint(endpoint))
	}
	made, endpoint, err := transport.NewClient(ctx, append(options, o.ClientOptions...)...)
	if err != nil {
		return nil, err
	}
	own := *made // it may be the caller's
	own.Transport = patient{made.Transport}
	service, err := storage.NewService(ctx, option.WithHTTPClient(&own), option.WithEndpoint(endpoint))
	if err != nil {
		return nil, err
	}
	return &client{&own, service.Objects}, nil
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

// patient makes an error of an answer that says when to come back. The library tries chunks of an upload again without a
// look at the headers of the answer, but not after an error that mayRetry refuses.
type patient struct{ base http.RoundTripper }

func (p patient) RoundTrip(request *http.Request) (*http.Response, error) {
	base := p.base
	if base == nil {
		base = http.DefaultTransport
	}
	response, err := base.RoundTrip(request)
	if err != nil || response.StatusCode < http.StatusBadRequest || response.Header.Get("Retry-After") == "" {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	return nil, googleapi.CheckResponse(response)
}

// CloseIdleConnections reaches the connections of an http.Client that the caller has made.
func (p patient) CloseIdleConnections() {
	if base, ok := p.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// explainClient says why there is no client. Its errors are Permanent: missing credentials do not come by themselves. They
// wrap nothing, as a file with credentials that does not exist must not pass for an object.
func explainClient(err error) error {
	text := "find credentials: " + cloud.RedactText(err.Error())
	switch {
	case errors.Is(err, errEmulator):
		text = err.Error()
	case strings.Contains(text, "could not find default credentials"):
		text = "there are no credentials; let GOOGLE_APPLICATION_CREDENTIALS name a file with some, or run gcloud auth application-default login, or write anonymous=true for an emulator"
	}
	return store.Permanent(&answer{text, nil})
}
