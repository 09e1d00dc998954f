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

// transient are codes that another attempt may avoid, although their status says otherwise.
var transient = map[string]bool{
	codeNoSuchUpload:              true, // somebody has aborted it; the next attempt begins another
	"InvalidPart":                 true,
	"BadDigest":                   true, // the bytes were damaged in transit
	"XAmzContentSHA256Mismatch":   true,
	"XAmzContentChecksumMismatch": true,
	"IncompleteBody":              true,
	"RequestTimeTooSkewed":        true, // the SDK corrects its clock
	"TemporaryRedirect":           true, // for a new bucket
}

// hints say what to do about codes that retrying cannot fix.
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
	"MethodNotAllowed":             "correct the endpoint: it does not serve the S3 API",
	"NotImplemented":               "if the server does not know the condition If-None-Match, write to it with unconditional=true, for at-least-once delivery only",
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

// explain returns an error of the SDK in plain words, with a hint, and marks it if retrying cannot fix it.
func explain(err error) error {
	var explained *failure
	var content *cloud.ContentError
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
	case brokeOff(err, status): // the reason is not known, nor whether it is permanent
		return cloud.Classify(plain, 0, header)
	case transient[code], retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary:
		return cloud.Classify(plain, 0, header)
	case status < 300 && hints[code] != "": // an error in an answer with a status of success
		return store.Permanent(plain)
	}
	return cloud.Classify(plain, status, header)
}

func explainCredentials(err *credentialsError) error {
	plain := &failure{"get credentials: " + cloud.RedactText(err.Error()), err}
	var answered smithy.APIError
	refused := errors.As(err, &answered) && statusOf(err) < 500 && statusOf(err) != http.StatusTooManyRequests
	if err.had && !refused {
		return plain // they can be available again
	}
	plain.text += "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with credentials"
	return store.Permanent(plain)
}

// brokeOff reports whether the answer has a status of failure and ends before its reason. A 404 may then be about the object, the
// upload or the bucket, and a 400 about anything. Only a refusal of credentials is certain by its status.
func brokeOff(err error, status int) bool {
	var unread *smithy.DeserializationError
	return errors.As(err, &unread) && codeOf(err) == "" && status != http.StatusUnauthorized && status != http.StatusForbidden
}

// text returns the text of an error without the SDK's additions.
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

// failed adds the operation and the object to an error.
func (b *Bucket) failed(ctx context.Context, operation, name string, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w; %v", ended, err) //nolint:errorlint // an operation whose context ended is neither Permanent nor fs.ErrExist
	}
	location := b.location(name)
	if store.ValidName(name) != nil { // the name may have any size and content, and the error shows it
		location = b.location("")
	}
	return fmt.Errorf("%s %s: %w", operation, location, cloud.Redact(err))
}
