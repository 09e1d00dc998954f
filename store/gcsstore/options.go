package gcsstore

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/jetcapture/lake/store"
)

const (
	defaultChunkSize = 16 << 20
	maxChunkSize     = 1 << 30
)

// Options say where objects go and how. Only Bucket is required.
type Options struct {
	Bucket string // it must exist
	Prefix string // a folder in the bucket below which all names are; may be empty

	StorageClass string // of new objects: STANDARD, NEARLINE, COLDLINE or ARCHIVE; empty means the bucket's default
	KMSKeyName   string // of new objects: projects/P/locations/L/keyRings/R/cryptoKeys/K; empty means the bucket's default
	UserProject  string // the project to bill, for buckets with requester pays

	// ChunkSize is in bytes and rounded up to a multiple of 256 KiB. Larger objects are sent in chunks of this size, and a
	// failed chunk is sent again. An upload holds one chunk in memory. 0 means 16 MiB.
	ChunkSize int

	// Endpoint is the URL of an emulator or a private endpoint. Empty means STORAGE_EMULATOR_HOST, or the service.
	Endpoint string

	// Anonymous sends requests without credentials, for emulators.
	Anonymous bool

	// Tokens authorize requests, as the package golang.org/x/oauth2/google makes them. Without them credentials are found as
	// the package's documentation says.
	Tokens oauth2.TokenSource

	// HTTPClient sends requests if it is not nil, and authorizes them: then no credentials are looked for. It follows no
	// redirects.
	HTTPClient *http.Client
}

var (
	bucketPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)
	kmsKeyPattern  = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`)
	storageClasses = []string{"STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"}
)

// complete returns the options with defaults filled in, or all problems with them.
func (o Options) complete() (Options, error) {
	var wrong []error
	if !bucketPattern.MatchString(o.Bucket) {
		wrong = append(wrong, fmt.Errorf("bucket %.80q: a name has 3 to 63 lower-case letters, digits, dashes, underscores and dots, and ends with a letter or digit", o.Bucket))
	}
	o.Prefix = strings.Trim(o.Prefix, "/")
	if o.Prefix != "" {
		if err := store.ValidName(o.Prefix); err != nil {
			wrong = append(wrong, fmt.Errorf("prefix: %w", err))
		}
	}
	o.StorageClass = strings.ToUpper(o.StorageClass)
	if o.StorageClass != "" && !slices.Contains(storageClasses, o.StorageClass) {
		wrong = append(wrong, fmt.Errorf("storage class %.80q: known are %s", o.StorageClass, strings.Join(storageClasses, ", ")))
	}
	if o.KMSKeyName != "" && !kmsKeyPattern.MatchString(o.KMSKeyName) {
		wrong = append(wrong, errors.New("KMS key: write projects/P/locations/L/keyRings/R/cryptoKeys/K"))
	}
	o.ChunkSize = cmp.Or(o.ChunkSize, defaultChunkSize)
	if o.ChunkSize < 0 || o.ChunkSize > maxChunkSize {
		wrong = append(wrong, fmt.Errorf("chunk size %d: write bytes, at most %d", o.ChunkSize, maxChunkSize))
	}
	if o.Tokens != nil && o.HTTPClient != nil {
		wrong = append(wrong, errors.New("both of Tokens and HTTPClient are set: leave one out, as the client authorizes its requests itself"))
	}
	if err := o.completeEndpoint(); err != nil {
		wrong = append(wrong, err)
	}
	return o, errors.Join(wrong...)
}

// completeEndpoint adds the path of the service. Its errors do not show the endpoint, as it may hold a secret.
func (o *Options) completeEndpoint() error {
	if o.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("endpoint is no URL: write for example http://127.0.0.1:4443")
	case u.RawQuery != "" || u.ForceQuery || u.User != nil || u.Fragment != "" || strings.Trim(u.Path, "/") != "" && strings.Trim(u.Path, "/") != "storage/v1":
		return errors.New("endpoint: write scheme, host and port alone, for example http://127.0.0.1:4443")
	case u.Scheme == "http" && !o.Anonymous && !local(u.Hostname()):
		return errors.New("endpoint: tokens are not sent over http; write https, or anonymous if it is an emulator")
	}
	u.Path = "/storage/v1/"
	o.Endpoint = u.String()
	return nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
