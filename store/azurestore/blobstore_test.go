package azurestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/storetest"
)

var (
	_ store.BlockStore[string] = (*azurestore.AzureBlobStore[string])(nil)
	_ store.RootWriter         = (*azurestore.AzureBlobStore[string])(nil)
	_ store.Locator[string]    = (*azurestore.AzureBlobStore[string])(nil)
	_ store.Prober             = (*azurestore.AzureBlobStore[string])(nil)
)

func TestAzureBlobStore(t *testing.T) {
	server := cloudtest.Azure(t)
	for _, test := range []struct {
		outcome string
		run     func(*testing.T, *cloudtest.AzureServer)
	}{
		{"blocks go where the URL base says", blocksByURLBase},
		{"the root may be somewhere else", ownRoot},
		{"locations are where blocks go", locations},
		{"what is created where Locate says has the overridden options", locatedOptions},
		{"overridden options that cannot be sent are Permanent", overriddenNonsense},
	} {
		t.Run(test.outcome, func(t *testing.T) { test.run(t, server) })
	}
}

func blocksByURLBase(t *testing.T, server *cloudtest.AzureServer) {
	cleanEnv(t)
	tenants := map[string]string{"eu": server.Container(t), "us": server.Container(t), "": server.Container(t)}
	s, err := azurestore.NewBlobStore(func(_ context.Context, region string) (string, error) {
		return server.Endpoint + "/" + tenants[region] + "/backup/100%25/", nil
	}, azurestore.BlobStoreOptions[string]{
		Options: azurestore.Options{SharedKey: server.Key, AccessTier: "hot", Tags: map[string]string{"team": "lake"}, BlockSize: 10_000},
		OverrideUploadOptions: func(o *azblob.UploadStreamOptions, region string) {
			o.Metadata["Region"] = to.Ptr(region + " ✓")
			o.HTTPHeaders = &blob.HTTPHeaders{BlobContentType: to.Ptr("application/vnd.apache.parquet")}
			if region == "us" {
				o.AccessTier = to.Ptr(blob.AccessTierCool)
				o.Tags["region"] = region
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for region, want := range map[string]struct {
		tier string
		tags map[string]string
	}{"eu": {"Hot", map[string]string{"team": "lake"}}, "us": {"Cool", map[string]string{"team": "lake", "region": "us"}}} {
		for name, content := range map[string][]byte{"small": text(1000, 1), "large": text(50_000, 2)} {
			block := attributed{bytes.NewReader(content)}
			location, n, _, err := s.Write(t.Context(), block, region, "date=2026-11-25", name)
			if err != nil || n != int64(len(content)) || location != server.Endpoint+"/"+tenants[region]+"/backup/100%25/date=2026-11-25/"+name {
				t.Fatalf("Write returns %s, %d, %v", location, n, err)
			}
			full := "backup/100%/date=2026-11-25/" + name
			tier, tags, contentType := describe(t, server, tenants[region], full)
			if tier != want.tier || !maps.Equal(tags, want.tags) || contentType != "application/vnd.apache.parquet" {
				t.Errorf("%s of %s has tier %s, tags %v and type %s", name, region, tier, tags, contentType)
			}
			b := open(t, azurestore.Options{Account: server.Account, Container: tenants[region], Endpoint: server.Endpoint, SharedKey: server.Key})
			wantContent(t, b, full, content)
			object, err := b.Stat(t.Context(), full)
			if wanted := map[string]string{"stream": "ORDERS", "region": region + " ✓"}; err != nil || !maps.Equal(object.Attributes, wanted) {
				t.Errorf("the attributes are %v, %v, want %v", object.Attributes, err, wanted)
			}
			if _, _, _, err := s.Write(t.Context(), block, region, "date=2026-11-25", name); err != nil {
				t.Errorf("the same block again gives %v", err)
			}
			if _, _, _, err := s.Write(t.Context(), strings.NewReader("other"), region, "date=2026-11-25", name); !errors.Is(err, fs.ErrExist) {
				t.Errorf("another block gives %v, want fs.ErrExist", err)
			}
		}
	}
	location, _, _, err := s.WriteRoot(t.Context(), strings.NewReader("dead"), "_deadletter", "x")
	if want := server.Endpoint + "/" + tenants[""] + "/backup/100%25/_deadletter/x"; err != nil || location != want {
		t.Errorf("WriteRoot returns %s, %v, want %s", location, err, want)
	}
}

// attributed is a block as the capture has them.
type attributed struct{ *bytes.Reader }

func (attributed) Attributes() map[string]string { return map[string]string{"stream": "ORDERS"} }

func ownRoot(t *testing.T, server *cloudtest.AzureServer) {
	cleanEnv(t)
	root := server.Endpoint + "/" + server.Container(t)
	s, err := azurestore.NewBlobStore(
		func(context.Context, string) (string, error) { return "", errors.New("no destination key") },
		azurestore.BlobStoreOptions[string]{Options: azurestore.Options{ConnectionString: server.ConnectionString()}, RootURLBase: root},
	)
	if err != nil {
		t.Fatal(err)
	}
	if location, _, _, err := s.WriteRoot(t.Context(), strings.NewReader("dead"), "_deadletter", "x"); err != nil || location != root+"/_deadletter/x" {
		t.Errorf("WriteRoot returns %s, %v", location, err)
	}
}

func locations(t *testing.T, server *cloudtest.AzureServer) {
	cleanEnv(t)
	for name, ownRoot := range map[string]bool{"root of the zero destination key": false, "root of its own": true} {
		t.Run(name, func(t *testing.T) {
			storetest.RunLocator(t, func(t *testing.T) store.BlockStore[string] {
				place := server.Endpoint + "/" + server.Container(t)
				o := azurestore.BlobStoreOptions[string]{Options: azurestore.Options{SharedKey: server.Key}}
				if ownRoot {
					o.RootURLBase = server.Endpoint + "/" + server.Container(t) + "/root"
				}
				s, err := azurestore.NewBlobStore(func(_ context.Context, region string) (string, error) {
					return place + "/100%25/" + url.PathEscape(store.EscapeHive(region)), nil
				}, o)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}, "eu", "../..", "", "r")
		})
	}
}

func locatedOptions(t *testing.T, server *cloudtest.AzureServer) {
	cleanEnv(t)
	container := server.Container(t)
	s, err := azurestore.NewBlobStore(func(_ context.Context, _ string) (string, error) { return server.Endpoint + "/" + container, nil },
		azurestore.BlobStoreOptions[string]{
			Options:               azurestore.Options{SharedKey: server.Key},
			OverrideUploadOptions: func(o *azblob.UploadStreamOptions, region string) { o.Tags = map[string]string{"region": region} },
		})
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.Locate(t.Context(), "eu", "", "x")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Bucket(t.Context(), at.Root)
	if err != nil {
		t.Fatal(err)
	}
	create(t, b, at.Name, text(100, 1))
	if _, tags, _ := describe(t, server, container, at.Name); tags["region"] != "eu" {
		t.Errorf("the tags are %v", tags)
	}
}

func TestNoRootLeadsACredentialElsewhere(t *testing.T) {
	tls, o := bearerServer(t)
	token := &fakeToken{}
	o = azurestore.Options{Credential: token, ClientOptions: o.ClientOptions}
	unknown := errors.New("unknown tenant")
	s, err := azurestore.NewBlobStore(func(_ context.Context, tenant string) (string, error) {
		if tenant != "eu" {
			return "", store.Permanent(unknown)
		}
		return tls.URL + "/account/container", nil
	}, azurestore.BlobStoreOptions[string]{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{tls.URL + "/account/other", "//127.0.0.1:1/container", "k" + tls.URL, "r", "rhttps://127.0.0.1:1/a", "", "kAnVz"} {
		if b, err := s.Bucket(t.Context(), root); b != nil || !store.IsPermanent(err) {
			t.Errorf("Bucket(%q) returns %v, %v", root, b, err)
		}
	}
	for _, tenant := range []string{"us", tls.URL} {
		if _, err := s.Locate(t.Context(), tenant, "", "x"); !errors.Is(err, store.ErrDestKey) || !errors.Is(err, unknown) || !store.IsPermanent(err) {
			t.Errorf("Locate for %s returns %v", tenant, err)
		}
	}
	if n := token.asked.Load(); n > 0 {
		t.Errorf("the credential was asked for %d tokens", n)
	}
	if _, err := s.Locate(t.Context(), "eu", "", "x"); err != nil {
		t.Error(err)
	}
}

func TestAzureBlobStoreKeepsItsClients(t *testing.T) {
	tls, o := bearerServer(t)
	token := &fakeToken{}
	o = azurestore.Options{Credential: token, ClientOptions: o.ClientOptions}
	s, err := azurestore.NewBlobStore(func(_ context.Context, i int) (string, error) {
		return fmt.Sprintf("%s/account/container-%d/folder-%d", tls.URL, i%3, i), nil
	}, azurestore.BlobStoreOptions[int]{Options: o})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, _, _, err := s.Write(t.Context(), strings.NewReader("content"), i, "", "name"); err != nil {
			t.Fatal(err)
		}
	}
	if token.asked.Load() != 3 { // each client asks once
		t.Errorf("%d clients were made for 3 containers", token.asked.Load())
	}

	s, err = azurestore.NewBlobStore(func(_ context.Context, i int) (string, error) {
		return fmt.Sprintf("%s/account/container-%d", tls.URL, i), nil
	}, azurestore.BlobStoreOptions[int]{Options: o, MaxClients: 2})
	if err != nil {
		t.Fatal(err)
	}
	token.asked.Store(0)
	for i, use := range []struct {
		container int
		made      int64 // clients in all
	}{{100, 1}, {200, 2}, {100, 2}, {300, 3}, {100, 3}, {200, 4}} { // the fourth puts 200 out
		if _, _, _, err := s.Write(t.Context(), strings.NewReader("content"), use.container, "", "name"); err != nil {
			t.Fatal(err)
		}
		if token.asked.Load() != use.made {
			t.Errorf("after write %d %d clients were made, want %d", i, token.asked.Load(), use.made)
		}
	}
}

func TestAzureBlobStoreSaysWhatIsWrong(t *testing.T) {
	cleanEnv(t)
	base := func(context.Context, string) (string, error) { return "https://acc.blob.core.windows.net/abc", nil }
	key := azurestore.Options{SharedKey: "c2VjcmV0"}
	type options = azurestore.BlobStoreOptions[string]
	for want, try := range map[string]func() (*azurestore.AzureBlobStore[string], error){
		"there is no BuildURLBase": func() (*azurestore.AzureBlobStore[string], error) {
			return azurestore.NewBlobStore(nil, options{Options: key})
		},
		"2 options: give one": func() (*azurestore.AzureBlobStore[string], error) {
			return azurestore.NewBlobStore(base, options{}, options{})
		},
		"leave Account, Container, Prefix and Endpoint empty": func() (*azurestore.AzureBlobStore[string], error) {
			return azurestore.NewBlobStore(base, options{Options: azurestore.Options{Account: "acc", SharedKey: "c2VjcmV0"}})
		},
		"the shared key is not base64": func() (*azurestore.AzureBlobStore[string], error) {
			return azurestore.NewBlobStore(base, options{Options: azurestore.Options{SharedKey: "SECRET!"}})
		},
		"parallel -1": func() (*azurestore.AzureBlobStore[string], error) {
			return azurestore.NewBlobStore(base, options{Options: azurestore.Options{SharedKey: "c2VjcmV0", Parallel: -1}})
		},
		"root: URL base: it has no container": func() (*azurestore.AzureBlobStore[string], error) {
			return azurestore.NewBlobStore(base, options{Options: key, RootURLBase: "https://acc.blob.core.windows.net"})
		},
	} {
		if s, err := try(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("NewBlobStore returns %v, %v, want it to mention %q", s, err, want)
		}
	}
	for urlBase, want := range map[string]string{
		"https://acc.blob.core.windows.net/": "it has no container",
		"acc/abc":                            "is not a URL",
		"https://acc.blob.core.windows.net/abc?sig=SECRET": "write only scheme, host and path",
		"https://u:SECRET@acc.blob.core.windows.net/abc":   "write only scheme, host and path",
		"https://acc.blob.core.windows.net/A":              `container "A"`,
		"https://acc.blob.core.windows.net/abc/a/../b":     "prefix: ",
		"https://other.blob.core.windows.net/abc":          "it is of account other, but the connection string of acc",
	} {
		s, err := azurestore.NewBlobStore(func(_ context.Context, _ string) (string, error) { return urlBase, nil }, options{
			Options: azurestore.Options{ConnectionString: "AccountName=acc;AccountKey=c2VjcmV0"},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = s.Write(t.Context(), strings.NewReader("x"), "key", "", "name")
		if !store.IsPermanent(err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("Write below %s returns %v, want it to mention %q", urlBase, err, want)
		}
	}
	own := errors.New("no such tenant")
	s, err := azurestore.NewBlobStore(func(_ context.Context, _ string) (string, error) { return "", own }, options{Options: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Write(t.Context(), strings.NewReader("x"), "key", "", "name"); !errors.Is(err, own) || store.IsPermanent(err) {
		t.Errorf("Write returns %v, want the error of BuildURLBase", err)
	}
	if _, _, _, err := s.WriteRoot(t.Context(), io.LimitReader(strings.NewReader("x"), 1), "", "name"); !errors.Is(err, own) {
		t.Errorf("WriteRoot returns %v, want the error of BuildURLBase", err)
	}
}

func overriddenNonsense(t *testing.T, server *cloudtest.AzureServer) {
	cleanEnv(t)
	base := server.Endpoint + "/" + server.Container(t)
	for what, override := range map[string]func(*azblob.UploadStreamOptions){
		"content type \"a\\nb\"": func(o *azblob.UploadStreamOptions) {
			o.HTTPHeaders = &blob.HTTPHeaders{BlobContentType: to.Ptr("a\nb")}
		},
		"leave BlobContentMD5":   func(o *azblob.UploadStreamOptions) { o.HTTPHeaders = &blob.HTTPHeaders{BlobContentMD5: []byte("x")} },
		"tag \"a\"=\"?\"":        func(o *azblob.UploadStreamOptions) { o.Tags = map[string]string{"a": "?"} },
		"attribute \"a-b\"":      func(o *azblob.UploadStreamOptions) { o.Metadata["a-b"] = to.Ptr("x") },
		"400 InvalidHeaderValue": func(o *azblob.UploadStreamOptions) { o.AccessTier = to.Ptr(blob.AccessTier("warm")) },
	} {
		s, err := azurestore.NewBlobStore(func(_ context.Context, _ string) (string, error) { return base, nil }, azurestore.BlobStoreOptions[string]{
			Options:               azurestore.Options{SharedKey: server.Key},
			OverrideUploadOptions: func(o *azblob.UploadStreamOptions, _ string) { override(o) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := s.Write(t.Context(), strings.NewReader("x"), "key", "", "name"); !store.IsPermanent(err) || !strings.Contains(err.Error(), what) {
			t.Errorf("Write returns %v, want it to mention %s", err, what)
		}
	}
}
