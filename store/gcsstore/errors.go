package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/storage/v1"

	"github.com/jetcapture/lake/store"
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
	"accountDisabled":       "the project's account is disabled, perhaps as nobody pays for it",
	"userProjectMissing":    "the requester pays for this bucket: set user_project to the project that does",
	"required":              "if the requester pays for this bucket, set user_project to the project that does",
	"retentionPolicyNotMet": "the bucket's retention policy keeps the object",
	"objectUnderActiveHold": "a hold keeps the object",
	"invalidStorageClass":   "the bucket does not have this storage class",
	"404":                   "the bucket does not exist; create it, or correct its name",
}

// passing are reasons for which another try may do better although the status says otherwise.
var passing = map[string]bool{"rateLimitExceeded": true, "userRateLimitExceeded": true}

// explain says in plain words, and without secrets, what the library returned, with a hint, and marks what retrying can't
// fix. The error for an object that is not there is fs.ErrNotExist, and that for a bucket that is not there is not.
func (b *Bucket) explain(ctx context.Context, err error) error {
	var explained *answer
	var content *contentError
	var answered *googleapi.Error
	switch {
	case err == nil || errors.As(err, &explained) || errors.As(err, &content):
		return err
	case !errors.As(err, &answered):
		if refused := refusedToken(err); refused != nil {
			return explainToken(refused)
		}
		return cloud.Classify(cloud.Redact(err), 0, nil)
	}
	answered = parsed(answered)
	if answered.Code == http.StatusNotFound && b.isThere(ctx, answered) {
		return &answer{"no such object: " + fs.ErrNotExist.Error(), errors.Join(fs.ErrNotExist, err)}
	}
	return explainAnswer(answered)
}

func explainAnswer(answered *googleapi.Error) error {
	reason, status := "", answered.Code
	if len(answered.Errors) > 0 {
		reason = answered.Errors[0].Reason
	}
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
	return cloud.Classify(&answer{cloud.RedactText(text), answered}, status, answered.Header)
}

// parsed is an answer to a read, whose JSON the library leaves alone.
func parsed(answered *googleapi.Error) *googleapi.Error {
	if answered.Message != "" || answered.Body == "" {
		return answered
	}
	response := &http.Response{StatusCode: answered.Code, Header: answered.Header, Body: io.NopCloser(strings.NewReader(answered.Body))}
	_ = errors.As(googleapi.CheckResponse(response), &answered)
	return answered
}

// damaged reports whether the service refuses content since its checksum is another than it was announced with.
func damaged(answered *googleapi.Error) bool {
	return answered.Code == http.StatusBadRequest && strings.Contains(strings.ToUpper(answered.Message), "CRC32C")
}

// oneLine is what the service says. What is no JSON is a page for people by something in between.
func oneLine(answered *googleapi.Error) string {
	const most = 300
	text := answered.Message
	if text == "" && !strings.Contains(answered.Body, "<") {
		text = answered.Body
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.TrimSuffix(text, ".")
}

// isThere reports, after a 404, whether the bucket is there. The service says so; where a server doesn't, a listing tells.
func (b *Bucket) isThere(ctx context.Context, answered *googleapi.Error) bool {
	switch message := strings.ToLower(answered.Message); {
	case strings.Contains(message, "no such object"):
		return true
	case strings.Contains(message, "bucket does not exist"):
		return false
	}
	_, err := b.page(ctx, func(call *storage.ObjectsListCall) { call.Prefix(b.prefix).MaxResults(1).Fields("kind") })
	return statusOf(err) != http.StatusNotFound
}

func statusOf(err error) int {
	var answered *googleapi.Error
	if errors.As(err, &answered) {
		return answered.Code
	}
	return 0
}

// tokenError is what the library returns if there is no token to be had, by its one method that others can name.
type tokenError interface {
	error
	Temporary() bool
}

// refusedToken finds the tokenError in err. Errors of networks have the method too.
func refusedToken(err error) tokenError {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, network := err.(net.Error); network { //nolint:errorlint // each is looked at by itself
			continue
		}
		if token, ok := err.(tokenError); ok { //nolint:errorlint // each is looked at by itself
			return token
		}
	}
	return nil
}

// explainToken knows that credentials that are refused stay so, while a server may come back.
func explainToken(refused tokenError) error {
	text := "get a token: " + strings.Join(strings.Fields(cloud.RedactText(refused.Error())), " ")
	if refused.Temporary() {
		return &answer{text, refused}
	}
	return store.Permanent(&answer{text + "; " + hints["401"], refused})
}
