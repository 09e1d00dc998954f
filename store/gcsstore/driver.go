package gcsstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/store"
)

// Driver teaches store.Open the URLs gs://bucket/prefix, see the package's documentation.
func Driver() store.Driver {
	return store.Driver{Scheme: "gs", Open: func(ctx context.Context, u *url.URL) (store.Bucket, error) {
		o, err := parseURL(u)
		if err != nil {
			return nil, err
		}
		b, err := New(ctx, o)
		if err != nil {
			return nil, err
		}
		return b, nil
	}}
}

// parameters are what may be in the query of a URL.
var parameters = map[string]func(o *Options, value string) error{
	"endpoint":      func(o *Options, value string) error { o.Endpoint = value; return nil },
	"storage_class": func(o *Options, value string) error { o.StorageClass = value; return nil },
	"kms_key":       func(o *Options, value string) error { o.KMSKeyName = value; return nil },
	"user_project":  func(o *Options, value string) error { o.UserProject = value; return nil },
	"chunk_size":    setChunkSize,
	"anonymous": func(o *Options, value string) (err error) {
		if o.Anonymous, err = strconv.ParseBool(value); err != nil {
			return errors.New("write true or false")
		}
		return nil
	},
}

// setChunkSize reads bytes, or mebibytes as in 16MiB.
func setChunkSize(o *Options, value string) error {
	digits, mebibytes := strings.CutSuffix(value, "MiB")
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 || n > maxChunkSize {
		return errors.New("write a number of bytes, or of mebibytes as in 16MiB")
	}
	if o.ChunkSize = n; mebibytes {
		o.ChunkSize = n << 20
	}
	return nil
}

// parseURL returns the Options that a URL stands for. Its errors show no values, as somebody may have put a secret where it
// does not belong.
func parseURL(u *url.URL) (Options, error) {
	o := Options{Bucket: u.Host, Prefix: u.Path}
	var wrong []error
	if u.User != nil {
		wrong = append(wrong, errors.New("a gs URL has no user; GOOGLE_APPLICATION_CREDENTIALS names the file with credentials"))
	}
	if u.Fragment != "" {
		wrong = append(wrong, errors.New(`"#" starts a fragment; in a path write %23`))
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil { // which shows parts of it
		wrong = append(wrong, errors.New("the query is malformed; percent-encode special characters in it"))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		set, known := parameters[name]
		switch {
		case !known:
			wrong = append(wrong, fmt.Errorf("unknown parameter %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", ")))
		case len(query[name]) > 1:
			wrong = append(wrong, fmt.Errorf("parameter %q is there %d times", name, len(query[name])))
		case query[name][0] == "":
			wrong = append(wrong, fmt.Errorf("parameter %q is empty; leave it out", name))
		default:
			if err := set(&o, query[name][0]); err != nil {
				wrong = append(wrong, fmt.Errorf("parameter %q: %w", name, err))
			}
		}
	}
	return o, errors.Join(wrong...)
}
