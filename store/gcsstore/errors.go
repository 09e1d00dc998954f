package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/store/internal/cloud"
)

// answer is an error of the service in plain words.
type answer struct {
	text string
	err  error
}

func (a *answer) Error() string { return a.text }
func (a *answer) Unwrap() error { return a.err }

// hints say what to do about a status or, before that, a reason.
var hints = map[string]string{
	"401":                   "the credentials are missing, malformed or have expired; see GOOGLE_APPLICATION_CREDENTIALS",
	"403":                   "the identity needs the role Storage Object User (roles/storage.objectUser) on the bucket",
	"accountDisabled":       "the project's account is disabled, perhaps because nobody pays for it",
	"userProjectMissing":    "the requester pays for this bucket: set user_project to the project that does",
	"required":              "if the requester pays for this bucket, set user_project to the project that does",
	"retentionPolicyNotMet": "the bucket's retention policy keeps the object",
	"objectUnderActiveHold": "a hold keeps the object",
	"invalidStorageClass":   "the bucket does not have this storage class",
	"404":                   "the bucket does not exist; create it, or correct its name",
}

// passing are reasons after which another try may succeed although the status says otherwise.
var passing = map[string]bool{"rateLimitExceeded": true, "userRateLimitExceeded": true}

// explain puts an error into plain words, without secrets, adds a hint, and marks it Permanent if retrying cannot fix it. A missing
// object is fs.ErrNotExist; a missing bucket is not.
func (b *Bucket) explain(ctx context.Context, err error) error {
	var explained *answer
	var content *contentError
	var answered *apiError
	switch {
	case err == nil || errors.As(err, &explained) || errors.As(err, &content):
		return err
	case !errors.As(err, &answered):
		if refused := refusedToken(err); refused != nil {
			return explainToken(refused)
		}
		return cloud.Classify(cloud.Redact(err), 0, nil)
	}
	if answered.status == http.StatusNotFound && b.isThere(ctx, answered) {
		return &answer{"no such object: " + fs.ErrNotExist.Error(), errors.Join(fs.ErrNotExist, err)}
	}
	return explainAnswer(answered)
}

func explainAnswer(answered *apiError) error {
	reason, status := answered.reason, answered.status
	text := fmt.Sprintf("the server answered %d", status)
	if reason != "" {
		text += " " + reason
	}
	if message := oneLine(answered); message != "" {
		text += ": " + message
	}
	hint := hints[reason]
	if hint == "" || status == http.StatusUnauthorized {
		hint = hints[strconv.Itoa(status)]
	}
	if passing[reason] || status == http.StatusGone || damaged(answered) {
		status, hint = http.StatusServiceUnavailable, ""
	}
	if hint != "" {
		text += "; " + hint
	}
	return cloud.Classify(&answer{cloud.RedactText(text), answered}, status, answered.header)
}

// damaged reports whether the service refuses content whose checksum differs from the announced one.
func damaged(answered *apiError) bool {
	return answered.status == http.StatusBadRequest && strings.Contains(strings.ToUpper(answered.message), "CRC32C")
}

// oneLine returns the message of the service. An answer in HTML comes from something in between, and is left out.
func oneLine(answered *apiError) string {
	const most = 300
	text := answered.message
	if text == "" && !strings.Contains(answered.body, "<") {
		text = answered.body
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.TrimSuffix(text, ".")
}

// isThere reports, after a 404, whether the bucket exists. The service says so. If another server does not, a listing tells.
func (b *Bucket) isThere(ctx context.Context, answered *apiError) bool {
	switch message := strings.ToLower(answered.message); {
	case strings.Contains(message, "no such object"):
		return true
	case strings.Contains(message, "bucket does not exist"):
		return false
	}
	_, err := b.page(ctx, url.Values{"prefix": {b.prefix}, "maxResults": {"1"}, "fields": {"kind"}})
	return statusOf(err) != http.StatusNotFound
}
