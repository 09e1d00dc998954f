package azurestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// The variables of credentials when the options have none, as for the az command.
const (
	envConnectionString = "AZURE_STORAGE_CONNECTION_STRING"
	envKey              = "AZURE_STORAGE_KEY"
	envSAS              = "AZURE_STORAGE_SAS_TOKEN"
)

// credentials sets exactly one of Credential, SharedKey and SASToken. Its errors show no secrets.
func (o *Options) credentials() error {
	given := 0
	for _, is := range []bool{o.Credential != nil, o.SharedKey != "", o.SASToken != "", o.ConnectionString != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		return errors.New("more than one credential: give one of Credential, SharedKey, SASToken and ConnectionString")
	}
	from := "connection string"
	if given == 0 {
		from = envConnectionString
		o.ConnectionString = os.Getenv(envConnectionString)
		if o.ConnectionString == "" {
			o.SharedKey = os.Getenv(envKey)
		}
		if o.ConnectionString == "" && o.SharedKey == "" {
			o.SASToken = os.Getenv(envSAS)
		}
	}
	switch {
	case o.ConnectionString != "":
		if err := o.connect(o.ConnectionString); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return nil
	case o.SharedKey != "", o.SASToken != "":
		return nil
	case o.Credential == nil:
		credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: o.ClientOptions})
		if err != nil {
			return fmt.Errorf("default credential: %w", err)
		}
		o.Credential = credential
	}
	o.Credential = marked(o.Credential)
	return nil
}

// connect sets the options by a connection string.
func (o *Options) connect(connection string) error {
	parts := make(map[string]string)
	for part := range strings.SplitSeq(connection, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			parts[strings.ToLower(name)] = value
		}
	}
	account, endpoint := parts["accountname"], parts["blobendpoint"]
	if u, err := url.Parse(endpoint); account == "" && err == nil && u.Path == "" { // a connection string with a SAS token may have no name
		account, _, _ = strings.Cut(u.Hostname(), ".")
	}
	switch {
	case parts["usedevelopmentstorage"] != "":
		return errors.New("UseDevelopmentStorage: write the emulator's AccountName, AccountKey and BlobEndpoint")
	case account == "" && o.Account == "":
		return errors.New("it has no AccountName; write it as account=")
	case account != "" && o.Account != "" && account != o.Account:
		return fmt.Errorf("it is of account %s, not %s", account, o.Account)
	case (parts["accountkey"] == "") == (parts["sharedaccesssignature"] == ""):
		return errors.New("it needs an AccountKey or a SharedAccessSignature; copy it from the account's access keys")
	}
	o.ConnectionString = ""
	o.Account = cmp.Or(o.Account, account)
	o.SharedKey, o.SASToken = parts["accountkey"], parts["sharedaccesssignature"]
	if endpoint == "" && (parts["endpointsuffix"] != "" || parts["defaultendpointsprotocol"] != "") {
		endpoint = cmp.Or(parts["defaultendpointsprotocol"], "https") + "://" + o.Account + ".blob." + cmp.Or(parts["endpointsuffix"], "core.windows.net")
	}
	o.Endpoint = cmp.Or(o.Endpoint, strings.TrimRight(endpoint, "/"))
	return nil
}

// newClient returns a client of the container. It does no I/O.
func (o *Options) newClient() (*container.Client, error) {
	options := &container.ClientOptions{ClientOptions: o.ClientOptions}
	if options.Retry.MaxRetries == 0 {
		options.Retry = quickRetries
	}
	containerURL := o.Endpoint + "/" + o.Container
	switch {
	case o.SharedKey != "":
		key, err := container.NewSharedKeyCredential(o.Account, o.SharedKey)
		if err != nil { // which may show the key
			return nil, errors.New("the shared key is not base64; copy it from the account's access keys")
		}
		return container.NewClientWithSharedKeyCredential(containerURL, key, options)
	case o.SASToken != "":
		token := strings.TrimPrefix(strings.TrimSpace(o.SASToken), "?")
		if values, err := url.ParseQuery(token); err != nil || values.Get("sig") == "" {
			return nil, errors.New("the SAS token has no signature: it looks like sv=2026-01-01&sp=rcwl&sig=secret")
		}
		return container.NewClientWithNoCredential(containerURL+"?"+token, options)
	default:
		return container.NewClient(containerURL, o.Credential, options)
	}
}

// marked returns a credential whose errors can be told from those of the storage account.
func marked(credential azcore.TokenCredential) azcore.TokenCredential {
	if already, ok := credential.(tokenCredential); ok {
		return already
	}
	return tokenCredential{credential}
}

type tokenCredential struct{ azcore.TokenCredential }

func (c tokenCredential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.TokenCredential.GetToken(ctx, options)
	if err != nil {
		err = &tokenError{err}
	}
	return token, err
}

type tokenError struct{ err error }

func (e *tokenError) Error() string { return "get a token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }
