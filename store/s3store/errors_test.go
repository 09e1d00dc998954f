package s3store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/cloudtest"
	"github.com/jetcapture/lake/store/s3store"
)

const secret = "s3cr3t-that-nobody-may-see"

// attempts calls all that a Bucket has, Remove last.
func attempts(ctx context.Context, b *s3store.Bucket) map[string]error {
	_, small := b.Create(ctx, "x", strings.NewReader("content"), nil)
	_, large := b.Create(ctx, "x", bytes.NewReader(some(11*mib)), nil)
	r, open := b.Open(ctx, "x", 0, -1)
	if open == nil {
		_, open = io.ReadAll(r)
		open = errors.Join(open, r.Close())
	}
	_, stat := b.Stat(ctx, "x")
	var list error
	for _, err := range b.List(ctx, "") {
		list = err
	}
	return map[string]error{
		"create": small, "create large": large, "open": open, "stat": stat, "list": list,
		"try a multipart upload over": b.ProbeOverwrite(ctx, "x"), "remove": b.Remove(ctx, "x"),
	}
}

// wantPlain checks that an error is Permanent, names what was tried and where, and says what to do, in one line.
func wantPlain(t *testing.T, operation string, err error, words ...string) {
	t.Helper()
	if !store.IsPermanent(err) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		t.Errorf("%s: %v is not Permanent, or more than that", operation, err)
		return
	}
	text := err.Error()
	words = append(words, strings.TrimSuffix(operation, " large")+" s3://")
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: %q is not in %q", operation, word, text)
		}
	}
	if strings.Contains(text, secret) || strings.Contains(text, "operation error") || strings.Contains(text, "\n") {
		t.Errorf("%s: %q", operation, text)
	}
}

func TestWhatRetryingCannotMendIsPermanentAndPlain(t *testing.T) {
	server := cloudtest.Versity(t)
	bucket := server.Bucket(t)
	static := func(access, secret string) aws.CredentialsProvider {
		return credentials.NewStaticCredentialsProvider(access, secret, "")
	}
	for what, test := range map[string]struct {
		set   func(*s3store.Options)
		words []string
	}{
		"no such bucket":     {func(o *s3store.Options) { o.Bucket = "not-there" }, []string{"NoSuchBucket", "create the bucket", "s3://not-there/"}},
		"wrong secret":       {func(o *s3store.Options) { o.Credentials = static(server.AccessKey, secret) }, []string{"AWS_SECRET_ACCESS_KEY"}},
		"unknown access key": {func(o *s3store.Options) { o.Credentials = static("nobody", secret) }, []string{"AWS_ACCESS_KEY_ID"}},
		"wrong region":       {func(o *s3store.Options) { o.Region = "us-west-7" }, []string{"region"}},
		"no credentials":     {func(o *s3store.Options) { o.Credentials = noCredentials{errors.New("none here")} }, []string{"none here", "AWS_ACCESS_KEY_ID"}},
	} {
		t.Run(what, func(t *testing.T) {
			o := optionsFor(server, bucket)
			test.set(&o)
			for operation, err := range attempts(t.Context(), mustNew(t, o)) {
				wantPlain(t, operation, err, test.words...)
			}
		})
	}
}

type noCredentials struct{ err error }

func (n noCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, n.err
}

// answering returns a Bucket of a server that always gives the same answer.
func answering(t *testing.T, status int, code string, header ...string) *s3store.Bucket {
	t.Helper()
	w := &wire{before: func(r *http.Request) (*http.Response, error) {
		body := ""
		if r.Method != http.MethodHead && code != "" {
			body = errorBody(code)
		}
		return answer(r, status, body, header...), nil
	}}
	config := aws.Config{
		Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("a", secret, ""), HTTPClient: &http.Client{Transport: w},
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	return mustNew(t, s3store.Options{Bucket: "lake", Config: &config, PartSize: 5 * mib})
}

func TestPermanentAnswers(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		header []string
		words  []string
	}{
		{403, "AccessDenied", nil, []string{"s3:PutObject", "s3:ListBucket"}},
		{403, "SomethingNew", nil, []string{"SomethingNew", "s3:PutObject"}},
		{400, "ExpiredToken", nil, []string{"get new ones"}},
		{403, "SignatureDoesNotMatch", nil, []string{"AWS_SECRET_ACCESS_KEY"}},
		{403, "InvalidAccessKeyId", nil, []string{"AWS_ACCESS_KEY_ID"}},
		{301, "PermanentRedirect", []string{"X-Amz-Bucket-Region", "eu-west-1"}, []string{"write region=eu-west-1"}},
		{400, "AuthorizationHeaderMalformed", []string{"X-Amz-Bucket-Region", "eu-west-1"}, []string{"write region=eu-west-1"}},
		{501, "NotImplemented", nil, []string{"unconditional=true"}},
		{404, "NoSuchBucket", nil, []string{"create the bucket"}},
		{405, "MethodNotAllowed", nil, []string{"endpoint"}},
	} {
		t.Run(test.code, func(t *testing.T) {
			for operation, err := range attempts(t.Context(), answering(t, test.status, test.code, test.header...)) {
				wantPlain(t, operation, err, test.words...)
			}
		})
	}
}

