package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// errNothing is the error that Resolve returns unchanged if nothing has the name.
var errNothing = errors.New("nothing is there")

// Create implements store.Bucket. It reads content at least twice: for its digests, and to send it. Content of at most
// ChunkSize is one request; more is sent in chunks, one after the other, and becomes visible with the last.
func (b *Bucket) Create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	object, err := b.create(ctx, name, content, attrs)
	if err != nil {
		return store.Object{}, b.failed(ctx, "create", name, err)
	}
	return object, nil
}

func (b *Bucket) create(ctx context.Context, name string, content io.ReadSeeker, attrs map[string]string) (store.Object, error) {
	u, err := b.newUpload(ctx, name, content, attrs)
	if err != nil {
		return store.Object{}, err
	}
	there := &cloud.Upload{
		Content: content,
		Size:    u.size,
		SHA256:  u.sha256,
		Stat:    func(ctx context.Context) (store.Object, string, error) { return u.stat(ctx) },
		Open:    func(ctx context.Context) (io.ReadCloser, error) { return b.open(ctx, name, 0, -1) },
	}
	if !u.whole() {
		// Look first, since sending takes long. If looking is not allowed, the answer to the last chunk tells.
		if object, err := there.Resolve(ctx, errNothing); err == nil || errors.Is(err, fs.ErrExist) {
			return object, err
		}
	}
	made, err := u.send(ctx)
	if err == nil {
		return b.describe(name, made), nil
	}
	mayExist := u.mayExist(err)
	failed := b.explainCreate(ctx, err)
	if ctx.Err() != nil || !mayExist {
		return store.Object{}, failed
	}
	// The server may have refused, or the answer may be lost. Look which.
	object, err := there.Resolve(ctx, failed)
	if errors.Is(err, failed) && store.IsPermanent(failed) {
		err = failed // an identity that may not write may often not look either
	}
	return object, err
}

// explainCreate is explain for a Create, where 404 means the bucket, or else the session of an upload. The next Create starts
// another one.
func (b *Bucket) explainCreate(ctx context.Context, err error) error {
	failed := b.explain(ctx, err)
	if errors.Is(failed, fs.ErrNotExist) {
		return fmt.Errorf("the server has forgotten the upload: %v", err) //nolint:errorlint // it must not wrap fs.ErrNotExist
	}
	return failed
}

// mayExist reports whether something may have the name of an object whose creation failed: the content of this attempt, if the
// answer was lost, or the content of another.
func (u *upload) mayExist(err error) bool {
	var content *contentError
	var network *net.OpError
	switch {
	case errors.As(err, &content), refusedToken(err) != nil:
		return false
	case errors.As(err, &network) && network.Op == "dial":
		return !u.whole() // one of several requests
	}
	status := statusOf(err)
	return status != http.StatusBadRequest && status != http.StatusUnauthorized
}
