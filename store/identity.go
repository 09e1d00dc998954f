package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// IdentityName is the name of the object that holds the id of a store: see Identify.
const IdentityName = "_jetcapture/store.json"

const (
	ownFolder  = "_jetcapture" // EscapeHive never returns this name, and readers skip it
	markerName = IdentityName

	maxMarker = 64 << 10 // bytes
	idLength  = 26       // of rand.Text
)

// A marker is the content of the object IdentityName.
type marker struct {
	ID   string    `json:"id"`
	Made time.Time `json:"made"`
	By   string    `json:"by"`
}

const markerHint = "JetCapture. It recognizes this store by the id: leave this file here, and do not copy it into another store."

// Identify returns the id of the store b, which is in its object IdentityName. If there is no such object, Identify creates it
// with a random id; all who do that at the same time return the same id. If the object holds anything else, the error is
// Permanent, and the object stays as it is.
//
// A store that was moved or renamed together with this object keeps its id.
func Identify(ctx context.Context, b Bucket) (id string, err error) {
	id, err = readMarker(ctx, b)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	made := marker{rand.Text(), time.Now().UTC().Truncate(time.Second), markerHint}
	content, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		return "", fmt.Errorf("identify the store: %w", err)
	}
	_, err = b.Create(ctx, markerName, bytes.NewReader(append(content, '\n')), nil)
	switch {
	case errors.Is(err, fs.ErrExist):
		return readMarker(ctx, b)
	case err != nil:
		return "", fmt.Errorf("identify the store: %w", err)
	}
	return made.ID, nil
}

// ReadIdentity returns the id of the store b, as Identify does, and creates nothing. The error wraps fs.ErrNotExist if the store
// has no id yet.
func ReadIdentity(ctx context.Context, b Bucket) (id string, err error) { return readMarker(ctx, b) }

func readMarker(ctx context.Context, b Bucket) (id string, err error) {
	r, err := b.Open(ctx, markerName, 0, maxMarker+1)
	if err != nil {
		return "", fmt.Errorf("identify the store: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(r, maxMarker+1))
	_ = r.Close()
	if err != nil {
		return "", fmt.Errorf("identify the store: %w", err)
	}
	var m marker
	switch err := json.Unmarshal(content, &m); {
	case len(content) > maxMarker:
		return "", badMarker(fmt.Errorf("it has more than %d bytes", maxMarker))
	case err != nil:
		return "", badMarker(err)
	case !isID(m.ID):
		return "", badMarker(fmt.Errorf("its id is %s", quote(m.ID)))
	}
	return m.ID, nil
}

func isID(s string) bool {
	return len(s) == idLength && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func badMarker(err error) error {
	return Permanent(fmt.Errorf(`identify the store: object %s is not as JetCapture made it: %w; it should hold {"id": "%s", "made": "2026-11-29T12:00:00Z", "by": "..."} with the id that the store always had: restore it from a copy`,
		markerName, err, "26 capital letters and digits"))
}
