package gcsstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/compute/metadata"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// scopes are what tokens allow. What the identity may do limits it further.
var scopes = []string{"https://www.googleapis.com/auth/devstorage.full_control", "https://www.googleapis.com/auth/cloud-platform"}

// tokenTimeout is the most that one request for a token may take.
const tokenTimeout = 30 * time.Second

// tokens hands out access tokens.
type tokens struct {
	source  oauth2.TokenSource
	quota   string // the project that requests are counted for, "" for that of the identity
	witness *witness

	mu sync.Mutex // held while a token is asked for
}

// findTokens finds Application Default Credentials.
// https://docs.cloud.google.com/docs/authentication/application-default-credentials
func findTokens() (t *tokens, universe func() (string, error), err error) {
	w := &witness{base: newTransport()}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: w, Timeout: tokenTimeout})
	found, err := google.FindDefaultCredentialsWithParams(ctx, google.CredentialsParams{Scopes: scopes})
	if err != nil {
		return nil, nil, err
	}
	return &tokens{source: found.TokenSource, quota: quotaProject(found.JSON), witness: w}, found.GetUniverseDomain, nil
}

// quotaProject returns the project that the environment, or else the file with credentials, names.
func quotaProject(file []byte) string {
	if project := os.Getenv("GOOGLE_CLOUD_QUOTA_PROJECT"); project != "" {
		return project
	}
	var named struct {
		QuotaProject string `json:"quota_project_id"`
	}
	_ = json.Unmarshal(file, &named) // there may be no file
	return named.QuotaProject
}

// token returns a valid token. If ctx ends first, the request for a token continues without it.
func (t *tokens) token(ctx context.Context) (*oauth2.Token, error) {
	type result struct {
		token *oauth2.Token
		err   error
	}
	done := make(chan result, 1)
	go func() {
		token, err := t.ask()
		done <- result{token, err}
	}()
	select {
	case r := <-done:
		return r.token, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask returns the token that is valid, or a new one.
func (t *tokens) ask() (*oauth2.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.witness != nil {
		t.witness.forget()
	}
	token, err := t.source.Token()
	if err != nil {
		return nil, &tokenError{err, t.witness.passes() || tryAgain(err)}
	}
	return token, nil
}

// tokenError says why there is no token. It unwraps to nothing: a file with a token that does not exist is no object.
type tokenError struct {
	err       error
	temporary bool // another try may do better
}

func (e *tokenError) Error() string { return e.err.Error() }

// tryAgain reports whether another request for a token may do better, as far as err tells.
func tryAgain(err error) bool {
	var answered *metadata.Error
	if errors.As(err, &answered) {
		return statusPasses(answered.Code)
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return statusPasses(refused.Response.StatusCode)
	}
	return brokeOff(err)
}

// witness sees how requests for tokens end, as the errors of the library have text alone.
type witness struct {
	base http.RoundTripper

	mu     sync.Mutex
	failed bool // the last request had no answer, or one that may be another next time
}

func (w *witness) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.base.RoundTrip(request)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = err != nil && brokeOff(err) || err == nil && statusPasses(response.StatusCode)
	return response, err
}

func (w *witness) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = false
}

// passes reports whether the last request failed in a way that passes. A nil witness knows of none.
func (w *witness) passes() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// authorized adds a token to each request.
type authorized struct {
	base   http.RoundTripper
	tokens *tokens
}

func (a authorized) RoundTrip(request *http.Request) (*http.Response, error) {
	token, err := a.tokens.token(request.Context())
	if err != nil {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, err
	}
	request = request.Clone(request.Context()) // a RoundTripper must not change the request
	token.SetAuthHeader(request)
	if a.tokens.quota != "" {
		request.Header.Set("X-Goog-User-Project", a.tokens.quota)
	}
	return a.base.RoundTrip(request)
}

// CloseIdleConnections is for http.Client.
func (a authorized) CloseIdleConnections() {
	if base, ok := a.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
	if a.tokens.witness != nil {
		if base, ok := a.tokens.witness.base.(interface{ CloseIdleConnections() }); ok {
			base.CloseIdleConnections()
		}
	}
}

// explainCredentials says why there are none. Its errors are Permanent, as missing credentials do not appear by themselves, unless
// the machine's metadata server does not answer. They wrap nothing: a file with credentials that does not exist is no object.
func explainCredentials(err error) error {
	text := "find credentials: " + cloud.RedactText(err.Error())
	if strings.Contains(text, "could not find default credentials") {
		text = "there are no credentials; let GOOGLE_APPLICATION_CREDENTIALS name a file with some, or run gcloud auth application-default login, or write anonymous=true for an emulator"
	}
	if tryAgain(err) {
		return &answer{text, nil}
	}
	return store.Permanent(&answer{text, nil})
}

// explainToken knows that credentials that are refused stay so, while a server may come back.
func explainToken(refused *tokenError) error {
	text := "get a token: " + strings.Join(strings.Fields(cloud.RedactText(refused.Error())), " ")
	if refused.temporary {
		return &answer{text, refused}
	}
	return store.Permanent(&answer{fmt.Sprintf("%s; %s", text, hints["401"]), refused})
}

// refusedToken finds the tokenError in err.
func refusedToken(err error) *tokenError {
	var refused *tokenError
	errors.As(err, &refused)
	return refused
}
