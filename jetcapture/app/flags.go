package app

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
)

const (
	captureCategory = "Capture"
	limitsCategory  = "Limits"
)

// Env returns the environment variable of a flag: JC_MAX_BYTES for max-bytes.
func Env(flag string) cli.ValueSourceChain {
	return cli.EnvVars("JC_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
}

// CaptureFlags returns new flags, which OptionsFrom reads.
func CaptureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "stream", Aliases: []string{"s", "stream-name"}, Sources: Env("stream"), Category: captureCategory,
			Usage: "capture this `STREAM`",
		},
		&cli.StringFlag{
			Name: "consumer", Aliases: []string{"c", "consumer-name"}, Sources: Env("consumer"), Category: captureCategory,
			Usage: "durable pull `CONSUMER` of the stream, with explicit acks",
		},
		&cli.BoolFlag{
			Name: "create-consumer", Sources: Env("create-consumer"), Category: captureCategory,
			Usage: "create the consumer if it does not exist",
		},
		&cli.BoolFlag{
			Name: "until-caught-up", Sources: Env("until-caught-up"), Category: captureCategory,
			Usage: "end once no message of the consumer is pending or un-acked",
		},
		&cli.DurationFlag{
			Name: "interval", Aliases: []string{"max-age"}, Sources: Env("interval"), Category: captureCategory,
			Usage: "a file covers `TIME`, aligned to midnight UTC",
			Value: jetcapture.DefaultMaxAge, Validator: atLeast(time.Second),
		},
		&cli.DurationFlag{
			Name: "grace", Aliases: []string{"late"}, Sources: Env("grace"), Category: captureCategory,
			Usage: "accept late messages for `TIME` after an interval ends",
			Value: jetcapture.DefaultGrace, Validator: atLeast(time.Duration(0)),
		},
		&cli.StringFlag{
			Name: "compression", Sources: Env("compression"), Category: captureCategory,
			Usage:       "compression of files: `CODEC` is none, gzip, snappy or zstd",
			DefaultText: "none, or the default of a format that compresses inside", Validator: func(s string) error {
				if format.Codec(s).Check(format.None, format.GZip, format.Snappy, format.Zstd) != nil {
					return fmt.Errorf("unknown compression: use %s, %s, %s or %s", format.None, format.GZip, format.Snappy, format.Zstd)
				}
				return nil
			},
		},
		&cli.StringFlag{
			Name: "delivery", Sources: Env("delivery"), Category: captureCategory,
			Usage: "delivery `GUARANTEE`: at-least-once, or exactly-once, which needs a store that refuses to overwrite and makes a stream, the ledger",
			Value: string(jetcapture.AtLeastOnce), Validator: func(s string) error {
				if d := jetcapture.Delivery(s); d != jetcapture.AtLeastOnce && d != jetcapture.ExactlyOnce {
					return fmt.Errorf("unknown delivery: use %s or %s", jetcapture.AtLeastOnce, jetcapture.ExactlyOnce)
				}
				return nil
			},
		},
		&cli.StringFlag{
			Name: "ledger", Sources: Env("ledger"), Category: captureCategory,
			Usage: "`NAME` of the ledger's stream; all captures of a consumer use the same ledger and the same store", DefaultText: "JC_<stream>_<consumer>",
		},
		&cli.StringFlag{
			Name: "ledger-subject", Sources: Env("ledger-subject"), Category: captureCategory,
			Usage: "`SUBJECT` that the subjects of a new ledger begin with", DefaultText: "JC_LEDGER",
		},
		&cli.DurationFlag{
			Name: "ledger-retention", Sources: Env("ledger-retention"), Category: captureCategory,
			Usage:       "remember files for `TIME` after all messages up to them are acked; it applies to all captures of the ledger; a message may be held for half of it",
			DefaultText: "the ledger's, but at least 1h and twice the sum of --interval, the consumer's AckWait and, with --min-messages, --max-linger", Validator: atLeast(time.Duration(0)),
		},
		&SizeFlag{
			Name: "ledger-max-bytes", Sources: Env("ledger-max-bytes"), Category: captureCategory,
			Usage:       "reserve `SIZE` on the server for a new ledger; when it is used up, nothing is stored until files are forgotten",
			DefaultText: "no limit, or 256MiB if the account requires one", Validator: atLeast(int64(0)),
		},
		&cli.IntFlag{
			Name: "max-messages", Sources: Env("max-messages"), Category: captureCategory,
			Usage:       "end a file at `N` messages",
			DefaultText: "no limit", Validator: atLeast(0),
		},
		&SizeFlag{
			Name: "max-bytes", Sources: Env("max-bytes"), Category: captureCategory,
			Usage:       "end a file at `SIZE`, such as 64MiB",
			DefaultText: "no limit", Validator: atLeast(int64(0)),
		},
		&cli.IntFlag{
			Name: "min-messages", Aliases: []string{"min-rows"}, Sources: Env("min-messages"), Category: captureCategory,
			Usage:       "keep a file of fewer than `N` messages open for the next intervals of its folder",
			DefaultText: "a file covers one interval", Validator: atLeast(0),
		},
		&cli.DurationFlag{
			Name: "max-linger", Sources: Env("max-linger"), Category: captureCategory,
			Usage: "keep a file of fewer than --min-messages open for at most `TIME` after its interval",
			Value: jetcapture.DefaultMaxLinger, Validator: atLeast(time.Second),
		},
		&cli.IntFlag{
			Name: "max-in-flight", Sources: Env("max-in-flight"), Category: limitsCategory,
			Usage: "hold at most `N` un-acked messages",
			Value: jetcapture.DefaultMaxInFlight, Validator: atLeast(1),
		},
		&SizeFlag{
			Name: "memory-limit", Sources: Env("memory-limit"), Category: limitsCategory,
			Usage: "use at most `SIZE` of memory; the garbage collector keeps to it too, unless GOMEMLIMIT is set",
			Value: jetcapture.DefaultMemoryLimit, Validator: atLeast(int64(16 << 20)),
		},
		&cli.BoolFlag{
			Name: "buffer-to-disk", Sources: Env("buffer-to-disk"), Category: limitsCategory,
			Usage: "keep open files in temporary files instead of memory",
		},
		&cli.StringFlag{
			Name: "tmp-dir", Sources: Env("tmp-dir"), Category: limitsCategory, TakesFile: true,
			Usage: "`DIRECTORY` for temporary files", DefaultText: "the system's",
		},
		&cli.IntFlag{
			Name: "store-concurrency", Sources: Env("store-concurrency"), Category: limitsCategory,
			Usage: "store `N` files at a time",
			Value: jetcapture.DefaultStoreConcurrency, Validator: atLeast(1),
		},
		&cli.DurationFlag{
			Name: "drain-timeout", Sources: Env("drain-timeout"), Category: limitsCategory,
			Usage: "store what is held for at most `TIME` after a signal",
			Value: jetcapture.DefaultDrainTimeout, Validator: atLeast(time.Millisecond),
		},
	}
}

