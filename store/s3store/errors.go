package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

const (
	codeNoSuchKey    = "NoSuchKey"
	codeNoSuchUpload = "NoSuchUpload"
)

// transient are codes that another attempt may do without, although their status says otherwise.
var transient = map[string]bool{
	codeNoSuchUpload:              true, // somebody has aborted it; the next attempt begins another
	"InvalidPart":                 true,
	"BadDigest":                   true, // the bytes were damaged on their way
	"XAmzContentSHA256Mismatch":   true,
	"XAmzContentChecksumMismatch": true,
	"IncompleteBody":              true,
	"RequestTimeTooSkewed":        true, // the SDK has learned by how much
	"TemporaryRedirect":           true, // of a bucket that is new
}

// hints say what to do about codes that retrying can't fix.
var hints = map[string]string{
	"NoSuchBucket":                 "create the bucket, or correct its name or the endpoint",
	"InvalidBucketName":            "correct the bucket's name",
	"AccessDenied":                 "allow s3:PutObject, s3:GetObject, s3:ListBucket and s3:AbortMultipartUpload to these credentials, and the KMS key if there is one",
	"AllAccessDisabled":            "the owner of the bucket must enable it",
	"InvalidAccessKeyId":           "the server does not know the access key: correct AWS_ACCESS_KEY_ID or the profile",
	"XAdminUserNotFound":           "the server does not know the access key: correct AWS_ACCESS_KEY_ID or the profile", // of the versity gateway
	"SignatureDoesNotMatch":        "correct AWS_SECRET_ACCESS_KEY or the profile; or a proxy changes requests",
	"ExpiredToken":                 "the session of the credentials has ended: get new ones, or use some that renew themselves",
	"InvalidToken":                 "correct AWS_SESSION_TOKEN, or unset it if the access key needs none",
	"TokenRefreshRequired":         "the session of the credentials has ended: get new ones",
	"AuthorizationHeaderMalformed": "correct the region",
	"PermanentRedirect":            "correct the region",
	"InvalidStorageClass":          "correct storage_class; the server does not have this one",
	"InvalidObjectState":           "the object is archived: restore it first",
	"MethodNotAllowed":             "correct the endpoint: it is not that of S3's API",
	"NotImplemented":               "if it is the condition If-None-Match that the server does not know, only unconditional=true can write to it, for at-least-once delivery",
	"KMS.NotFoundException":        "correct kms_key_id",
	"KMS.DisabledException":        "enable the KMS key",
}

// failure is an error of the server in plain words.
type failure struct {
	text string
	err  error
}

func (f *failure) Error() string { return f.text }
func (f *failure) Unwrap() error { return f.err }

// explain says in plain words what the SDK returned, with a hint, and marks what retrying can't fix.
func explain(err error) error {
	var explained *failure
	var content *contentError
	if err == nil || errors.As(err, &explained) || errors.As(err, &content) {
		return err
	}
	var credentials *credentialsError
	if errors.As(err, &credentials) {
		return explainCredentials(credentials)
	}
	status, code, header := statusOf(err), codeOf(err), headerOf(err)
	plain := &failure{cloud.RedactText(text(err, status, code)), err}
	hint := hints[code]
	if hint == "" && (status == http.StatusForbidden || status == http.StatusUnauthorized) {
		hint = hints["AccessDenied"]
	}
	if region := header.Get("X-Amz-Bucket-Region"); region != "" && (status == http.StatusMovedPermanently || status == http.StatusBadRequest) {
		hint = "the bucket is in another region: write region=" + region
	}
	if hint != "" {
		plain.text += "; " + hint
	}
	switch {
	case brokeOff(err, status): // the reason is not known, nor whether it stays
		return cloud.Classify(plain, 0, header)
	case transient[code], retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary:
		return cloud.Classify(plain, 0, header)
	case status < 300 && hints[code] != "": // an error in an answer that began well
		return store.Permanent(plain)
	}
	return cloud.Classify(plain, status, header)
}

func explainCredentials(err *credentialsError) error {
	plain := &failure{"get credentials: " + cloud.RedactText(err.Error()), err}
	var answered smithy.APIError
	refused := errors.As(err, &answered) && statusOf(err) < 500 && statusOf(err) != http.StatusTooManyRequests
	if err.had && !refused {
		return plain // they will be there again
	}
	plain.text += "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile that has some"
	return store.Permanent(plain)
}

// brokeOff reports whether the answer says that something is wrong and ends before it says what. A 404 may then mean the
// object, the upload or the bucket, a 400 anything; only credentials are refused by the status alone.
func brokeOff(err error, status int) bool {
	var unread *smithy.DeserializationError
	return errors.As(err, &unread) && codeOf(err) == "" && status != http.StatusUnauthorized && status != http.StatusForbidden
}

// text is an error without what the SDK says of itself.
func text(err error, status int, code string) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		message := strings.TrimSpace(api.ErrorMessage())
		if message != "" && message != code {
			code += ": " + message
		}
		return fmt.Sprintf("%s (status %d)", code, status)
	}
	if brokeOff(err, status) {
		return fmt.Sprintf("the answer of status %d broke off", status)
	}
	var sending *smithyhttp.RequestSendError
	if errors.As(err, &sending) {
		return sending.Err.Error()
	}
	return err.Error()
}

func statusOf(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		return answer.Response.StatusCode
	}
	return 0
}

func headerOf(err error) http.Header {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		return answer.Response.Header
	}
	return nil
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// failed names what was tried and the object.
func (b *Bucket) failed(ctx context.Context, operation, name string, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w; %v", ended, err) //nolint:errorlint // what ended by itself is neither Permanent nor fs.ErrExist
	}
	location := b.location(name)
	if store.ValidName(name) != nil { // it may be of any size and content, and the error says which
		location = b.location("")
	}
	return fmt.Errorf("%s %s: %w", operation, location, cloud.Redact(err))
}
