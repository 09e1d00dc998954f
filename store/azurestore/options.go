package azurestore

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"

	"github.com/jetcapture/lake/store"
)

const (
	defaultBlockSize = 16 << 20
	defaultParallel  = 4
	maxBlockSize     = 4000 << 20 // of the service
	maxParallel      = 64
	maxBlocks        = 50_000 // of a blob
)

// Options say where and how blobs are stored. Only Account and Container are required.
type Options struct {
	Account   string // empty means the account of ConnectionString, or AZURE_STORAGE_ACCOUNT
	Container string // must exist
	Prefix    string // the folder of all names in the container; may be empty

	// Endpoint is the URL of the account's blob service, for other clouds and emulators. Empty means
	// https://ACCOUNT.blob.core.windows.net.
	Endpoint string

	// At most one of these. Without any of them, the environment decides: AZURE_STORAGE_CONNECTION_STRING,
	// AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, in that order; otherwise azidentity.NewDefaultAzureCredential, which
	// finds service principals in the environment, workload identity, managed identity, and a login of az.
	Credential       azcore.TokenCredential
	SharedKey        string // the account's key, base64
	SASToken         string // with or without the leading question mark; needs the permissions rcwdl
	ConnectionString string // with an AccountKey or a SharedAccessSignature

	AccessTier      blob.AccessTier   // of new blobs; empty means the account's default
	Tags            map[string]string // index tags of new blobs; setting them needs the role Storage Blob Data Owner, or t in a SAS
	EncryptionScope string            // of new blobs; empty means the container's default

	BlockSize int64 // bytes; larger blobs are sent in blocks of this size. 0 means 16 MiB
	Parallel  int   // blocks of one blob that are sent at a time, 64 at most. 0 means 4

	// ClientOptions are options of the SDK. Retry is short by default, since the caller retries too.
	ClientOptions azcore.ClientOptions
}

var (
	accountPattern   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerPattern = regexp.MustCompile(`^(\$root|\$web|\$logs|[a-z0-9](-?[a-z0-9]){2,62})$`)
)

// complete returns the options with defaults filled in, or an error that lists all problems.
func (o Options) complete() (Options, error) {
	var wrong []error
	if err := o.credentials(); err != nil {
		wrong = append(wrong, err)
	}
	o.Account = cmp.Or(o.Account, os.Getenv("AZURE_STORAGE_ACCOUNT"))
	switch {
	case o.Account == "":
		wrong = append(wrong, errors.New("account is empty: write the storage account's name"))
	case o.Endpoint == "" && strings.Contains(o.Account, "."):
		wrong = append(wrong, fmt.Errorf("account %q: write only its name, and the URL of the blob service as endpoint if it is not https://NAME.blob.core.windows.net", o.Account))
	case !accountPattern.MatchString(o.Account):
		wrong = append(wrong, fmt.Errorf("account %q: a name has 3 to 24 lower-case letters and digits", o.Account))
	}
	o.Endpoint = cmp.Or(o.Endpoint, "https://"+o.Account+".blob.core.windows.net")
	endpoint, err := checkEndpoint(o.Endpoint)
	if err != nil {
		wrong = append(wrong, err)
	} else if o.Credential != nil && endpoint.Scheme == "http" && !o.ClientOptions.InsecureAllowCredentialWithHTTP {
		wrong = append(wrong, errors.New("endpoint: tokens are not sent over http; write https, or use a shared key or a SAS token"))
	}
	o.Endpoint = strings.TrimRight(o.Endpoint, "/")
	if len(o.Container) > 63 || !containerPattern.MatchString(o.Container) {
		wrong = append(wrong, fmt.Errorf("container %q: a name has 3 to 63 lower-case letters, digits and single hyphens", o.Container))
	}
	o.Prefix = strings.Trim(o.Prefix, "/")
	if o.Prefix != "" {
		if err := store.ValidName(o.Prefix); err != nil {
			wrong = append(wrong, fmt.Errorf("prefix: %w", err))
		}
	}
	if err := checkTags(o.Tags); err != nil {
		wrong = append(wrong, err)
	}
	o.AccessTier, err = parseTier(string(o.AccessTier))
	if err != nil {
		wrong = append(wrong, err)
	}
	o.BlockSize = cmp.Or(o.BlockSize, defaultBlockSize)
	if o.BlockSize < 0 || o.BlockSize > maxBlockSize {
		wrong = append(wrong, fmt.Errorf("block size %d: write bytes, at most %d", o.BlockSize, maxBlockSize))
	}
	o.Parallel = cmp.Or(o.Parallel, defaultParallel)
	if o.Parallel < 0 || o.Parallel > maxParallel {
		wrong = append(wrong, fmt.Errorf("parallel %d: write how many blocks are sent at a time, at most %d", o.Parallel, maxParallel))
	}
	return o, errors.Join(wrong...)
}

// checkEndpoint parses the URL of a service. Its errors do not show it, since it may hold a SAS token.
func checkEndpoint(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("endpoint is not a URL: write for example https://account.blob.core.windows.net")
	case u.RawQuery != "" || u.ForceQuery || u.User != nil || u.Fragment != "":
		return nil, errors.New("endpoint: write only scheme, host and path; set a SAS token separately")
	}
	return u, nil
}

// parseTier finds a tier by its name, in any case.
func parseTier(tier string) (blob.AccessTier, error) {
	if tier == "" {
		return "", nil
	}
	tiers := []blob.AccessTier{blob.AccessTierHot, blob.AccessTierCool, blob.AccessTierCold, blob.AccessTierArchive, blob.AccessTierPremium}
	i := slices.IndexFunc(tiers, func(t blob.AccessTier) bool { return strings.EqualFold(string(t), tier) })
	if i < 0 {
		return "", fmt.Errorf("access tier %q: known are %v", tier, tiers)
	}
	return tiers[i], nil
}

var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9 +./:=_-]*$`)

func checkTags(tags map[string]string) error {
	if len(tags) > 10 {
		return fmt.Errorf("%d tags: a blob has at most 10", len(tags))
	}
	for name, value := range tags {
		if name == "" || len(name) > 128 || len(value) > 256 || !tagPattern.MatchString(name+value) {
			return fmt.Errorf("tag %q=%q: a name has 1 to 128 characters, a value at most 256: letters, digits, spaces and + - . / : = _", name, value)
		}
	}
	return nil
}
