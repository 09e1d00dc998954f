package azurestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// hints say what to do about an answer that retrying cannot fix.
var hints = map[bloberror.Code]string{
	bloberror.AuthenticationFailed:                "the key or SAS token is wrong or has expired, or this computer's clock is off",
	bloberror.InvalidAuthenticationInfo:           "the credential is malformed or has expired",
	bloberror.NoAuthenticationInformation:         "the account takes no anonymous requests; give a credential",
	"KeyBasedAuthenticationNotPermitted":          "the account takes no shared keys; use a token credential or a user delegation SAS",
	"PublicAccessNotPermitted":                    "the account takes no anonymous requests; give a credential",
	bloberror.AuthorizationFailure:                "the account's network rules keep this computer out, or the credential is wrong, has expired, or does not cover this operation",
	bloberror.AuthorizationPermissionMismatch:     `the identity needs the role "Storage Blob Data Contributor" (which takes minutes to have an effect), a SAS token the permissions rcwdl`,
	bloberror.AuthorizationResourceTypeMismatch:   "the SAS token must cover containers and objects (srt=co)",
	bloberror.AuthorizationServiceMismatch:        "the SAS token must cover the blob service (ss=b)",
	bloberror.AuthorizationProtocolMismatch:       "the SAS token allows only https",
	bloberror.AuthorizationSourceIPMismatch:       "the SAS token does not allow this computer's address",
	bloberror.InsufficientAccountPermissions:      "the credential may not do this",
	bloberror.AccountIsDisabled:                   "the storage account is disabled",
	bloberror.ContainerNotFound:                   "the container does not exist; create it, or correct its name",
	bloberror.ContainerDisabled:                   "the container is disabled",
	bloberror.InvalidResourceName:                 "the service does not allow this name",
	bloberror.BlobArchived:                        "the blob is in the archive tier; rehydrate it to read it",
	bloberror.BlobUsesCustomerSpecifiedEncryption: "the blob is encrypted with a key of its own",
	"BlobImmutableDueToPolicy":                    "an immutability policy keeps the blob",
	bloberror.InvalidBlobType:                     "a blob of another type has the name",
	bloberror.ResourceTypeMismatch:                "a folder has the name, or a blob the name of a folder on the way",
	bloberror.InvalidBlobOrBlock:                  "another program has staged blocks for this name; they are gone after a week",
	bloberror.FeatureVersionMismatch:              "the account does not offer what was asked for",
}

// passing are answers with status 400 that another attempt may avoid: another writer discarded the blocks, or the content was damaged
// in transit.
var passing = []bloberror.Code{bloberror.InvalidBlockList, bloberror.CRC64Mismatch, bloberror.MD5Mismatch}

// classify returns an error of the SDK in plain words, without secrets, and marked if retrying cannot fix it. For a missing blob it
// returns fs.ErrNotExist.
func classify(err error) error {
	var answered *azcore.ResponseError
	var token *tokenError
	var host *net.DNSError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return cloud.Redact(err)
	case errors.As(err, &token):
		return classifyToken(token)
	case errors.As(err, &answered):
		return classifyAnswer(answered)
	case errors.As(err, &host) && host.IsNotFound:
		return store.Permanent(fmt.Errorf("%w: is the account's name right?", cloud.Redact(err)))
	}
	return cloud.Classify(cloud.Redact(err), 0, nil)
}

func classifyAnswer(answered *azcore.ResponseError) error {
	code := bloberror.Code(answered.ErrorCode)
	if code == bloberror.BlobNotFound {
		return fs.ErrNotExist
	}
	var header http.Header
	if answered.RawResponse != nil {
		header = answered.RawResponse.Header
	}
	err := error(&answer{answered, hints[code], header.Get("x-ms-request-id")})
	status := answered.StatusCode
	switch {
	case hints[code] != "":
		return store.Permanent(err)
	case bloberror.HasCode(answered, passing...):
		status = http.StatusConflict
	}
	err = cloud.Classify(err, status, header)
	if ms, e := strconv.Atoi(header.Get("x-ms-retry-after-ms")); e == nil && !store.IsPermanent(err) {
		err = store.RetryAfter(err, time.Duration(ms)*time.Millisecond)
	}
	return err
}

// classifyToken marks an error as Permanent if a credential is refused or missing, but not if the network failed.
func classifyToken(token *tokenError) error {
	var refused *azidentity.AuthenticationFailedError
	var final interface{ NonRetriable() }
	err := cloud.Redact(token)
	switch {
	case errors.As(token.err, &refused) && refused.RawResponse != nil:
		return cloud.Classify(err, refused.RawResponse.StatusCode, refused.RawResponse.Header)
	case refused == nil && errors.As(token.err, &final):
		return store.Permanent(err)
	}
	return err
}

// answer is an error that the service answered. The SDK's own text has many lines, with the string that was signed.
type answer struct {
	err       *azcore.ResponseError
	hint      string
	requestID string
}

func (a *answer) Error() string {
	text := "the server answered " + strconv.Itoa(a.err.StatusCode)
	if a.err.ErrorCode != "" {
		text += " " + a.err.ErrorCode
	}
	if a.hint != "" {
		text += ": " + a.hint
	}
	if a.requestID != "" {
		text += " (request " + a.requestID + ")"
	}
	return text
}

func (a *answer) Unwrap() error { return a.err }

// mayExist reports whether there may be a blob of that name after its creation failed: one of this attempt, whose answer was lost,
// or one of another program.
func mayExist(err error) bool {
	var answered *azcore.ResponseError
	var token *tokenError
	var network *net.OpError
	switch {
	case errors.As(err, &answered):
		status := answered.StatusCode
		return status < 400 || status >= 500 || status == http.StatusRequestTimeout || status == http.StatusConflict ||
			status == http.StatusPreconditionFailed || status == http.StatusTooManyRequests ||
			bloberror.HasCode(answered, bloberror.InvalidBlockList, bloberror.UnauthorizedBlobOverwrite)
	case errors.As(err, &token):
		return false
	case errors.As(err, &network):
		return network.Op != "dial"
	}
	return true
}
