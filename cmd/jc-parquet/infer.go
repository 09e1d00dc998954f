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

	jsoncolumns "github.com/jetcapture/lake/cmd/jc-parquet/internal/columns"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

// inferCommand shows what run --infer would make.
func inferCommand() *cli.Command {
	const category = "Columns"
	return &cli.Command{
		Name:  "infer",
		Usage: "list typed columns for the messages of a stream, for run --columns",
		Description: `Reads the first messages of a stream, by a consumer that is gone afterwards, and prints the columns that suit
their payloads, which are JSON objects: a list to look through, change and give to jc-parquet run --columns.
Objects are taken apart, unless names of their members are data, such as ids; these, lists, and what is of several
types are columns of JSON.

` + app.ExitCodes,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{
				Name: "stream", Aliases: []string{"s"}, Sources: app.Env("stream"), Category: category, Usage: "the `STREAM` to read",
			},
			&cli.StringSliceFlag{
				Name: "filter", Category: category, Usage: "read messages of this `SUBJECT` only, which may have wildcards; may come several times",
			},
			&cli.StringFlag{
				Name: "columns", Category: category, TakesFile: true, Usage: "write them to a new `FILE` too",
			},
			inferMessagesFlag("messages", category),
		}, app.ConnectionFlags(), app.LoggingFlags()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			file := cmd.String("columns")
			var errs []error
			if n := cmd.Args().Len(); n > 0 {
				errs = append(errs, fmt.Errorf("there are %d arguments beside the flags, and infer takes none; see %s --help", n, cmd.FullName()))
			}
			if cmd.String("stream") == "" {
				errs = append(errs, errors.New("--stream is missing: name the stream to read, as in --stream ORDERS (or JC_STREAM)"))
			}
			if _, err := os.Lstat(file); err == nil {
				errs = append(errs, fmt.Errorf("--columns: %s is there already, and files may be of its columns: name another", file))
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

// inferFolders returns names that no inferred column may have.
func inferFolders(stream string, folders ...string) []string {
	if isBucket(stream) {
		return append(folders, jsoncolumns.Operation)
	}
	return folders
}

// errStopped says that a signal came before columns were inferred.
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

// pinTo infers columns, writes them to a file unless that is "", and shows them. It returns errStopped after a signal.
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
			s.log.Info("the columns have been made by another process meanwhile, and are used as they are", zap.String("file", file))
			return nil
		case err != nil:
			return fmt.Errorf("--columns: %w", err)
		}
		s.log.Info("columns are inferred", zap.String("file", file), zap.Int("columns", len(found.Columns)), zap.Int("messages", found.messages))
	}
	_, err = cmd.Root().Writer.Write(text)
	return err
}
