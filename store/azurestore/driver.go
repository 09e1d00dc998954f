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
	"github.com/jetcapture/lake/store/internal/cloud"
)

// Driver opens URLs azblob://account/container/prefix for store.Open. The package documentation lists the parameters.
func Driver() store.Driver {
	return store.Driver{Scheme: "azblob", Open: func(_ context.Context, u *url.URL) (store.Bucket, error) {
		o, err := parseURL(u)
		if err != nil {
			return nil, err
		}
		return New(o)
	}}
}

// parameters are the parameters of a URL's query.
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

// secrets are query parameters in which people may try to pass secrets, and those of a SAS token.
var secrets = []string{
	"key", "account_key", "accountkey", "shared_key", "sharedkey", "sas", "sas_token", "sastoken", "token", "password", "secret",
	"connection_string", "connectionstring", "sig", "sv", "se", "st", "sp", "sr", "ss", "srt", "spr", "sip", "skoid", "sktid",
}

// parseURL returns the Options that a URL stands for. Its errors show no secrets.
func parseURL(u *url.URL) (Options, error) {
	const place = "secrets do not belong in a URL; set AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING instead"
	o := Options{Account: u.Host}
	o.Container, o.Prefix, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	var wrong []error
	if u.User != nil {
		wrong = append(wrong, errors.New(place))
	}
	if u.Host == "" || o.Container == "" {
		wrong = append(wrong, errors.New("write azblob://account/container/prefix"))
	}
	query, secret := u.Query(), false
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if slices.Contains(secrets, strings.ToLower(name)) {
			wrong = append(wrong, fmt.Errorf("parameter %q: %s", name, place))
			query.Del(name)
			secret = true
		}
	}
	rest := *u
	if secret {
		rest.RawQuery = query.Encode()
	}
	err := cloud.SetParameters(&o, &rest, parameters, "tag")
	return o, errors.Join(append(wrong, err)...)
}
