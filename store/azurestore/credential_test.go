package azurestore_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/cloudtest"
)

func TestCredentials(t *testing.T) {
	server := cloudtest.Azure(t)
	for _, test := range []struct {
		outcome string
		run     func(*testing.T, *cloudtest.AzureServer)
	}{
		{"each kind works", credentialsThatWork},
		{"refusals are Permanent and plain", credentialsRefused},
	} {
		t.Run(test.outcome, func(t *testing.T) { test.run(t, server) })
	}
}

func credentialsThatWork(t *testing.T, server *cloudtest.AzureServer) {
	withToken := server.ConnectionString()
	withToken = withToken[:strings.Index(withToken, "AccountKey")] + "BlobEndpoint=" + server.Endpoint + "/;SharedAccessSignature="
	for name, set := range map[string]func(o *azurestore.Options, token string){
		"shared key":                     func(o *azurestore.Options, _ string) { o.SharedKey = server.Key },
		"SAS token":                      func(o *azurestore.Options, token string) { o.SASToken = token },
		"SAS token with a question mark": func(o *azurestore.Options, token string) { o.SASToken = "?" + token },
		"connection string":              func(o *azurestore.Options, _ string) { o.ConnectionString = server.ConnectionString() },
		"connection string says it all": func(o *azurestore.Options, _ string) {
			*o = azurestore.Options{Container: o.Container, ConnectionString: server.ConnectionString()}
		},
		"connection string with a SAS token": func(o *azurestore.Options, token string) { o.ConnectionString = withToken + token },
		"shared key in the environment":      func(*azurestore.Options, string) { t.Setenv("AZURE_STORAGE_KEY", server.Key) },
		"SAS token in the environment":       func(_ *azurestore.Options, token string) { t.Setenv("AZURE_STORAGE_SAS_TOKEN", token) },
		"connection string in the environment": func(*azurestore.Options, string) {
			t.Setenv("AZURE_STORAGE_CONNECTION_STRING", server.ConnectionString())
		},
		"account in the environment": func(o *azurestore.Options, _ string) {
			o.Account, o.SharedKey = "", server.Key
			t.Setenv("AZURE_STORAGE_ACCOUNT", server.Account)
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := sharedKey(t, server)
			o.SharedKey = ""
			set(&o, sasToken(t, server, o.Container, time.Now().Add(time.Hour)))
			b := open(t, o)
			object := create(t, b, "a/b", []byte("content"))
			if want := server.Endpoint + "/" + o.Container + "/a/b"; object.Location != want {
				t.Errorf("the blob is at %s, want %s", object.Location, want)
			}
			wantContent(t, b, "a/b", []byte("content"))
			if err := b.Remove(t.Context(), "a/b"); err != nil {
				t.Error(err)
			}
			wantNothing(t, b, "a/b")
		})
	}
}

func credentialsRefused(t *testing.T, server *cloudtest.AzureServer) {
	// Azurite's word for all of them. The service itself has more, see TestAnswersAreClassified.
	const refused = "403 AuthorizationFailure: the account's network rules keep this computer out, or the credential is wrong, has expired"
	for name, test := range map[string]struct {
		spoil func(o *azurestore.Options)
		want  string
	}{
		"wrong key": {func(o *azurestore.Options) { o.SharedKey = "c2VjcmV0" }, refused},
		"expired SAS token": {func(o *azurestore.Options) {
			o.SharedKey, o.SASToken = "", sasToken(t, server, o.Container, time.Now().Add(-time.Minute))
		}, refused},
		"forged SAS token": {func(o *azurestore.Options) {
			o.SharedKey, o.SASToken = "", sasToken(t, server, o.Container, time.Now().Add(time.Hour))+"A"
		}, refused},
		"missing container": {func(o *azurestore.Options) { o.Container = "not-there" }, "404 ContainerNotFound: the container does not exist; create it"},
	} {
		t.Run(name, func(t *testing.T) {
			o := sharedKey(t, server)
			test.spoil(&o)
			b := open(t, o)
			_, created := b.Create(t.Context(), "a/b", strings.NewReader("content"), nil)
			_, opened := b.Open(t.Context(), "a/b", 0, -1)
			_, stat := b.Stat(t.Context(), "a/b")
			removed := b.Remove(t.Context(), "a/b")
			var listed error
			for _, listed = range b.List(t.Context(), "") {
			}
			for op, err := range map[string]error{"create": created, "open": opened, "stat": stat, "remove": removed, "list": listed} {
				place := server.Endpoint + "/" + o.Container
				if op != "list" {
					place += "/a/b: "
				}
				switch {
				case !store.IsPermanent(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist):
					t.Errorf("%s returns %v, want a Permanent error", op, err)
				case !strings.HasPrefix(err.Error(), op+" "+place) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n"):
					t.Errorf("%s says %q, want one line with the place and %q", op, err, test.want)
				}
				wantNoSecret(t, err, o)
			}
		})
	}
}

