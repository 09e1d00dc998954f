package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// A Driver opens the URLs of one scheme. No package registers itself: the caller passes the drivers to be linked.
type Driver struct {
	Scheme string // lower case, such as "s3"

	// Open returns the Bucket of a URL of that scheme. It must refuse unknown query parameters by
	// name, and keep the user and the query of the URL out of its errors.
	Open func(ctx context.Context, u *url.URL) (Bucket, error)
}

// Open returns the Bucket that rawURL names:
//
//	/lake, lake/orders, C:\lake   a local folder, see NewDir
//	file:///lake                  the same by its absolute path
//	file://./lake                 the same, relative to the working folder
//	mem://                        a new NewMem
//	s3://bucket/prefix, ...       the Bucket of the driver; a driver may also replace file or mem
//
// Text with a colon after two letters or more counts as a URL; write ./a:b for a folder of that name. Errors never show the user or
// the query of a URL, since both may hold secrets.
func Open(ctx context.Context, rawURL string, drivers ...Driver) (Bucket, error) {
	if rawURL == "" {
		return nil, errors.New(`open store: the URL is empty; write for example "file:///lake"`)
	}
	scheme, isURL := schemeOf(rawURL)
	if !isURL {
		return NewDir(rawURL), nil
	}
	known := map[string]func(context.Context, *url.URL) (Bucket, error){"file": openFile, "mem": openMem}
	for _, d := range drivers {
		known[d.Scheme] = d.Open
	}
	open := known[scheme]
	if open == nil {
		return nil, fmt.Errorf("open store: no driver for %q; known are %s", scheme, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
	}
	u, err := url.Parse(rawURL)
	if err != nil { // which shows parts of the URL
		return nil, fmt.Errorf("open store: the %s URL is malformed; percent-encode special characters in it", scheme)
	}
	if u.Opaque != "" || !strings.HasPrefix(rawURL[len(scheme):], "://") {
		return nil, fmt.Errorf("open store: write %s:// with two slashes", scheme)
	}
	bucket, err := open(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("open store %s://%s%s: %w", u.Scheme, u.Host, u.Path, err)
	}
	return bucket, nil
}

// schemeOf returns the scheme of a URL in lower case. A single letter is a drive of Windows.
func schemeOf(rawURL string) (string, bool) {
	scheme, _, found := strings.Cut(rawURL, ":")
	if !found || len(scheme) < 2 {
		return "", false
	}
	for i, r := range scheme {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return "", false
		}
	}
	return strings.ToLower(scheme), true
}

func openFile(_ context.Context, u *url.URL) (Bucket, error) {
	if err := plainURL(u); err != nil {
		return nil, err
	}
	path := u.Path
	switch u.Host {
	case "", "localhost":
	case ".", "..":
		path = u.Host + path
	default:
		return nil, errors.New("a file URL has no host; write file:///absolute/path or file://./relative/path")
	}
	if path == "" {
		return nil, errors.New("the path is empty; write file:///absolute/path or file://./relative/path")
	}
	if runtime.GOOS == "windows" && len(path) > 2 && path[0] == '/' && path[2] == ':' {
		path = path[1:] // of /C:/lake
	}
	return NewDir(filepath.FromSlash(path)), nil
}

func openMem(_ context.Context, u *url.URL) (Bucket, error) {
	if err := plainURL(u); err != nil {
		return nil, err
	}
	if u.Host != "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("memory has neither host nor path; write mem://")
	}
	return NewMem(), nil
}

// plainURL refuses a user, a query and a fragment, which file and mem URLs do not have.
func plainURL(u *url.URL) error {
	if u.User != nil {
		return fmt.Errorf("a %s URL has no user", u.Scheme)
	}
	if u.Fragment != "" {
		return errors.New(`"#" starts a fragment; in a path write %23`)
	}
	if u.RawQuery != "" {
		unknown := slices.Sorted(maps.Keys(u.Query())) // none if malformed
		return fmt.Errorf("unknown query parameters %q; in a path write %%3F for a question mark", unknown)
	}
	return nil
}
