package main

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

// options are those of a capture of messages, split by a string.
type options = jetcapture.Options[*jetcapture.NatsMessage, string]

func runCommand() *cli.Command {
	var p *progress
	pending, tried := false, false
	setup := func(cmd *cli.Command, o *options) error {
		a := archiveFrom(cmd)
		a.typed.pending = pending
		p = newProgress(o.Logger)
		o.Observer = p.observer()
		err := a.configure(context.Background(), o)
		p.misses = a.misses
		if a.plan != nil {
			p.counts = a.plan.Counts()
		}
		if tried {
			o.Store = probed(o.Store)
		}
		return err
	}
	cmd := app.NewAppSkeleton(setup)
	cmd.Name = "run"
	cmd.Version = ""
	cmd.Usage = "archive the messages of a stream, as they are or in typed columns, until stopped"
	cmd.Description = runDescription + app.ExitCodes
	cmd.Flags = runFlags()
	capture := cmd.Action
	cmd.Action = func(ctx context.Context, cmd *cli.Command) error {
		pending = typedFrom(cmd).missing()
		o := app.OptionsFrom[*jetcapture.NatsMessage, string](cmd)
		if cmd.Args().Len() == 0 && setup(cmd, o) == nil && app.CheckOptions(cmd, o) == nil { // otherwise the capture says what is wrong
			err := lakeFrom(cmd).probe(ctx, o.Delivery, o.Logger)
			tried = err == nil
			if err == nil && pending {
				err = inferColumns(ctx, cmd, o)
			}
			if err == nil {
				err = archiveFrom(cmd).checkSchemaChange(ctx, cmd.Bool("allow-schema-change"), o)
			}
			switch {
			case errors.Is(err, errStopped):
				return nil
			case err != nil:
				return err
			}
			pending = false
		}
		err := capture(ctx, cmd)
		if p.began() {
			p.summary()
		}
		return err
	}
	return cmd
}

// runFlags are those of run, and of all that looks at what it would do.
func runFlags() []cli.Flag {
	flags := slices.Concat(archiveFlags(), typedFlags(), app.ConnectionFlags(), app.CaptureFlags(), app.LoggingFlags())
	for _, flag := range flags {
		f, ok := flag.(*cli.StringFlag)
		switch {
		case ok && f.Name == "compression":
			f.Usage, f.DefaultText = "`CODEC` of the files: none, gzip, snappy or zstd; for arrow none or zstd", "zstd for parquet, none for others"
		case ok && f.Name == "delivery":
			f.Usage, f.Value = "`PROMISE` of the files: exactly-once or at-least-once", string(jetcapture.ExactlyOnce)
		}
	}
	return flags
}

const runDescription = `Binds to a durable pull consumer with explicit acks, and acks a message only when the file that holds it is
durable. Several processes may share a consumer. Messages that cannot be archived go to files under
_deadletter. See jc-parquet doctor for whether stream, consumer and store suit it.

Delivery: every message is in exactly one file, whatever crashes, stalls or is delivered again. For that the store
must refuse to overwrite, and a stream of its own, the ledger (--ledger), remembers which messages are in which file;
nobody else may change it, or files. All captures of a consumer need the same --ledger and --out; other flags may
differ. A process that crashes may leave a file without rows, which is removed after --ledger-retention. With
--delivery at-least-once none of that is needed, and some messages are in two files after a crash.

Messages as they are have the same columns in every format: subject, reply, headers, data, stream, consumer,
stream_seq, consumer_seq, timestamp, timestamp_ns, num_delivered, num_pending.

Typed columns: --columns FILE names columns in payloads that are JSON objects, as a list in YAML or JSON:

   - name: id             # of the column
     path: order.id       # in the payload; name if left out; [order, "a.b"] if names have dots
     type: int64
     nullable: false      # then messages without it are dead letters; true if left out
   - name: placed
     type: timestamp

Types: bool, int8 to int64, uint8 to uint64, float32, float64, decimal(18,2), string, bytes and fixed(16) (base64),
json, uuid, timestamp, date, time, duration (nanoseconds). Integers and decimals are also taken from text ("12.50").
A timestamp is text of RFC 3339, kept in microseconds; timestamp(millis), (micros) and (nanos) are kept in that unit,
and take numbers too, which count it since 1970; timestamp(seconds) takes numbers of seconds, with or without a
fraction, and keeps microseconds. What is finer than the unit is cut off; with exact: true such a time does not fit.
There are also encoding (plain, dict, delta, split), bloom (true) and sort (ascending, descending).

The columns of files are then subject, headers (JSON), stream, stream_seq, timestamp, timestamp_ns, those of the list,
and _rest: JSON of all that no column took, nulls and values that do not fit their column among it; the log counts
these, and says what to write instead. Payloads that are no JSON, empty or not UTF-8 are dead letters. Files of a
key-value bucket (a stream KV_…) have a column operation before those of the list, unless it has one: PUT, or DEL or
PURGE in rows of nulls.

--infer makes the file from the first messages, if it is not there, and prints it; what is there is never changed.
At the start the columns are compared with those of the newest Parquet file in --out; columns that have another type
there are refused, unless --allow-schema-change is given. Without --split it is looked for in the folders of today and
yesterday first. Where more than 5,000 objects are listed a warning says that nothing was compared.

Folders: --split subject makes by_subject=…, token:2 makes token_2=…, header:Tenant-Id makes tenant_id=…
(header_ comes before a name that is a column already). Messages without the token or header go to
__HIVE_DEFAULT_PARTITION__. Below come date=…/hour=…, or 2006/01/02/15/04 with --layout date.

Places: --out is a local folder, by its path or as file:///lake, or a bucket or container that is there already:

   s3://bucket/lake?region=eu-central-1
   s3://bucket/lake?endpoint=https://minio.example.com:9000&path_style=true
   azblob://account/container/lake
   gs://bucket/lake

Further parameters of s3: profile, sse, kms_key_id, storage_class, checksum, part_size, parallel, unconditional (for
servers without conditional writes); of azblob: endpoint, tier, tag, encryption_scope, block_size, parallel; of gs:
storage_class, kms_key, user_project, chunk_size, endpoint, anonymous. Unknown ones are refused. Credentials are never
part of a URL: they are found as by the tools of each cloud (AWS_ACCESS_KEY_ID or a profile; AZURE_STORAGE_KEY,
AZURE_STORAGE_SAS_TOKEN or an identity; GOOGLE_APPLICATION_CREDENTIALS or that of gcloud). At the start an object is
made under _jetcapture and removed, to see that it works.

SIGINT, SIGTERM or SIGHUP stops pulling and stores what is held. Others within a second are ignored; a later one ends
at once.

`
