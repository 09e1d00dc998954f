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

	"github.com/jetcapture/lake/store"
)

// BuildURLBase returns the URL below which the blocks of a destination key go, such as
// https://account.blob.core.windows.net/container/prefix. It must not let a hostile destination key lead out of where it
// should be; store.EscapeHive makes a folder of any string. Its errors come through as they are: mark with store.Permanent
// what retrying cannot mend.
type BuildURLBase[K comparable] func(destKey K) (string, error)

// OverrideUploadOptions changes how a block is stored, such as its access tier. It is called before each try, with options
// of its own that hold what the BlobStoreOptions say and the block's attributes, by several goroutines at a time.
type OverrideUploadOptions[K comparable] func(destKey K, options *UploadOptions)

// BlobStoreOptions say how an AzureBlobStore stores. Their zero value is ready for use.
type BlobStoreOptions[K comparable] struct {
	// Options hold for all blocks. Account, Container, Prefix and Endpoint stay empty, as a URL base says them.
	Options

	OverrideUploadOptions OverrideUploadOptions[K] // may be nil

	// RootURLBase is where blocks without a destination key go, such as dead letters. Empty means the URL base of the zero
	// destination key.
	RootURLBase string

	// MaxClients is for how many containers a client is kept, those used last. 0 means 1,000.
	MaxClients int
}

// AzureBlobStore is a store.BlockStore and store.RootWriter that asks a function where blocks go: to an account, container
// and folder of each tenant, for example. It keeps all promises of a store.BlockStore. Where all blocks go to one
// container, store.Blocks over a Bucket is simpler.
type AzureBlobStore[K comparable] struct {
	base    BuildURLBase[K]
	options BlobStoreOptions[K]
	account string // that of a connection string
	clients *clients
}

// NewAzureBlobStore returns an AzureBlobStore. It does no I/O. At most one of options is taken.
func NewAzureBlobStore[K comparable](base BuildURLBase[K], options ...BlobStoreOptions[K]) (*AzureBlobStore[K], error) {
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
		wrong = append(wrong, errors.New("leave Account, Container, Prefix and Endpoint empty: the URL base says them"))
	}
	if o.MaxClients < 0 {
		wrong = append(wrong, fmt.Errorf("%d clients: write how many are kept", o.MaxClients))
	}
	s.clients = newClients(cmp.Or(max(0, o.MaxClients), 1000))
	if err := s.checkOnce(); err != nil {
		wrong = append(wrong, err)
	} else if o.RootURLBase != "" {
		if _, err := s.bucket(o.RootURLBase); err != nil {
			wrong = append(wrong, fmt.Errorf("root: %w", err))
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("azure blob store: %w", err)
	}
	return s, nil
}

// checkOnce finds the one credential that serves all containers, and what is wrong with the options for any of them.
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
	base, err := s.base(destKey)
	if err != nil {
		return "", 0, 0, fmt.Errorf("build URL base: %w", err)
	}
	return s.write(ctx, block, base, destKey, dir, fileName)
}

// WriteRoot implements store.RootWriter, see BlobStoreOptions.RootURLBase.
func (s *AzureBlobStore[K]) WriteRoot(ctx context.Context, block io.Reader, dir, fileName string) (string, int64, time.Duration, error) {
	var zero K
	if s.options.RootURLBase != "" {
		return s.write(ctx, block, s.options.RootURLBase, zero, dir, fileName)
	}
	return s.Write(ctx, block, zero, dir, fileName)
}

func (s *AzureBlobStore[K]) write(ctx context.Context, block io.Reader, base string, destKey K, dir, fileName string) (string, int64, time.Duration, error) {
	bucket, err := s.bucket(base)
	if err != nil {
		return "", 0, 0, store.Permanent(fmt.Errorf("store block: %w", err))
	}
	overridden := &overriding{Bucket: bucket}
	if override := s.options.OverrideUploadOptions; override != nil {
		overridden.override = func(o *UploadOptions) { override(destKey, o) }
	}
	root := func(K) (string, error) { return "", nil }
	return store.Blocks(overridden, root).Write(ctx, block, destKey, dir, fileName)
}

// bucket returns the Bucket of a URL base, with a client that may have served others.
func (s *AzureBlobStore[K]) bucket(base string) (*Bucket, error) {
	o := s.options.Options
	if err := o.parseBase(base); err != nil {
		return nil, fmt.Errorf("URL base: %w", err)
	}
	if s.account != "" && o.Account != s.account {
		return nil, fmt.Errorf("URL base: it is of account %s, but the connection string of %s", o.Account, s.account)
	}
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("URL base: %w", err)
	}
	client, err := s.clients.get(o.Endpoint+"/"+o.Container, o.newClient)
	if err != nil {
		return nil, err
	}
	return newBucket(client, o), nil
}

// overriding is a Bucket whose upload options pass through a function.
type overriding struct {
	*Bucket
	override func(*UploadOptions) // may be nil
}

// Create implements store.Bucket.
func (b *overriding) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	o := b.options.upload(attrs)
	if b.override != nil {
		b.override(o)
	}
	return b.createWith(ctx, name, content, o)
}

// parseBase takes account, endpoint, container and prefix from a URL. Its errors do not show it, as it may hold a SAS
// token.
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
