package s3store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/store"
)

// Driver teaches store.Open URLs such as s3://bucket/prefix?region=eu-central-1; the package's documentation lists the
// parameters.
func Driver() store.Driver {
	return store.Driver{Scheme: "s3", Open: func(ctx context.Context, u *url.URL) (store.Bucket, error) {
		o, err := optionsOf(u)
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

// parameters are what a URL's query may say.
var parameters = []struct {
	name string
	set  func(o *Options, value string) error
}{
	{"region", func(o *Options, v string) error { o.Region = v; return nil }},
	{"endpoint", func(o *Options, v string) error { o.Endpoint = v; return nil }},
	{"path_style", func(o *Options, v string) error { return setBool(&o.PathStyle, v) }},
	{"profile", func(o *Options, v string) error { o.Profile = v; return nil }},
	{"sse", func(o *Options, v string) error { o.SSE = v; return nil }},
	{"kms_key_id", func(o *Options, v string) error { o.KMSKeyID = v; return nil }},
	{"storage_class", func(o *Options, v string) error { o.StorageClass = v; return nil }},
	{"checksum", func(o *Options, v string) error { o.Checksum = Checksum(v); return nil }},
	{"part_size", func(o *Options, v string) error { return setSize(&o.PartSize, v) }},
	{"parallel", func(o *Options, v string) (err error) {
		if o.Parallel, err = strconv.Atoi(v); err != nil || o.Parallel < 1 {
			err = errors.New("write a number, such as 4")
		}
		return err
	}},
	{"unconditional", func(o *Options, v string) error { return setBool(&o.Unconditional, v) }},
}

// optionsOf reads a URL. Its errors show no value, as somebody may have written a secret where it does not belong.
func optionsOf(u *url.URL) (Options, error) {
	if u.User != nil {
		return Options{}, errors.New("an s3 URL has no user: credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or a profile")
	}
	if u.Fragment != "" {
		return Options{}, errors.New(`"#" starts a fragment; in a path write %23`)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Options{}, errors.New("the query is malformed; percent-encode special characters in it")
	}
	o := Options{Bucket: u.Host, Prefix: u.Path}
	names := make([]string, 0, len(parameters))
	for _, p := range parameters {
		names = append(names, p.name)
		values := query[p.name]
		delete(query, p.name)
		switch {
		case len(values) > 1:
			return Options{}, fmt.Errorf("parameter %s is there %d times", p.name, len(values))
		case len(values) == 1 && values[0] == "":
			return Options{}, fmt.Errorf("parameter %s is empty; leave it out", p.name)
		case len(values) == 1:
			if err := p.set(&o, values[0]); err != nil {
				return Options{}, fmt.Errorf("parameter %s: %w", p.name, err)
			}
		}
	}
	for unknown := range query {
		return Options{}, fmt.Errorf("unknown parameter %q; known are %s", unknown, strings.Join(names, ", "))
	}
	return o, nil
}

func setBool(b *bool, value string) (err error) {
	if *b, err = strconv.ParseBool(value); err != nil {
		return errors.New("write true or false")
	}
	return nil
}

// setSize reads bytes, or mebibytes as in 16MiB.
func setSize(size *int64, value string) error {
	digits, isMiB := strings.CutSuffix(value, "MiB")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > maxPartSize {
		return errors.New("write a number of bytes, or of mebibytes as in 16MiB")
	}
	if *size = n; isMiB {
		*size = n << 20
	}
	return nil
}
