package azurestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/destkey"
)

// BlobStoreOptions say how an AzureBlobStore stores. Their zero value is ready for use.
type BlobStoreOptions[K comparable] struct {
	// Options apply to all blocks. Account, Container, Prefix and Endpoint must be empty: they come from the URL base.
	Options

	OverrideUploadOptions OverrideUploadOptions[K] // may be nil

	// RootURLBase is the URL base of blocks without a destination key, such as dead letters. Empty means the URL base of the zero
	// destination key.
	RootURLBase string

	// MaxClients is the number of containers, the most recently used, whose clients are kept. 0 means 1,000.
	MaxClients int
}

// AzureBlobStore is a store.BlockStore, store.RootWriter, store.Locator and store.Prober that asks a function where blocks
// go: to an account, container and folder of each tenant, for example. It keeps all promises of a store.BlockStore. If all
// blocks go to one container, store.Blocks over a Bucket is simpler.
type AzureBlobStore[K comparable] struct {
	base    BuildURLBase[K]
	options BlobStoreOptions[K]
	account string // the account of a connection string
	clients *clients
}

// NewBlobStore returns an AzureBlobStore. It does no I/O. It takes at most one BlobStoreOptions.
func NewBlobStore[K comparable](base BuildURLBase[K], options ...BlobStoreOptions[K]) (*AzureBlobStore[K], error) {
	s := &AzureBlobStore[K]{base: base}
	var wrong []error
	switch len(options) {
	case 0:
	case 1:
		s.options = options[0]
	default:
		wrong = append(wrong, fmt.Errorf("%d options: give one", len(options)))
	}
	o := &s.options
	if base == nil {
		wrong = append(wrong, errors.New("there is no BuildURLBase: give a function that returns the URL base of a destination key"))
	}
	if o.Account != "" || o.Container != "" || o.Prefix != "" || o.Endpoint != "" {
		wrong = append(wrong, errors.New("leave Account, Container, Prefix and Endpoint empty: they come from the URL base"))
	}
	if o.MaxClients < 0 {
		wrong = append(wrong, fmt.Errorf("MaxClients is %d: write how many clients are kept", o.MaxClients))
	}
	s.clients = newClients(cmp.Or(max(0, o.MaxClients), 1000))
	if err := s.checkOnce(); err != nil {
		wrong = append(wrong, err)
	} else if o.RootURLBase != "" {
		if _, err := s.rootBucket(context.Background()); err != nil { // it asks no function
			wrong = append(wrong, fmt.Errorf("root: %w", err))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("azure blob store: %w", err)
	}
	return s, nil
}

// checkOnce finds the credential for all containers, and reports options that are wrong for every container.
func (s *AzureBlobStore[K]) checkOnce() error {
	o := s.options.Options
	if err := o.credentials(); err != nil {
		return err
	}
	s.account = o.Account
	o.Account, o.Endpoint = "", ""
	s.options.Options = o
	o.Account, o.Container, o.Endpoint = "account", "container", "https://localhost/account"
	o, err := o.complete()
	if err != nil {
		return err
	}
	_, err = o.newClient()
	return err
}

// Write implements store.BlockStore: the block goes to dir/fileName below the URL base of destKey.
func (s *AzureBlobStore[K]) Write(ctx context.Context, block io.Reader, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	bucket, err := s.bucketOf(ctx, destKey)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	return atRoot[K](bucket).WriteRoot(ctx, block, dir, fileName)
}

// WriteRoot implements store.RootWriter, see BlobStoreOptions.RootURLBase.
func (s *AzureBlobStore[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	bucket, err := s.rootBucket(ctx)
	if err != nil {
		return "", 0, 0, fmt.Errorf("store block: %w", err)
	}
	return atRoot[K](bucket).WriteRoot(ctx, block, dir, fileName)
}

// atRoot returns a store that puts blocks into the root of bucket.
func atRoot[K comparable](bucket *overriding) rootStore[K] {
	return store.Blocks[K](bucket, nil).(rootStore[K]) //nolint:forcetypeassert // as Blocks promises
}

type rootStore[K comparable] interface {
	store.RootWriter
	store.Locator[K]
}

// rootMark is the Root of a Location below RootURLBase. Other Locations have their destination key as Root.
const rootMark = "r"

// Locate implements store.Locator.
func (s *AzureBlobStore[K]) Locate(ctx context.Context, destKey K, dir, fileName string) (store.Location, error) {
	bucket, err := s.bucketOf(ctx, destKey)
	if err != nil {
		return store.Location{}, fmt.Errorf("locate block: %w", err)
	}
	root, err := destkey.Encode(destKey)
	if err != nil {
		return store.Location{}, noPlace(store.Permanent(fmt.Errorf("locate block: %w", err)))
	}
	return locate[K](ctx, bucket, root, dir, fileName)
}

// LocateRoot implements store.Locator.
func (s *AzureBlobStore[K]) LocateRoot(ctx context.Context, dir, fileName string) (store.Location, error) {
	if s.options.RootURLBase == "" {
		var zero K
		return s.Locate(ctx, zero, dir, fileName)
	}
	bucket, err := s.rootBucket(ctx)
	if err != nil {
		return store.Location{}, fmt.Errorf("locate block: %w", err)
	}
	return locate[K](ctx, bucket, rootMark, dir, fileName)
}

func locate[K comparable](ctx context.Context, bucket *overriding, root, dir, fileName string) (store.Location, error) {
	at, err := atRoot[K](bucket).LocateRoot(ctx, dir, fileName)
	if err == nil {
		_, err = bucket.blobName(at.Name)
	}
	if err != nil {
		return store.Location{}, err
	}
	at.Root = root
	return at, nil
}

// Bucket implements store.Locator. What root says is at most a destination key: which URL is used for it, with which
// credential, is for the function to say that the store was given.
func (s *AzureBlobStore[K]) Bucket(ctx context.Context, root string) (store.Bucket, error) {
	bucket, err := s.bucketAt(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("find bucket: %w", err)
	}
	return bucket, nil
}

func (s *AzureBlobStore[K]) bucketAt(ctx context.Context, root string) (*overriding, error) {
	if root == rootMark && s.options.RootURLBase != "" {
		return s.rootBucket(ctx)
	}
	destKey, err := destkey.Decode[K](root)
	if err != nil {
		return nil, store.Permanent(fmt.Errorf("root %.120q is not of this store: %w", root, err))
	}
	return s.bucketOf(ctx, destKey)
}

// Probe implements store.Prober: it probes the bucket of dead letters.
func (s *AzureBlobStore[K]) Probe(ctx context.Context) error {
	bucket, err := s.rootBucket(ctx)
	if err != nil {
		return fmt.Errorf("probe the store, where dead letters go: %w", err)
	}
	return store.Probe(ctx, bucket)
}

// bucketOf returns the Bucket of a destination key.
func (s *AzureBlobStore[K]) bucketOf(ctx context.Context, destKey K) (*overriding, error) {
	base, err := s.base(ctx, destKey)
	if err != nil {
		return nil, noPlace(fmt.Errorf("build URL base: %w", err))
	}
	o, err := s.optionsAt(base)
	if err != nil {
		return nil, noPlace(store.Permanent(err))
	}
	return s.bucket(o, destKey)
}

// rootBucket returns the Bucket of blocks without a destination key.
func (s *AzureBlobStore[K]) rootBucket(ctx context.Context) (*overriding, error) {
	var zero K
	if s.options.RootURLBase == "" {
		return s.bucketOf(ctx, zero)
	}
	o, err := s.optionsAt(s.options.RootURLBase)
	if err != nil {
		return nil, store.Permanent(err)
	}
	return s.bucket(o, zero)
}

// bucket returns the Bucket of complete options, with a client that other Buckets may share.
func (s *AzureBlobStore[K]) bucket(o Options, destKey K) (*overriding, error) {
	client, err := s.clients.get(o.Endpoint+"/"+o.Container, o.newClient)
	if err != nil {
		return nil, store.Permanent(err)
	}
	b := &overriding{Bucket: newBucket(client, o)}
	if override := s.options.OverrideUploadOptions; override != nil {
		b.override = func(o *blockblob.UploadStreamOptions) { override(o, destKey) }
	}
	return b, nil
}

// optionsAt returns the options of a URL base.
func (s *AzureBlobStore[K]) optionsAt(base string) (Options, error) {
	o := s.options.Options
	if err := o.parseBase(base); err != nil {
		return Options{}, fmt.Errorf("URL base: %w", err)
	}
	if s.account != "" && o.Account != s.account {
		return Options{}, fmt.Errorf("URL base: it is of account %s, but the connection string of %s", o.Account, s.account)
	}
	o, err := o.complete()
	if err != nil {
		return Options{}, fmt.Errorf("URL base: %w", err)
	}
	return o, nil
}

// noPlace adds store.ErrDestKey to a Permanent error about a destination key.
func noPlace(err error) error {
	var allOfThem *destkey.TypeError
	switch {
	case errors.Is(err, store.ErrDestKey):
		return store.Permanent(err)
	case !store.IsPermanent(err) || errors.As(err, &allOfThem):
		return err
	}
	return store.Permanent(fmt.Errorf("%w: %w", store.ErrDestKey, err))
}

// overriding is a Bucket whose upload options pass through a function.
type overriding struct {
	*Bucket
	override func(*blockblob.UploadStreamOptions) // may be nil
}

// Create implements store.Bucket.
func (b *overriding) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	o := b.options.upload(attrs)
	if b.override != nil {
		b.override(&o.UploadStreamOptions)
		o.BlockSize, o.Concurrency = cmp.Or(o.BlockSize, b.options.BlockSize), cmp.Or(o.Concurrency, b.options.Parallel)
	}
	return b.createWith(ctx, name, content, o)
}

// parseBase takes account, endpoint, container and prefix from a URL. Its errors do not show the URL, which may hold a SAS token.
func (o *Options) parseBase(base string) error {
	u, err := checkEndpoint(base)
	if err != nil {
		return err
	}
	path := strings.Trim(u.Path, "/")
	endpoint := u.Scheme + "://" + u.Host
	account, _, named := strings.Cut(u.Hostname(), ".")
	if net.ParseIP(u.Hostname()) != nil || !named { // an emulator
		account, path, _ = strings.Cut(path, "/")
		endpoint += "/" + url.PathEscape(account)
	}
	o.Account, o.Endpoint = account, endpoint
	o.Container, o.Prefix, _ = strings.Cut(path, "/")
	if o.Container == "" {
		return errors.New("it has no container: write https://account.blob.core.windows.net/container/prefix")
	}
	return nil
}
