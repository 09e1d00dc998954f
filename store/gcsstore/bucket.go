package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// Bucket is a store.Bucket in a bucket of Google Cloud Storage.
type Bucket struct {
	options Options
	prefix  string // "" or with a slash at its end

	mu     sync.Mutex
	client *api // nil until it is needed
}

var _ store.Bucket = (*Bucket)(nil)

// New returns the Bucket that o describes. It does no I/O: if the bucket does not exist, or credentials are missing or refused,
// the first use returns a Permanent error.
func New(_ context.Context, o Options) (*Bucket, error) {
	o, err := o.complete()
	if err != nil {
		return nil, fmt.Errorf("gcs options: %w", err)
	}
	b := &Bucket{options: o}
	if o.Prefix != "" {
		b.prefix = o.Prefix + "/"
	}
	return b, nil
}

// Close closes idle connections. Calls under way continue, and a later one connects again.
func (b *Bucket) Close() error {
	b.mu.Lock()
	client := b.client
	b.client = nil
	b.mu.Unlock()
	if client != nil {
		client.http.CloseIdleConnections()
	}
	return nil
}

// object returns the api, and the object's name in the bucket.
func (b *Bucket) object(ctx context.Context, name string) (objects *api, full string, err error) {
	if err := store.ValidName(name); err != nil {
		return nil, "", err
	}
	if err := store.ValidName(b.prefix + name); err != nil { // too long with the prefix
		return nil, "", err
	}
	objects, err = b.objects(ctx)
	return objects, b.prefix + name, err
}

func (b *Bucket) location(name string) string {
	return "gs://" + b.options.Bucket + "/" + b.prefix + name
}

// describe leaves the time zero if the server gives none that can be parsed.
func (b *Bucket) describe(name string, object *objectInfo) store.Object {
	created, _ := time.Parse(time.RFC3339, object.TimeCreated)
	return store.Object{Name: name, Location: b.location(name), Size: object.Size, Modified: created}
}

// failed adds the operation and the location to err. The error of the context comes before all others.
func (b *Bucket) failed(ctx context.Context, operation, name string, err error) error {
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w; %v", ended, err) //nolint:errorlint // what ended by itself is neither Permanent nor fs.ErrExist
	}
	location := b.location(name)
	if store.ValidName(name) != nil { // it may be of any size and content, and the error says which
		location = b.location("")
	}
	return fmt.Errorf("%s %s: %w", operation, location, cloud.Redact(err))
}

// Stat implements store.Bucket.
func (b *Bucket) Stat(ctx context.Context, name string) (store.Object, error) {
	found, err := b.stat(ctx, name)
	if err != nil {
		return store.Object{}, b.failed(ctx, "stat", name, err)
	}
	object := b.describe(name, found)
	object.Attributes, _ = cloud.DecodeAttributes(found.Metadata)
	return object, nil
}

func (b *Bucket) stat(ctx context.Context, name string) (*objectInfo, error) {
	objects, full, err := b.object(ctx, name)
	if err != nil {
		return nil, err
	}
	var found *objectInfo
	err = retry(ctx, func() (err error) {
		found, err = objects.get(ctx, full)
		return err
	})
	return found, b.explain(ctx, err)
}

// Remove implements store.Bucket. In a bucket with versions or soft delete the object stays, hidden.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	objects, full, err := b.object(ctx, name)
	if err == nil {
		// It may be tried again although it has no condition: a missing object is no error.
		err = b.explain(ctx, retry(ctx, func() error {
			return objects.remove(ctx, full, 0)
		}))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b.failed(ctx, "remove", name, err)
	}
	return nil
}
