package azurestore_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
)

// answering is a transport that gives always the same answer.
type answering struct {
	status int
	code   string
}

func (a answering) Do(r *http.Request) (*http.Response, error) {
	header := http.Header{"X-Ms-Error-Code": {a.code}, "X-Ms-Request-Id": {"REQUEST"}}
	return &http.Response{StatusCode: a.status, Header: header, Body: http.NoBody, Request: r}, nil
}

func TestAnswersAreClassified(t *testing.T) {
	cleanEnv(t)
	for _, test := range []struct {
		status    int
		code      string
		permanent bool
		mentions  string
	}{
		{400, "InvalidHeaderValue", true, "400 InvalidHeaderValue (request REQUEST)"},
		{400, "InvalidResourceName", true, "does not allow this name"},
		{400, "Crc64Mismatch", false, "Crc64Mismatch"},
		{401, "InvalidAuthenticationInfo", true, "has expired"},
		{401, "NoAuthenticationInformation", true, "give a credential"},
		{403, "AuthenticationFailed", true, "clock is off"},
		{403, "AuthorizationFailure", true, "network rules"},
		{403, "AuthorizationPermissionMismatch", true, `"Storage Blob Data Contributor"`},
		{403, "AccountIsDisabled", true, "is disabled"},
		{403, "KeyBasedAuthenticationNotPermitted", true, "takes no shared keys"},
		{403, "SomethingNew", true, "403 SomethingNew"},
		{404, "ContainerNotFound", true, "create it"},
		{404, "", true, "404"},
		{408, "", false, "408"},
		{409, "ContainerBeingDeleted", false, "ContainerBeingDeleted"},
		{409, "BlobArchived", true, "rehydrate"},
		{409, "PublicAccessNotPermitted", true, "give a credential"},
		{429, "TooManyRequests", false, "429"},
		{500, "InternalError", false, "500 InternalError"},
		{500, "OperationTimedOut", false, "500 OperationTimedOut"},
		{503, "ServerBusy", false, "503 ServerBusy"},
	} {
		o := azurestore.Options{Account: "account", Container: "container", SharedKey: "c2VjcmV0"}
		o.ClientOptions.Transport = answering{test.status, test.code}
		o.ClientOptions.Retry.MaxRetries = -1
		b := open(t, o)
		_, created := b.Create(t.Context(), "a", strings.NewReader("x"), nil)
		_, opened := b.Open(t.Context(), "a", 0, -1)
		_, stat := b.Stat(t.Context(), "a")
		for op, err := range map[string]error{"create": created, "open": opened, "stat": stat} {
			switch {
			case err == nil || store.IsPermanent(err) != test.permanent || !strings.Contains(err.Error(), test.mentions):
				t.Errorf("%d %s: %s returns %v, Permanent: %t", test.status, test.code, op, err, store.IsPermanent(err))
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist):
				t.Errorf("%d %s: %s takes it for a blob that is there or not: %v", test.status, test.code, op, err)
			case !strings.HasPrefix(err.Error(), op+" https://account.blob.core.windows.net/container/a: "):
				t.Errorf("%d %s: %s does not say so: %v", test.status, test.code, op, err)
			}
		}
	}
}
