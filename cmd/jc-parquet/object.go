package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/jetcapture/lake/store"
)

// isURL reports whether a place is a URL and not a path.
func isURL(place string) bool { return strings.Contains(place, "://") }

// openObject opens an object by its URL. Its errors show the URL without secrets.
func openObject(ctx context.Context, rawURL string) (*store.ReaderAt, error) {
	u, err := url.Parse(rawURL)
	if err != nil { // err shows parts of the URL
		return nil, errors.New("a URL is malformed: percent-encode special characters in it")
	}
	shown := u.Scheme + "://" + u.Host + u.Path
	folder, name := path.Split(u.Path)
	if name == "" {
		return nil, isFolder(shown)
	}
	u.Path, u.RawPath = folder, ""
	bucket, err := openURL(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	bucket = store.Retry(store.Timeout(bucket, store.TimeoutOptions{}), store.RetryOptions{})
	r, err := store.NewReaderAt(ctx, bucket, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return r, nil
}

// openFile opens a local file.
func openFile(path string) (f *os.File, size int64, err error) {
	if f, err = os.Open(path); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = isFolder(path)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func isFolder(place string) error {
	files := strings.TrimSuffix(place, "/") + "/*.parquet"
	if isURL(place) { // no shell expands it
		files = strings.TrimSuffix(place, "/") + "/x.parquet"
	}
	return fmt.Errorf("%s is a folder: name files in it, such as %s", place, files)
}
