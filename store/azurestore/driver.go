package azurestore

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

// Driver teaches store.Open the URLs azblob://account/container/prefix, see the package's documentation.
func Driver() store.Driver {
	return store.Driver{Scheme: "azblob", Open: func(_ context.Context, u *url.URL) (store.Bucket, error) {
		o, err := parseURL(u)
		if err != nil {
			return nil, err
		}
		return New(o)
	}}
}

// parameters are what may be in the query of a URL.
var parameters = map[string]func(o *Options, value string) error{
	"endpoint": func(o *Options, value string) error {
		o.Endpoint = value
		return nil
	},
	"tier": func(o *Options, value string) (err error) {
		o.AccessTier, err = parseTier(value)
		return err
	},
	"tag": func(o *Options, tag string) error {
		name, value, ok := strings.Cut(tag, "=")
		if !ok {
			return errors.New("write name=value; repeat the parameter for more tags")
		}
		if o.Tags == nil {
			o.Tags = make(map[string]string)
		}
		o.Tags[name] = value
		return nil
	},
	"encryption_scope": func(o *Options, value string) error {
		o.EncryptionScope = value
		return nil
	},
	"block_size": func(o *Options, value string) (err error) {
		if o.BlockSize, err = strconv.ParseInt(value, 10, 64); err != nil || o.BlockSize <= 0 {
			return errors.New("write a number of bytes")
		}
		return nil
	},
	"parallel": func(o *Options, value string) (err error) {
		if o.Parallel, err = strconv.Atoi(value); err != nil || o.Parallel <= 0 {
			return errors.New("write how many blocks are sent at a time")
		}
		return nil
	},
}

// secrets are query parameters that people may try, and those of a SAS token.
var secrets = []string{
	"key", "account_key", "accountkey", "shared_key", "sharedkey", "sas", "sas_token", "sastoken", "token", "password", "secret",
	"connection_string", "connectionstring", "sig", "sv", "se", "st", "sp", "sr", "ss", "srt", "spr", "sip", "skoid", "sktid",
}

// parseURL returns the Options that a URL stands for. Its errors show nothing that may be a secret.
func parseURL(u *url.URL) (Options, error) {
	const place = "secrets do not belong into a URL; set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING instead"
	o := Options{Account: u.Host}
	o.Container, o.Prefix, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	var wrong []error
	if u.User != nil {
		wrong = append(wrong, errors.New(place))
	}
	if u.Fragment != "" {
		wrong = append(wrong, errors.New(`"#" starts a fragment; in a path write %23`))
	}
	if u.Host == "" || o.Container == "" {
		wrong = append(wrong, errors.New("write azblob://account/container/prefix"))
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil { // which shows parts of it
		wrong = append(wrong, errors.New("the query is malformed; percent-encode special characters in it"))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		set, known := parameters[name]
		switch {
		case slices.Contains(secrets, strings.ToLower(name)):
			wrong = append(wrong, fmt.Errorf("parameter %q: %s", name, place))
		case !known:
			wrong = append(wrong, fmt.Errorf("unknown parameter %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", ")))
		case name != "tag" && len(query[name]) > 1:
			wrong = append(wrong, fmt.Errorf("parameter %q is there %d times", name, len(query[name])))
		default:
			for _, value := range query[name] {
				if err := set(&o, value); err != nil {
					wrong = append(wrong, fmt.Errorf("parameter %q: %w", name, err))
				}
			}
		}
	}
	return o, errors.Join(wrong...)
}
