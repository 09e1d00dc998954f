package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/schema/jsoncolumns"
)

// inferCommand prints the columns that run --infer would write.
func inferCommand() *cli.Command {
	const category = "Columns"
	return &cli.Command{
		Name:  "infer",
		Usage: "list typed columns for the messages of a stream, for run --columns",
		Description: `Reads the first messages of a stream, through a temporary consumer, and prints a list of columns for their payloads,
which must be JSON objects. Check the list, change it, and give it to jc-parquet run --columns. Members of objects
become columns. Objects whose member names are data, such as ids, become columns of JSON, as do lists and members of
several types.

` + app.ExitCodes,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{
				Name: "stream", Aliases: []string{"s"}, Sources: app.Env("stream"), Category: category, Usage: "read this `STREAM`",
			},
			&cli.StringSliceFlag{
				Name: "filter", Category: category, Usage: "read only messages of `SUBJECT`, which may have wildcards; may be repeated",
			},
			&cli.StringFlag{
				Name: "columns", Category: category, TakesFile: true, Usage: "also write the list to a new `FILE`",
			},
			inferMessagesFlag("messages", category),
		}, app.ConnectionFlags(), app.LoggingFlags()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			file := cmd.String("columns")
			var errs []error
			if cmd.Args().Present() {
				errs = append(errs, fmt.Errorf("unexpected arguments: infer takes only flags; see %s --help", cmd.FullName()))
			}
			if cmd.String("stream") == "" {
				errs = append(errs, errors.New("--stream is missing: name the stream to read, as in --stream ORDERS (or JC_STREAM)"))
			}
			if _, err := os.Lstat(file); err == nil {
				errs = append(errs, fmt.Errorf("--columns: %s exists, and files may have its columns: name another file", file))
			}
			if err := errors.Join(append(errs, app.CheckConnection(cmd))...); err != nil {
				return app.UsageError(err)
			}
			s := &sample{
				stream: cmd.String("stream"), filter: cmd.StringSlice("filter"), messages: cmd.Int("messages"), quiet: inferQuiet, whole: true,
				domain: cmd.String("js-domain"), folders: inferFolders(cmd.String("stream"), "date", "hour"), log: app.Logger(cmd),
			}
			if err := s.pinTo(ctx, cmd, file); !errors.Is(err, errStopped) {
				return err
			}
			return nil
		},
	}
}

// inferFolders returns the names that no inferred column may have.
func inferFolders(stream string, folders ...string) []string {
	if isBucket(stream) {
		return append(folders, jsoncolumns.Operation)
	}
	return folders
}

// errStopped means that a signal came before anything was captured.
var errStopped = errors.New("stopped")

// inferColumns makes the file of --columns for a run.
func inferColumns(ctx context.Context, cmd *cli.Command, o *options) error {
	a := archiveFrom(cmd)
	split, err := parseSplit(a.split)
	if err != nil {
		return app.UsageError(err)
	}
	s := &sample{
		stream: o.NATSStreamName, consumer: o.NATSConsumerName, create: o.CreateConsumer, messages: cmd.Int("infer-messages"),
		quiet: inferQuiet, whole: o.UntilCaughtUp, domain: o.JetStreamDomain, folders: inferFolders(o.NATSStreamName, a.folders(split)...), log: o.Logger,
	}
	return s.pinTo(ctx, cmd, a.typed.file)
}

// pinTo infers columns, writes them to file unless that is "", and prints them. It returns errStopped after a signal.
func (s *sample) pinTo(ctx context.Context, cmd *cli.Command, file string) error {
	ctx, stop := app.UntilSignal(ctx, s.log)
	defer stop()
	nc, domain, err := app.Connect(ctx, cmd, s.log)
	if err != nil {
		return err
	}
	defer nc.Close()
	if s.domain == "" {
		s.domain = domain
	}
	until, unwatch := jetcapture.WatchPermissions(ctx, nc, s.permissions(nc.Opts.InboxPrefix))
	found, err := s.infer(until, nc)
	refused := context.Cause(until)
	unwatch()
	switch {
	case errors.Is(refused, jetcapture.ErrPermission):
		return fmt.Errorf("infer columns: %w", refused)
	case ctx.Err() != nil:
		return errStopped
	case err != nil:
		return err
	}
	text := found.text(s.stream)
	if file != "" {
		switch err := pin(file, text); {
		case errors.Is(err, fs.ErrExist):
			s.log.Info("another process has written the columns meanwhile; using them", zap.String("file", file))
			return nil
		case err != nil:
			return fmt.Errorf("--columns: %w", err)
		}
		s.log.Info("columns are inferred", zap.String("file", file), zap.Int("columns", len(found.Columns)), zap.Int("messages", found.messages))
	}
	_, err = cmd.Root().Writer.Write(text)
	return err
}
