package main

import (
	"context"
	"errors"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

// options are the options of a capture whose destination key is a string.
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
	cmd.Usage = "archive the messages of a stream, raw or in typed columns, until stopped"
	cmd.Description = runDescription + app.ExitCodes
	cmd.Flags = runFlags()
	capture := cmd.Action
	cmd.Action = func(ctx context.Context, cmd *cli.Command) error {
		pending = typedFrom(cmd).missing()
		o := app.OptionsFrom[*jetcapture.NatsMessage, string](cmd)
		if cmd.Args().Len() == 0 && setup(cmd, o) == nil && app.CheckOptions(cmd, o) == nil { // otherwise capture reports the errors
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

// runFlags returns the flags of run, doctor and permissions.
func runFlags() []cli.Flag {
	flags := slices.Concat(archiveFlags(), typedFlags(), app.ConnectionFlags(), app.CaptureFlags(), app.LoggingFlags())
	for _, flag := range flags {
		f, ok := flag.(*cli.StringFlag)
		switch {
		case ok && f.Name == "compression":
			f.Usage, f.DefaultText = "`COMPRESSION` of files: none, gzip, snappy or zstd; for arrow none or zstd", "zstd for parquet, none for others"
		case ok && f.Name == "delivery":
			f.Usage, f.Value = "delivery `GUARANTEE`: exactly-once or at-least-once", string(jetcapture.ExactlyOnce)
		}
	}
	return flags
}

const runDescription = `Binds to a durable pull consumer with explicit acks, and acks a message only when the file that contains it is
durable. Several processes may share a consumer. A bad message goes to a file under _deadletter and never blocks the
rest. Run jc-parquet doctor first to check stream, consumer and store.

Delivery: every message is in exactly one file, whatever crashes, stalls or is delivered again. The store must refuse to
overwrite. A stream, the ledger (--ledger), remembers which messages are in which file; nobody else may change it, or
the files. All captures of a consumer need the same --ledger and --out; other flags may differ. A process that crashes
may leave a file without rows, which is removed after --ledger-retention. --delivery at-least-once needs none of that,
and after a crash some messages are in two files.

Raw messages have the same columns in every format: subject, reply, headers, data, stream, consumer, stream_seq,
consumer_seq, timestamp, timestamp_ns, num_delivered, num_pending.

Typed columns: --columns FILE names columns of payloads that are JSON objects, as a list in YAML or JSON:

   - name: id             # the column
     path: order.id       # in the payload; default: name; [order, "a.b"] if names contain dots
     type: int64
     nullable: false      # messages without it are dead letters; default: true
   - name: placed
     type: timestamp

Types: bool, int8 to int64, uint8 to uint64, float32, float64, decimal(18,2), string, bytes and fixed(16) (base64),
json, uuid, timestamp, date, time, duration (nanoseconds). Integers and decimals may also be text ("12.50"). A
timestamp is text of RFC 3339, stored in microseconds. timestamp(millis), (micros) and (nanos) are stored in that unit
and also take numbers of that unit since 1970. timestamp(seconds) takes numbers of seconds, with or without a fraction,
and stores microseconds. Digits below the unit are cut off; with exact: true such a time does not fit. Further members
are encoding (plain, dict, delta, split), bloom (true) and sort (ascending, descending).

Files then have the columns subject, headers (JSON), stream, stream_seq, timestamp, timestamp_ns, those of the list, and
_rest: JSON of everything that no column took, including nulls and values that do not fit. The log counts these, and
says which type to write instead. Payloads that are no JSON objects, empty or not UTF-8 are dead letters. Files of a
key-value bucket (a stream KV_…) have a column operation before those of the list, unless the list has one: PUT, or DEL
or PURGE in rows of nulls.

--infer writes the file from the first messages if it does not exist, and prints it; it never changes an existing file.
At the start run compares the columns with the newest Parquet file in --out, and refuses columns that have another type
there, unless --allow-schema-change is given. Without --split it looks in the folders of today and yesterday first. If
it must list more than 5,000 objects, it compares nothing and warns.

Folders: --split subject makes by_subject=…, token:2 makes token_2=…, header:Tenant-Id makes tenant_id=… (or
header_tenant_id=… if that is a column). Messages without the token or header go to __HIVE_DEFAULT_PARTITION__. Below are
date=…/hour=…, or 2006/01/02/15/04 with --layout date.

Places: --out is a local folder, by its path or as file:///lake, or an existing bucket or container:

   s3://bucket/lake?region=eu-central-1
   s3://bucket/lake?endpoint=https://minio.example.com:9000&path_style=true
   azblob://account/container/lake
   gs://bucket/lake

More parameters of s3: profile, sse, kms_key_id, storage_class, checksum, part_size, parallel, unconditional (for
servers without conditional writes); of azblob: endpoint, tier, tag, encryption_scope, block_size, parallel; of gs:
storage_class, kms_key, user_project, chunk_size, endpoint, anonymous. Unknown ones are refused. Credentials are never
part of a URL. They are found as the tools of each cloud find them (AWS_ACCESS_KEY_ID or a profile; AZURE_STORAGE_KEY,
AZURE_STORAGE_SAS_TOKEN or an identity; GOOGLE_APPLICATION_CREDENTIALS or gcloud's). At the start run makes an object
under _jetcapture and removes it, to check the place.

SIGINT, SIGTERM or SIGHUP stops pulling and stores what is held. More signals within a second are ignored; a later one
ends the process at once.

`