// wantNoSecret checks that an error does not show a credential, or the signature of one.
func wantNoSecret(t *testing.T, err error, o azurestore.Options) {
	t.Helper()
	_, signature, _ := strings.Cut(o.SASToken, "sig=")
	for _, secret := range []string{o.SharedKey, signature, "sig=", "SharedKey "} {
		if secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

func TestTransportErrorsShowNoToken(t *testing.T) {
	cleanEnv(t)
	gone := httptest.NewServer(http.NotFoundHandler())
	endpoint := gone.URL
	gone.Close()
	o := azurestore.Options{Account: "account", Container: "container", Endpoint: endpoint + "/account", SASToken: "sv=2026-01-01&sp=rcwl&sig=SECRET%3D"}
	b := open(t, o)
	_, created := b.Create(t.Context(), "a/b", strings.NewReader("content"), nil)
	_, opened := b.Open(t.Context(), "a/b", 0, -1)
	var listed error
	for _, listed = range b.List(t.Context(), "") {
	}
	for op, err := range map[string]error{"create": created, "open": opened, "list": listed} {
		if err == nil || store.IsPermanent(err) || !strings.Contains(err.Error(), "refused") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s returns %v", op, err)
		}
	}
}

// fakeToken is a credential that gives, or fails with, always the same.
type fakeToken struct {
	err   error
	asked atomic.Int64
}

func (f *fakeToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	f.asked.Add(1)
	return azcore.AccessToken{Token: "TOKEN", ExpiresOn: time.Now().Add(time.Hour)}, f.err
}

// bearerServer is a service over TLS that says of each blob that it is there and of 7 bytes, to those with the token.
func bearerServer(t *testing.T) (*httptest.Server, azurestore.Options) {
	t.Helper()
	cleanEnv(t)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer TOKEN" {
			w.Header().Set("x-ms-error-code", "NoAuthenticationInformation")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusCreated)
			return
		}
		_, _ = io.WriteString(w, "content")
	}))
	t.Cleanup(s.Close)
	o := azurestore.Options{Account: "account", Container: "container", Endpoint: s.URL + "/account"}
	o.ClientOptions.Transport = s.Client()
	return s, o
}

func TestTokenIsSent(t *testing.T) {
	_, o := bearerServer(t)
	token := &fakeToken{}
	o.Credential = token
	b := open(t, o)
	for range 3 {
		create(t, b, "a/b", []byte("content"))
		wantContent(t, b, "a/b", []byte("content"))
	}
	if token.asked.Load() != 1 {
		t.Errorf("the credential was asked %d times for a token", token.asked.Load())
	}
}

func TestTokensThatCannotBeHad(t *testing.T) {
	_, o := bearerServer(t)
	answered := func(status int) error {
		return &azidentity.AuthenticationFailedError{RawResponse: &http.Response{
			StatusCode: status, Body: io.NopCloser(strings.NewReader("{}")), Request: httptest.NewRequest(http.MethodPost, "https://login/x?secret=SECRET", http.NoBody),
		}}
	}
	for name, test := range map[string]struct {
		err       error
		permanent bool
	}{
		"nobody is logged in":       {azidentity.NewCredentialUnavailableError("run az login"), true},
		"the secret is wrong":       {answered(http.StatusUnauthorized), true},
		"the directory is down":     {answered(http.StatusServiceUnavailable), false},
		"the network is down":       {&net.OpError{Op: "dial", Err: errors.New("unreachable")}, false},
		"the directory is not told": {&azidentity.AuthenticationFailedError{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			o.Credential = &fakeToken{err: test.err}
			b := open(t, o)
			_, created := b.Create(t.Context(), "a/b", strings.NewReader("content"), nil)
			_, stat := b.Stat(t.Context(), "a/b")
			for op, err := range map[string]error{"create": created, "stat": stat} {
				if err == nil || store.IsPermanent(err) != test.permanent || !errors.Is(err, test.err) || !strings.Contains(err.Error(), "get a token: ") {
					t.Errorf("%s returns %v, Permanent: %t", op, err, store.IsPermanent(err))
				}
				if err != nil && strings.Contains(err.Error(), "SECRET") {
					t.Errorf("%s shows a secret: %v", op, err)
				}
			}
		})
	}
}

func TestOptionsSayAllThatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		options azurestore.Options
		want    []string
	}{
		"nothing":             {azurestore.Options{SharedKey: "c2VjcmV0"}, []string{"account is empty", `container ""`}},
		"names":               {azurestore.Options{SharedKey: "c2VjcmV0", Account: "Acc", Container: "a--b", Prefix: "a/../b"}, []string{`account "Acc"`, `container "a--b"`, "prefix: "}},
		"host as account":     {azurestore.Options{SharedKey: "c2VjcmV0", Account: "acc.blob.core.windows.net", Container: "abc"}, []string{"write only its name"}},
		"too many":            {azurestore.Options{SharedKey: "c2VjcmV0", Account: "acc", Container: "abc", Parallel: 1_000_000}, []string{"parallel 1000000: write how many blocks are sent at a time, at most 64"}},
		"numbers":             {azurestore.Options{SharedKey: "c2VjcmV0", Account: "acc", Container: "abc", BlockSize: -1, Parallel: -1, AccessTier: "warm"}, []string{"block size -1", "parallel -1", `tier "warm": known are [Hot Cool Cold Archive Premium]`}},
		"tags":                {azurestore.Options{SharedKey: "c2VjcmV0", Account: "acc", Container: "abc", Tags: map[string]string{"a": "ä"}}, []string{`tag "a"="ä"`}},
		"two credentials":     {azurestore.Options{SharedKey: "SECRET", SASToken: "SECRET"}, []string{"more than one credential"}},
		"no key":              {azurestore.Options{SharedKey: "SECRET!", Account: "acc", Container: "abc"}, []string{"the shared key is not base64"}},
		"no signature":        {azurestore.Options{SASToken: "SECRET", Account: "acc", Container: "abc"}, []string{"the SAS token has no signature"}},
		"token in a URL":      {azurestore.Options{SharedKey: "c2VjcmV0", Account: "acc", Container: "abc", Endpoint: "https://a.b?sig=SECRET"}, []string{"endpoint: write only scheme, host and path"}},
		"no URL":              {azurestore.Options{SharedKey: "c2VjcmV0", Account: "acc", Container: "abc", Endpoint: "acc.blob?SECRET"}, []string{"endpoint is not a URL"}},
		"token over http":     {azurestore.Options{Credential: &fakeToken{}, Account: "acc", Container: "abc", Endpoint: "http://a.b"}, []string{"tokens are not sent over http"}},
		"connection of other": {azurestore.Options{ConnectionString: "AccountName=other;AccountKey=SECRET", Account: "acc", Container: "abc"}, []string{"connection string: it is of account other, not acc"}},
		"connection of none":  {azurestore.Options{ConnectionString: "AccountKey=SECRET", Container: "abc"}, []string{"it has no AccountName"}},
		"connection, no key":  {azurestore.Options{ConnectionString: "AccountName=acc;SECRET", Container: "abc"}, []string{"it needs an AccountKey or a SharedAccessSignature"}},
		"development storage": {azurestore.Options{ConnectionString: "UseDevelopmentStorage=true", Container: "abc"}, []string{"write the emulator's AccountName"}},
	} {
		t.Run(name, func(t *testing.T) {
			cleanEnv(t)
			b, err := azurestore.New(test.options)
			if err == nil {
				t.Fatalf("New returns %v", b)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("New says %q, want it to mention %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("New shows a secret: %v", err)
			}
		})
	}
}

func TestConnectionStringsOfOtherClouds(t *testing.T) {
	cleanEnv(t)
	b := open(t, azurestore.Options{
		ConnectionString: "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=c2VjcmV0;EndpointSuffix=core.chinacloudapi.cn", Container: "abc",
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Stat(ctx, "a b/c"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "stat https://acc.blob.core.chinacloudapi.cn/abc/a%20b/c: ") {
		t.Errorf("Stat returns %v", err)
	}
}

// failing is a transport that never gets anywhere.
type failing struct{ err error }

func (f failing) Do(*http.Request) (*http.Response, error) { return nil, f.err }

func TestAccountThatDoesNotExistIsPermanent(t *testing.T) {
	cleanEnv(t)
	o := azurestore.Options{Account: "misspelt", Container: "abc", SharedKey: "c2VjcmV0"}
	o.ClientOptions.Transport = failing{&net.DNSError{Err: "no such host", Name: "misspelt.blob.core.windows.net", IsNotFound: true}}
	if _, err := open(t, o).Create(t.Context(), "a", strings.NewReader("x"), nil); !store.IsPermanent(err) || !strings.Contains(err.Error(), "is the account's name right?") {
		t.Errorf("Create returns %v", err)
	}
	o.ClientOptions.Transport = failing{&net.DNSError{Err: "server misbehaving", IsTemporary: true}}
	if _, err := open(t, o).Create(t.Context(), "a", strings.NewReader("x"), nil); err == nil || store.IsPermanent(err) {
		t.Errorf("Create returns %v", err)
	}
}