func TestPassingTroubleIsRetriedAfterTheTimeThatTheServerAsksFor(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
	}{
		{503, "SlowDown"},
		{500, "InternalError"},
		{502, ""},
		{504, ""},
		{429, "TooManyRequests"},
		{400, "RequestTimeout"},
		{409, "OperationAborted"},
		{400, "BadDigest"},
		{403, "RequestTimeTooSkewed"},
	} {
		t.Run(test.code, func(t *testing.T) {
			for operation, err := range attempts(t.Context(), answering(t, test.status, test.code, "Retry-After", "7")) {
				if err == nil || store.IsPermanent(err) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v", operation, err)
				}
				if got := store.WaitOf(err); got != 7*time.Second {
					t.Errorf("%s: waits %s after %v", operation, got, err)
				}
			}
		})
	}
}

// TestAnswersThatBreakOffBeforeTheyGiveTheReasonAreRetried: a status alone does not tell a missing object from a missing
// bucket, nor damaged content from a bucket in another region.
func TestAnswersThatBreakOffBeforeTheyGiveTheReasonAreRetried(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusNotFound, http.StatusPreconditionFailed} {
		b := fake(t, &wire{before: func(r *http.Request) (*http.Response, error) {
			response := answer(r, status, "")
			if r.Method != http.MethodHead {
				response.Body = io.NopCloser(io.MultiReader(strings.NewReader(errorBody("NoSuchBucket")[:60]), iotest.ErrReader(io.ErrUnexpectedEOF)))
			}
			return response, nil
		}})
		for operation, err := range attempts(t.Context(), b) {
			if err == nil || store.IsPermanent(err) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) ||
				strings.Contains(err.Error(), "operation error") {
				t.Errorf("%d, %s: %v", status, operation, err)
			}
		}
	}
}

func TestServerThatIsAwayIsRetried(t *testing.T) {
	config := (&cloudtest.S3{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: secret, Region: "r"}).Config()
	b := mustNew(t, s3store.Options{Bucket: "lake", PathStyle: true, Config: config, PartSize: 5 * mib})
	for operation, err := range attempts(t.Context(), b) {
		if err == nil || store.IsPermanent(err) || errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "operation error") {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

func TestSignedURLsAndSecretsStayOut(t *testing.T) {
	w := &wire{before: func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("Get %q: refused", r.URL.String()+"?X-Amz-Signature="+secret)
	}}
	config := (&cloudtest.S3{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "b", Region: "r"}).Config()
	b := mustNew(t, s3store.Options{Bucket: "lake", PathStyle: true, Config: config, HTTPClient: &http.Client{Transport: w}})
	for operation, err := range attempts(t.Context(), b) {
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

func TestCredentialsThatWereThereAreWaitedFor(t *testing.T) {
	server := cloudtest.Versity(t)
	o := optionsFor(server, server.Bucket(t))
	provider := &expiring{value: aws.Credentials{AccessKeyID: server.AccessKey, SecretAccessKey: server.SecretKey}}
	o.Credentials = provider
	b := mustNew(t, o)
	mustCreate(t, b, "x", []byte("content"))
	provider.err = errors.New("the token service is away")
	if _, err := b.Stat(t.Context(), "x"); err == nil || store.IsPermanent(err) || !strings.Contains(err.Error(), "the token service is away") {
		t.Errorf("Stat returns %v, want an error to be retried", err)
	}
	provider.err = &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to assume the role"}
	if _, err := b.Stat(t.Context(), "x"); !store.IsPermanent(err) {
		t.Errorf("Stat returns %v, want a Permanent error", err)
	}
}

// expiring credentials are never good for a second request.
type expiring struct {
	value aws.Credentials
	err   error
}

func (e *expiring) Retrieve(context.Context) (aws.Credentials, error) {
	c := e.value
	c.CanExpire, c.Expires = true, time.Now()
	return c, e.err
}
