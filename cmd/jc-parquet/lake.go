package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/store"
	"github.com/jetcapture/lake/store/azurestore"
	"github.com/jetcapture/lake/store/gcsstore"
	"github.com/jetcapture/lake/store/s3store"
)

// A lake is the place that --out names.
type lake struct {
	out     string // a path or URL; never shown, because it may contain secrets
	timeout time.Duration
	rate    int64 // bytes/s
	writes  int   // at a time
}

func lakeFlags() []cli.Flag {
	const category = "Archive"
	return []cli.Flag{
		&cli.StringFlag{
			Name: "out", Aliases: []string{"o"}, Sources: app.Env("out"), Category: category, TakesFile: true,
			Usage: "`PLACE` for files: a folder, or a URL such as s3://bucket/lake, azblob://account/container/lake, gs://bucket/lake",
		},
		&cli.DurationFlag{
			Name: "store-timeout", Sources: app.Env("store-timeout"), Category: category, Value: 30 * time.Second,
			Usage: "wait `TIME` for an answer of the store, and longer for large files",
			Validator: func(d time.Duration) error {
				if d < time.Millisecond {
					return errors.New("it must be at least 1ms")
				}
				return nil
			},
		},
		&app.SizeFlag{
			Name: "store-rate", Sources: app.Env("store-rate"), Category: category, DefaultText: "no limit",
			Usage: "store at most `SIZE` a second, such as 20MiB",
			Validator: func(n int64) error {
				if n < 0 {
					return errors.New("it must be at least 0")
				}
				return nil
			},
		},
	}
}

// lakeFrom reads the flags of lakeFlags.
func lakeFrom(cmd *cli.Command) lake {
	return lake{
		out: cmd.String("out"), timeout: cmd.Duration("store-timeout"), rate: cmd.Int64("store-rate"), writes: cmd.Int("store-concurrency"),
	}
}

// open returns the Bucket of the lake. It does no I/O.
func (l lake) open(ctx context.Context) (store.Bucket, error) {
	if l.out == "" {
		return nil, errors.New("--out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL")
	}
	if strings.HasPrefix(strings.ToLower(l.out), "mem:") {
		return nil, errors.New("--out: mem: keeps files in memory, and this process would lose them when it ends: name a folder, or the URL of a bucket")
	}
	bucket, err := openURL(ctx, l.out)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	limits := store.TimeoutOptions{Operation: l.timeout, Setting: "--store-timeout"}
	if l.rate > 0 { // a write that --store-rate slows down is not late; drivers read a file twice
		limits.MinRate = max(1, l.rate/int64(4*max(1, l.writes)))
		limits.MinRate = min(limits.MinRate, 256<<10)
	}
	return store.Limit(store.Timeout(bucket, limits), store.LimitOptions{BytesPerSecond: l.rate}), nil
}

// schemes are those of the URLs that users may write.
var schemes = []string{"file", "s3", "azblob", "gs"}

var schemeOf = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+)://`)

// openURL opens a folder by its path, or a bucket by its URL.
func openURL(ctx context.Context, place string) (store.Bucket, error) {
	if scheme := schemeOf.FindStringSubmatch(place); scheme != nil && !slices.Contains(schemes, strings.ToLower(scheme[1])) {
		return nil, fmt.Errorf("unknown scheme %q: use a path, or a URL of %s", scheme[1], strings.Join(schemes, ", "))
	}
	return store.Open(ctx, place, s3store.Driver(), azurestore.Driver(), gcsstore.Driver())
}

// probeWait is the pause after a first failure. Tests shorten it.
var probeWait = time.Second / 2

// probe checks that files can be stored in the lake as delivery needs it. It tries a few times, because the store may just be starting. It
// returns errStopped after a signal; all other errors are UsageErrors.
func (l lake) probe(ctx context.Context, delivery jetcapture.Delivery, log *zap.Logger) error {
	bucket, err := l.open(ctx)
	if err != nil {
		return err
	}
	ctx, stop := app.UntilSignal(ctx, log)
	defer stop()
	patient := store.Retry(bucket, store.RetryOptions{
		FirstWait: probeWait,
		Observe: func(op, _ string, _ int, err error, wait time.Duration) {
			if op != "remove" {
				log.Warn("the store cannot be used yet; retrying", zap.Duration("retry_in", wait), zap.Error(err))
			}
		},
	})
	switch err := store.Probe(ctx, patient); {
	case ctx.Err() != nil:
		return errStopped
	case errors.Is(err, store.ErrNotCreateOnly) && delivery == jetcapture.ExactlyOnce:
		return app.UsageError(fmt.Errorf("--out: %s; name another place, or accept duplicates with --delivery at-least-once", inLine(err)))
	case errors.Is(err, store.ErrNotCreateOnly):
		log.Warn("the store overwrites: if two captures ever choose the same name, one file is lost", zap.Error(err))
	case err != nil:
		switch {
		case isURL(l.out) && store.IsPermanent(err): // drivers say what to do
			return app.UsageError(fmt.Errorf("--out: %s", inLine(err)))
		case errors.Is(err, fs.ErrPermission):
			return app.UsageError(fmt.Errorf("--out: %s: let this user read and write there, or name another place", inLine(err)))
		}
		return app.UsageError(fmt.Errorf("--out: %s: make the place writable, or name another", inLine(err)))
	}
	return nil
}

// inLine returns the text of an error in one line.
func inLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// A lakeStore has all methods that a capture uses of a lake.
type lakeStore interface {
	store.BlockStore[string]
	store.RootWriter
	store.Locator[string]
	store.DestKeyChecker
}

// probed returns s as a store that a capture need not probe again.
func probed(s store.BlockStore[string]) store.BlockStore[string] {
	if all, ok := s.(lakeStore); ok {
		return probedStore{all}
	}
	return s
}

type probedStore struct{ lakeStore }

// Probe implements store.Prober.
func (probedStore) Probe(context.Context) error { return nil }
