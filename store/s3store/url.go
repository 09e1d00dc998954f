package s3store

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/internal/cloud"
)

// Driver opens URLs such as s3://bucket/prefix?region=eu-central-1 for store.Open. The package documentation lists the parameters.
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

// parameters are the parameters of a URL's query.
var parameters = map[string]func(o *Options, value string) error{
	"region":        func(o *Options, v string) error { o.Region = v; return nil },
	"endpoint":      func(o *Options, v string) error { o.Endpoint = v; return nil },
	"path_style":    func(o *Options, v string) error { return setBool(&o.PathStyle, v) },
	"profile":       func(o *Options, v string) error { o.Profile = v; return nil },
	"sse":           func(o *Options, v string) error { o.SSE = v; return nil },
	"kms_key_id":    func(o *Options, v string) error { o.KMSKeyID = v; return nil },
	"storage_class": func(o *Options, v string) error { o.StorageClass = v; return nil },
	"checksum":      func(o *Options, v string) error { o.Checksum = Checksum(v); return nil },
	"part_size":     func(o *Options, v string) error { return setSize(&o.PartSize, v) },
	"parallel": func(o *Options, v string) (err error) {
		if o.Parallel, err = strconv.Atoi(v); err != nil || o.Parallel < 1 {
			err = errors.New("write a number, such as 4")
		}
		return err
	},
	"unconditional": func(o *Options, v string) error { return setBool(&o.Unconditional, v) },
}

// optionsOf returns the Options of a URL. Its errors show no value, since somebody may have written a secret where it does not
// belong.
func optionsOf(u *url.URL) (Options, error) {
	o := Options{Bucket: u.Host, Prefix: u.Path}
	err := cloud.SetParameters(&o, u, parameters)
	if u.User != nil {
		err = errors.Join(errors.New("an s3 URL has no user: credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or a profile"), err)
	}
	return o, err
}

func setBool(b *bool, value string) (err error) {
	if *b, err = strconv.ParseBool(value); err != nil {
		return errors.New("write true or false")
	}
	return nil
}

// setSize parses bytes, or mebibytes as in 16MiB.
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
