// Package faults_test breaks the connections between the drivers of clouds and real servers, request by request, and shows
// that nothing is lost, nothing half-visible, and nothing written twice.
package faults_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/gcsstore"
	"github.com/jetcapture/lake/store/s3store"
)

// A cloud is a server with a bucket, and how a driver connects to it.
type cloud struct {
	endpoint string
	large    int // bytes of an object that takes several requests
	open     func(endpoint, prefix string) (store.Bucket, error)
	expired  cloudtest.Fault // the answer of the server when credentials have expired
	blind    bool            // the server does not see that a part of an object was damaged, as the real one would
	places   atomic.Int64
}

// quick is the wait of the SDKs before they send a request again, short for tests.
const quick = 5 * time.Millisecond

var clouds = map[string]func(t *testing.T) *cloud{
	"S3": func(t *testing.T) *cloud {
		server := cloudtest.Versity(t)
		bucket := server.Bucket(t)
		return &cloud{
			endpoint: server.Endpoint, large: 5<<20 + 1000,
			open: func(endpoint, prefix string) (store.Bucket, error) {
				config := server.Config()
				config.Retryer = func() aws.Retryer {
					return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = quick })
				}
				return s3store.New(context.Background(), s3store.Options{
					Bucket: bucket, Prefix: prefix, Endpoint: endpoint, PathStyle: true, Config: config, PartSize: 5 << 20,
				})
			},
			expired: cloudtest.Status(http.StatusBadRequest, http.Header{"Content-Type": {"application/xml"}},
				`<?xml version="1.0" encoding="UTF-8"?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>`),
		}
	},
	"Azure": func(t *testing.T) *cloud {
		server := cloudtest.Azure(t)
		container := server.Container(t)
		return &cloud{
			endpoint: server.Endpoint, large: 600_000,
			open: func(endpoint, prefix string) (store.Bucket, error) {
				o := azurestore.Options{
					Account: server.Account, SharedKey: server.Key, Container: container, Prefix: prefix, Endpoint: endpoint, BlockSize: 256 << 10,
				}
				o.ClientOptions.Retry = policy.RetryOptions{MaxRetries: 2, RetryDelay: quick, MaxRetryDelay: quick}
				return azurestore.New(o)
			},
			expired: cloudtest.Status(http.StatusForbidden, http.Header{"Content-Type": {"application/xml"}, "X-Ms-Error-Code": {"AuthenticationFailed"}},
				`<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Signature not valid in the specified time frame</Message></Error>`),
		}
	},
	"GCS": func(t *testing.T) *cloud {
		server := cloudtest.GCS(t)
		bucket := server.Bucket(t)
		return &cloud{
			endpoint: repeatable(t, server.Endpoint), large: 600_000, blind: true,
			open: func(endpoint, prefix string) (store.Bucket, error) {
				return gcsstore.New(context.Background(), gcsstore.Options{
					Bucket: bucket, Prefix: prefix, Endpoint: endpoint, Anonymous: true, ChunkSize: 256 << 10,
				})
			},
			expired: cloudtest.Status(http.StatusUnauthorized, http.Header{"Content-Type": {"application/json"}},
				`{"error": {"code": 401, "message": "Invalid Credentials", "errors": [{"reason": "authError", "message": "Invalid Credentials"}]}}`),
		}
	},
}

// TestFaults runs everything in all clouds at the same time.
func TestFaults(t *testing.T) {
	tests := []struct {
		name string
		run  func(*testing.T, *cloud)
	}{
		{"create outlasts faults and leaves one whole object", createOutlastsFaults},
		{"other content is found out", otherContentIsFoundOut},
		{"create outlasts a server that hangs", createOutlastsHanging},
		{"server is left alone for as long as it asks", serverIsLeftAlone},
		{"create that fails leaves nothing or all", failedCreateLeavesNothingOrAll},
		{"reader never takes a part for the whole", readerTakesNoPartForTheWhole},
		{"other operations outlast faults", otherOperationsOutlastFaults},
		{"capture in a storm of faults stores every message once", captureInAStorm},
		{"expired credentials end the capture and lose nothing", expiredCredentials},
	}
	for _, name := range slices.Sorted(maps.Keys(clouds)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clouds[name](t)
			for _, test := range tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(t, c)
				})
			}
		})
	}
}

// A place is an empty folder in a cloud.
type place struct {
	proxy  *cloudtest.Proxy
	broken store.Bucket // by way of the proxy
	intact store.Bucket // beside it
}

func (c *cloud) place(t *testing.T) *place {
	t.Helper()
	p := &place{proxy: cloudtest.NewProxy(t, c.endpoint)}
	prefix := fmt.Sprintf("place-%d", c.places.Add(1))
	var err, err2 error
	p.broken, err = c.open(p.proxy.Endpoint, prefix)
	p.intact, err2 = c.open(c.endpoint, prefix)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, b := range []store.Bucket{p.broken, p.intact} {
			if c, ok := b.(io.Closer); ok {
				_ = c.Close() // lets go of connections
			}
		}
	})
	return p
}

// patient returns the Bucket through the proxy, with more attempts.
func (p *place) patient() store.Bucket {
	return store.Retry(p.broken, store.RetryOptions{Attempts: 10, FirstWait: quick, MaxWait: quick})
}

// contentOf returns content that differs for each seed.
func contentOf(seed uint64, size int) []byte {
	var s [32]byte
	s[0], s[1], s[2] = byte(seed), byte(seed>>8), byte(seed>>16)
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(s).Read(content)
	return content
}

func create(ctx context.Context, b store.Bucket, name string, content []byte) error {
	_, err := b.Create(ctx, name, bytes.NewReader(content), map[string]string{"stream": "ORDERS"})
	return err
}

func read(ctx context.Context, b store.Bucket, name string, offset, length int64) ([]byte, error) {
	r, err := b.Open(ctx, name, offset, length)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	return content, cmp.Or(err, r.Close())
}

// wantObject fails unless the object is there with this content.
func (p *place) wantObject(t *testing.T, name string, want []byte) {
	t.Helper()
	got, err := read(t.Context(), p.intact, name, 0, -1)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%s has %d bytes that are not the %d it was created with", name, len(got), len(want))
	}
}

// wantNames fails unless these are all objects in the place.
func (p *place) wantNames(t *testing.T, want ...string) {
	t.Helper()
	got, err := names(t.Context(), p.intact, "")
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the place holds %q, want %q (%v)", got, want, err)
	}
}

func names(ctx context.Context, b store.Bucket, prefix string) (all []string, err error) {
	for object, err := range b.List(ctx, prefix) {
		if err != nil {
			return all, err
		}
		all = append(all, object.Name)
	}
	return all, nil
}
