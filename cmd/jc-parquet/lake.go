package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	out     string // a path or URL; not to be shown, as people write secrets where they do not belong
	timeout time.Duration
	rate    int64 // bytes/s
	writes  int   // at a time
}

func lakeFlags() []cli.Flag {
	const category = "Archive"
	return []cli.Flag{
		&cli.StringFlag{
			Name: "out", Aliases: []string{"o"}, Sources: app.Env("out"), Category: category, TakesFile: true,
			Usage: "the `PLACE` of the files: a folder, or a URL such as s3://bucket/lake, azblob://account/container/lake, gs://bucket/lake",
		},
		&cli.DurationFlag{
			Name: "store-timeout", Sources: app.Env("store-timeout"), Category: category, Value: 30 * time.Second,
			Usage: "how much `TIME` the store has for an answer; for a file more, by its size",
			Validator: func(d time.Duration) error {
				if d < time.Millisecond {
					return errors.New("it must be at least 1ms")
				}
				return nil
			},
		},
		&app.SizeFlag{
			Name: "store-rate", Sources: app.Env("store-rate"), Category: category, DefaultText: "no limit",
			Usage: "store `SIZE` a second at most, such as 20MiB",
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

// open returns the Bucket of the lake, without having looked at it.
func (l lake) open(ctx context.Context) (store.Bucket, error) {
	if l.out == "" {
		return nil, errors.New("--out is missing: name a folder for the files, as in --out /lake (or JC_OUT), or a URL")
	}
	if strings.HasPrefix(strings.ToLower(l.out), "mem:") {
		return nil, errors.New("--out: mem: keeps files in memory, where all of them would be lost with this process: name a folder, or the URL of a bucket")
	}
	bucket, err := openURL(ctx, l.out)
	if err != nil {
		return nil, fmt.Errorf("--out: %w", err)
	}
	limits := store.TimeoutOptions{Operation: l.timeout, Setting: "--store-timeout"}
	if l.rate > 0 { // what --store-rate makes slow is not late; drivers read a file twice
		limits.MinRate = max(1, l.rate/int64(4*max(1, l.writes)))
		limits.MinRate = min(limits.MinRate, 256<<10)
	}
	return store.Limit(store.Timeout(bucket, limits), store.LimitOptions{BytesPerSecond: l.rate}), nil
}

// openURL opens a folder by its path, or what a URL names.
func openURL(ctx context.Context, place string) (store.Bucket, error) {
	return store.Open(ctx, place, s3store.Driver(), azurestore.Driver(), gcsstore.Driver())
}

// probeWait is how long probe waits after a first failure. Tests have less time.
var probeWait = time.Second / 2

// probe tries whether files can be stored in the lake as delivery needs it, a few times, as the store may be just starting. It
// returns errStopped after a signal, and else UsageErrors.
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
				log.Warn("the store cannot be used yet, will retry", zap.Duration("retry_in", wait), zap.Error(err))
			}
		},
	})
	switch err := store.Probe(ctx, patient); {
	case ctx.Err() != nil:
		return errStopped
	case errors.Is(err, store.ErrNotCreateOnly) && delivery == jetcapture.ExactlyOnce:
		return app.UsageError(fmt.Errorf("--out: %s; name another place, or be content with --delivery at-least-once", said(err)))
	case errors.Is(err, store.ErrNotCreateOnly):
		log.Warn("the store works, but should two captures ever choose the same name, one file is lost", zap.Error(err))
	case err != nil:
		switch {
		case isURL(l.out) && store.IsPermanent(err): // drivers say what to do
			return app.UsageError(fmt.Errorf("--out: %s", said(err)))
		case errors.Is(err, fs.ErrPermission):
			return app.UsageError(fmt.Errorf("--out: %s: let this user read and write there, or name another place", said(err)))
		}
		return app.UsageError(fmt.Errorf("--out: %s: see that files can be stored there, or name another place", said(err)))
	}
	return nil
}

// said is what an error says, in a line.
func said(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// A lakeStore is what a capture can do with a lake.
type lakeStore interface {
	store.BlockStore[string]
	store.RootWriter
	store.Locator[string]
	store.DestKeyChecker
}

// probed returns s as a store that has been probed, for a capture that would do it again.
func probed(s store.BlockStore[string]) store.BlockStore[string] {
	if all, ok := s.(lakeStore); ok {
		return probedStore{all}
	}
	return s
}

type probedStore struct{ lakeStore }

// Probe implements store.Prober.
func (probedStore) Probe(context.Context) error { return nil }
