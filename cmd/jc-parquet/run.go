package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

// options are those of a capture of raw messages, split by a string.
type options = jetcapture.Options[*jetcapture.NatsMessage, string]

func runCommand() *cli.Command {
	var p *progress
	cmd := app.NewAppSkeleton(func(cmd *cli.Command, o *options) error {
		p = newProgress(o.Logger)
		o.Observer = p.observer()
		return archiveFrom(cmd).configure(context.Background(), o)
	})
	cmd.Name = "run"
	cmd.Version = ""
	cmd.Usage = "archive the messages of a stream, as they are, until it is stopped"
	cmd.Description = runDescription + app.ExitCodes
	cmd.Flags = slices.Concat(archiveFlags(), cmd.Flags)
	for _, flag := range cmd.Flags {
		if f, ok := flag.(*cli.StringFlag); ok && f.Name == "compression" {
			f.Usage, f.DefaultText = "`CODEC` of the files: none, gzip, snappy or zstd", "zstd for parquet, none for others"
		}
	}
	capture := cmd.Action
	cmd.Action = func(ctx context.Context, cmd *cli.Command) error {
		err := capture(ctx, cmd)
		if p.began() {
			p.summary()
		}
		return err
	}
	return cmd
}

const runDescription = `Binds to a durable pull consumer with explicit acks, and acks a message only when the file that holds it is
durable. Several processes may share a consumer. Messages that cannot be archived go to files under
_deadletter.

Every format has the same columns: subject, reply, headers, data, stream, consumer, stream_seq,
consumer_seq, timestamp, timestamp_ns, num_delivered, num_pending.

Folders: --split subject makes subject=…, token:2 makes token_2=…, header:Tenant-Id makes tenant_id=…
(header_ comes before a name that is a column already). Messages without the token or header go to
__HIVE_DEFAULT_PARTITION__. Below come date=…/hour=…, or 2006/01/02/15/04 with --layout date.

SIGINT or SIGTERM stops pulling and stores what is held; a second one ends at once.

`