// OptionsFrom returns options with the values of the flags of CaptureFlags, ConnectionFlags and LoggingFlags. The caller sets the
// decoder, the writer and the store.
func OptionsFrom[P jetcapture.Payload, K jetcapture.DestKey](cmd *cli.Command) *jetcapture.Options[P, K] {
	o := jetcapture.DefaultOptions[P, K]()
	o.NATSStreamName = cmd.String("stream")
	o.NATSConsumerName = cmd.String("consumer")
	o.JetStreamDomain = cmd.String("js-domain")
	o.CreateConsumer = cmd.Bool("create-consumer")
	o.UntilCaughtUp = cmd.Bool("until-caught-up")
	o.MaxAge = cmd.Duration("interval")
	o.Grace = max(cmd.Duration("grace"), time.Nanosecond) // 0 would be the default
	o.Compression = format.Codec(cmd.String("compression"))
	o.Delivery = jetcapture.Delivery(cmd.String("delivery"))
	o.LedgerName = cmd.String("ledger")
	o.LedgerSubject = cmp.Or(cmd.String("ledger-subject"), o.LedgerSubject)
	o.LedgerRetention = cmd.Duration("ledger-retention")
	o.LedgerMaxBytes = cmd.Int64("ledger-max-bytes")
	o.MaxMessages = cmd.Int("max-messages")
	o.MaxBytes = cmd.Int64("max-bytes")
	o.MinMessages = cmd.Int("min-messages")
	o.MaxLinger = cmd.Duration("max-linger")
	o.MaxInFlight = cmd.Int("max-in-flight")
	o.MemoryLimit = cmd.Int64("memory-limit")
	o.BufferToDisk = cmd.Bool("buffer-to-disk")
	if dir := cmd.String("tmp-dir"); dir != "" {
		o.TempDir = dir
	}
	o.StoreConcurrency = cmd.Int("store-concurrency")
	o.DrainTimeout = cmd.Duration("drain-timeout")
	o.Logger = Logger(cmd)
	return o
}

// atLeast returns a validator that requires a minimum.
func atLeast[T int | int64 | time.Duration](least T) func(T) error {
	return func(value T) error {
		if value >= least {
			return nil
		}
		if size, ok := any(least).(int64); ok {
			return fmt.Errorf("it must be at least %s", FormatSize(size))
		}
		return fmt.Errorf("it must be at least %v", least)
	}
}
