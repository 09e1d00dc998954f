package jetcapture_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

// useS3 lets the captures write into a bucket of S3, and returns it.
func (c *chaos) useS3(t *testing.T) store.Bucket {
	t.Helper()
	s := cloudtest.Versity(t)
	name := s.Bucket(t)
	c.store = "s3://" + name + "?path_style=true&region=" + s.Region + "&endpoint=" + url.QueryEscape(c.network(t, s.Endpoint))
	c.secrets = map[string]string{"AWS_ACCESS_KEY_ID": s.AccessKey, "AWS_SECRET_ACCESS_KEY": s.SecretKey}
	bucket, err := s3store.New(t.Context(), s3store.Options{Bucket: name, Endpoint: s.Endpoint, PathStyle: true, Config: s.Config()})
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

// useAzure lets the captures write into a container of Azure, and returns it.
func (c *chaos) useAzure(t *testing.T) store.Bucket {
	t.Helper()
	s := cloudtest.Azure(t)
	name := s.Container(t)
	c.store = "azblob://" + s.Account + "/" + name + "?endpoint=" + url.QueryEscape(c.network(t, s.Endpoint))
	c.secrets = map[string]string{"AZURE_STORAGE_KEY": s.Key}
	bucket, err := azurestore.New(azurestore.Options{Account: s.Account, Container: name, Endpoint: s.Endpoint, SharedKey: s.Key})
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

// network is a bad way to a server, until there is peace. Of every 20 writes one does not arrive, the answer to one is lost,
// and two are on their way for long: they arrive even if who sent them has been killed, and others have settled meanwhile
// what they took for abandoned.
func (c *chaos) network(t *testing.T, endpoint string) string {
	t.Helper()
	proxy := cloudtest.NewProxy(t, endpoint)
	var denied atomic.Pointer[string]
	if len(c.losses) > 0 {
		c.denial = chaosDenial{
			deny:  func(part string) error { denied.Store(&part); return nil },
			allow: func() error { denied.Store(nil); return nil },
		}
	}
	rng := rand.New(rand.NewPCG(c.seed, 2))
	proxy.Set(func(r *http.Request, _ int) cloudtest.Fault {
		if r.Method != http.MethodPut || c.peace.Load() {
			return cloudtest.Pass()
		}
		if part := denied.Load(); part != nil && strings.Contains(r.URL.Path, "/"+*part+"/") {
			return cloudtest.Status(http.StatusForbidden, http.Header{"Content-Type": {"application/xml"}},
				`<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>`)
		}
		switch rng.IntN(20) {
		case 0:
			return cloudtest.Refuse()
		case 1:
			return cloudtest.LoseResponse()
		case 2, 3:
			*r = *r.WithContext(context.WithoutCancel(r.Context())) // it is not lost when its sender hangs up
			arrived := make(chan struct{})
			time.AfterFunc(time.Duration(rng.Int64N(int64(2*chaosAckWait))), func() { close(arrived) })
			return cloudtest.Hang(arrived)
		default:
			return cloudtest.Pass()
		}
	})
	t.Cleanup(func() {
		t.Logf("of %d requests %d did not arrive, %d were late, the answer to %d was lost", proxy.Requests(),
			proxy.Count(cloudtest.Refuse()), proxy.Count(cloudtest.Hang(nil)), proxy.Count(cloudtest.LoseResponse()))
	})
	return proxy.Endpoint
}

// fetch copies the Parquet files of a bucket into a folder, and returns that.
func (c *chaos) fetch(t *testing.T, bucket store.Bucket) string {
	t.Helper()
	lake := filepath.Join(c.dir, "lake")
	for object, err := range bucket.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(object.Name, ".parquet") {
			continue
		}
		from, err := bucket.Open(t.Context(), object.Name, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(from)
		_ = from.Close()
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(lake, filepath.FromSlash(object.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return lake
}
