package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/format/arrow"
	"github.com/jetcapture/lake/format/parquet"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/schema/columns"
	"github.com/jetcapture/lake/store"
)

// An archive says where and how messages are stored, raw or in typed columns.
type archive struct {
	lake    lake
	format  string
	codec   string // of --compression
	split   string
	layout  string
	parquet parquet.Options
	typed   typed

	misses *misses      // once it is configured
	plan   *messagePlan // of typed columns, once they are known
}

func archiveFlags() []cli.Flag {
	const category = "Archive"
	return append(lakeFlags(), []cli.Flag{
		&cli.StringFlag{
			Name: "format", Sources: app.Env("format"), Category: category, Value: "parquet",
			Usage: "`FORMAT` of files: parquet, arrow, ndjson or csv",
		},
		&cli.StringFlag{
			Name: "split", Sources: app.Env("split"), Category: category, Value: "none",
			Usage: "make a folder for each `VALUE`: none, subject, token:N (of the subject, from 1) or header:NAME",
		},
		&cli.StringFlag{
			Name: "layout", Sources: app.Env("layout"), Category: category, Value: "hive",
			Usage: "`LAYOUT` of folders by time: hive or date",
		},
		&cli.IntFlag{
			Name: "compression-level", Sources: app.Env("compression-level"), Category: category,
			Usage:       "`LEVEL` of zstd (1 to 22) or gzip (1 to 9) in Parquet files; zstd 7 makes files of JSON a tenth smaller for 40% more CPU",
			DefaultText: "1 for zstd, 6 for gzip",
		},
	}...)
}

// archiveFrom reads the flags of archiveFlags.
func archiveFrom(cmd *cli.Command) *archive {
	a := &archive{
		lake: lakeFrom(cmd), format: cmd.String("format"), codec: cmd.String("compression"), split: cmd.String("split"), layout: cmd.String("layout"),
		typed: typedFrom(cmd),
	}
	a.parquet.Level = cmd.Int("compression-level")
	a.parquet.Codec = parquet.Codec(a.codec) // for its level
	return a
}

// configure sets what options need to archive messages. It reports all problems at once.
func (a *archive) configure(ctx context.Context, o *options) error {
	split, splitErr := parseSplit(a.split)
	if splitErr == nil {
		a.misses = &misses{split: split, log: o.Logger}
		o.MessageDecoder = decoder(a.misses.value)
	}
	return errors.Join(a.setStore(ctx, o, split), a.setFormat(o, split), splitErr, a.setLayout(o))
}

// decoder is jetcapture.NatsToNats with a payload that is used again, because the writers of an archive keep nothing of it.
func decoder(destKey func(*nats.Msg) string) func(*nats.Msg) (*jetcapture.NatsMessage, string, error) {
	m := new(jetcapture.NatsMessage)
	return func(msg *nats.Msg) (*jetcapture.NatsMessage, string, error) {
		return m, destKey(msg), m.Set(msg)
	}
}

func (a *archive) setStore(ctx context.Context, o *options, split split) error {
	bucket, err := a.lake.open(ctx)
	if err != nil {
		return err
	}
	o.Store = store.Blocks(bucket, split.path)
	return nil
}

func (a *archive) setFormat(o *options, split split) error {
	o.Suffix = a.format
	if a.parquet.Level != 0 && a.format != "parquet" {
		return fmt.Errorf("--compression-level %d: --format %s has no compression levels: leave it out", a.parquet.Level, a.format)
	}
	if a.format == "arrow" && (a.codec == string(format.GZip) || a.codec == string(format.Snappy)) {
		return fmt.Errorf("--compression %s: --format arrow takes none or zstd: write one of these, or leave it out", a.codec)
	}
	var err error
	if o.WriterFactory, err = a.rawWriters(); a.typed == (typed{}) {
		return err
	}
	a.typed.bucket = isBucket(o.NATSStreamName)
	plan, planErr := a.typed.plan(a.folders(split), o.Logger)
	if err != nil || planErr != nil {
		return errors.Join(err, planErr)
	}
	if plan == nil { // columns are to be inferred first, and until then nothing is captured
		o.WriterFactory = func() writer { return nil }
		return nil
	}
	a.plan = plan
	o.WriterFactory, err = a.planWriters(plan)
	return err
}

type writer = format.Writer[*jetcapture.NatsMessage]

func (a *archive) rawWriters() (func() writer, error) {
	switch a.format {
	case "parquet":
		writers, err := parquet.RawWriters[*jetcapture.NatsMessage](a.parquet)
		if err != nil {
			return nil, fmt.Errorf("--compression-level %d: %w", a.parquet.Level, err) // no other option can be wrong
		}
		return writers, nil
	case "arrow":
		return arrow.RawWriters[*jetcapture.NatsMessage](arrow.Options{})
	case "ndjson":
		return func() writer { return format.NewRawNDJSON[*jetcapture.NatsMessage]() }, nil
	case "csv":
		return func() writer { return format.NewRawCSV[*jetcapture.NatsMessage]() }, nil
	}
	return nil, errors.New("--format: unknown format: use parquet, arrow, ndjson or csv")
}

// planWriters returns the writers of typed columns in a format that rawWriters knows.
func (a *archive) planWriters(plan columns.Appender[*jetcapture.NatsMessage]) (writers func() writer, err error) {
	switch a.format {
	case "arrow":
		writers, err = arrow.PlanWriters(plan, arrow.Options{})
	case "ndjson":
		writers, err = format.PlanNDJSON(plan)
	case "csv":
		writers, err = format.PlanCSV(plan)
	default:
		writers, err = parquet.PlanWriters(plan, a.parquet)
	}
	if err != nil {
		return nil, fmt.Errorf("--format %s: %w", a.format, err)
	}
	return writers, nil
}

// folders returns the names of the folders name=value, which no column may have.
func (a *archive) folders(split split) (names []string) {
	if a.layout == "hive" {
		names = append(names, "date", "hour")
	}
	if split.folder != "" {
		names = append(names, split.folder)
	}
	return names
}

func (a *archive) setLayout(o *options) error {
	switch a.layout {
	case "hive":
		o.Layout = store.HiveLayout
	case "date":
		o.Layout = store.DateLayout
	default:
		return errors.New("--layout: unknown layout: use hive or date")
	}
	return nil
}
