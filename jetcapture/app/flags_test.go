package app_test

import (
	"bytes"
	"context"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap/zapcore"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

type options = jetcapture.Options[*jetcapture.NatsMessage, string]

// withoutEnvironment removes the variables that flags are read from, until the test ends.
func withoutEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir()) // where no NATS context is selected
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "JC_") || strings.HasPrefix(name, "NATS_") {
			t.Setenv(name, value) // to be restored
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// execute runs a skeleton with args and returns its exit code and error output. Without a setup it does not connect.
func execute(t *testing.T, setup func(*cli.Command, *options) error, args ...string) (code int, stderr string) {
	t.Helper()
	var out bytes.Buffer
	cmd := app.NewAppSkeleton(setup)
	cmd.Name, cmd.Writer, cmd.ErrWriter = "capture", &out, &out
	code = app.Execute(context.Background(), cmd, append([]string{"capture"}, args...))
	return code, out.String()
}

// optionsOf returns the options that args make.
func optionsOf(t *testing.T, args ...string) *options {
	t.Helper()
	var got *options
	_, stderr := execute(t, func(_ *cli.Command, o *options) error {
		got = o
		return context.Canceled // no need to connect
	}, args...)
	if got == nil {
		t.Fatalf("%q were refused: %s", args, stderr)
	}
	return got
}

func TestFlagsFillOptions(t *testing.T) {
	withoutEnvironment(t)
	o := optionsOf(t, "--stream=ORDERS", "--consumer=lake", "--js-domain=hub", "--create-consumer", "--until-caught-up",
		"--interval=1m", "--grace=3s", "--delivery=exactly-once", "--ledger=L", "--ledger-retention=2h", "--ledger-max-bytes=3MiB", "--ledger-subject=_L.a", "--compression=zstd", "--max-messages=5", "--min-messages=3", "--max-linger=2m", "--max-bytes=64MiB", "--max-in-flight=7",
		"--memory-limit=1GiB", "--buffer-to-disk", "--tmp-dir=/var/tmp", "--store-concurrency=9", "--drain-timeout=11s",
		"--log-level=warn")
	want := options{
		NATSStreamName: "ORDERS", NATSConsumerName: "lake", JetStreamDomain: "hub", CreateConsumer: true, UntilCaughtUp: true,
		MaxAge: time.Minute, Grace: 3 * time.Second, Compression: format.Zstd, MaxMessages: 5, MinMessages: 3, MaxLinger: 2 * time.Minute, MaxBytes: 64 << 20,
		Delivery: jetcapture.ExactlyOnce, LedgerName: "L", LedgerRetention: 2 * time.Hour, LedgerMaxBytes: 3 << 20, LedgerSubject: "_L.a",
		MaxInFlight: 7, MemoryLimit: 1 << 30, BufferToDisk: true, TempDir: "/var/tmp", StoreConcurrency: 9,
		DrainTimeout: 11 * time.Second,
	}
	got := reflect.ValueOf(*o)
	for i, expected := range reflect.ValueOf(want).Fields() {
		if !expected.IsZero() && !reflect.DeepEqual(got.FieldByIndex(i.Index).Interface(), expected.Interface()) {
			t.Errorf("%s is %v, want %v", i.Name, got.FieldByIndex(i.Index), expected)
		}
	}
	if o.Logger.Core().Enabled(zapcore.InfoLevel) || !o.Logger.Core().Enabled(zapcore.WarnLevel) {
		t.Error("the logger is not at level warn")
	}
}

func TestNoFlagsAreTheDefaultOptions(t *testing.T) {
	withoutEnvironment(t)
	got, want := optionsOf(t), jetcapture.DefaultOptions[*jetcapture.NatsMessage, string]()
	got.Logger, want.Logger, got.Layout, want.Layout = nil, nil, nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("options are\n%+v, want\n%+v", got, want)
	}
}

func TestGraceCanBeNothing(t *testing.T) {
	withoutEnvironment(t)
	o := optionsOf(t, "--grace=0s")
	o.NATSStreamName = "ORDERS"
	if grace := o.WithDefaults().Grace; grace > time.Microsecond {
		t.Errorf("the grace is %v", grace)
	}
}

func TestFlagNamesOfTheFirstGenerationWork(t *testing.T) {
	withoutEnvironment(t)
	o := optionsOf(t, "--nats-server=nats://somewhere", "--stream-name=ORDERS", "--consumer-name=lake", "--max-age=2m")
	if o.NATSStreamName != "ORDERS" || o.NATSConsumerName != "lake" || o.MaxAge != 2*time.Minute {
		t.Errorf("options are %+v", o)
	}
	if o := optionsOf(t, "-s", "ORDERS", "-c", "lake"); o.NATSStreamName != "ORDERS" || o.NATSConsumerName != "lake" {
		t.Errorf("options are %+v", o)
	}
}

func TestEnvironmentFillsOptionsAndFlagsWin(t *testing.T) {
	withoutEnvironment(t)
	t.Setenv("JC_STREAM", "ORDERS")
	t.Setenv("JC_CONSUMER", "lake")
	t.Setenv("JC_MAX_BYTES", "10MB")
	t.Setenv("JC_CREATE_CONSUMER", "true")
	t.Setenv("JC_INTERVAL", "") // empty is as good as not set
	o := optionsOf(t, "--consumer", "other")
	if o.NATSStreamName != "ORDERS" || o.NATSConsumerName != "other" || o.MaxBytes != 10e6 || !o.CreateConsumer || o.MaxAge != jetcapture.DefaultMaxAge {
		t.Errorf("options are %+v", o)
	}
}

// nothingSetUp is what is said of a program that sets none of the options which have no flags.
const nothingSetUp = "capture: Options.MessageDecoder is nil: set a func(*nats.Msg) (payload, destination key, error), such as NatsToNats(SubjectToDestKey)\n" +
	"capture: Options.WriterFactory is nil: set a func that returns a new writer, such as one of package format\n" +
	"capture: Options.Store is nil: set a BlockStore, such as store.Blocks[Key](store.NewDir(dir), nil), with the type of your destination keys for Key\n"

func TestWrongFlagsEndWithUsageAndSayWhatToWrite(t *testing.T) {
	withoutEnvironment(t)
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		args []string
		env  [2]string
		want string
	}{
		{"unknown flag", []string{"--strem=A"}, [2]string{}, "capture: unknown flag --strem: perhaps --stream; see capture --help\n"},
		{"no value", []string{"--stream"}, [2]string{}, "capture: flag needs an argument: --stream; see capture --help\n"},
		{"size", []string{"--max-bytes=64M"}, [2]string{}, `capture: invalid value for --max-bytes: unknown unit: use KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB or TB (powers of 1000); see capture --help` + "\n"},
		{"size in environment", nil, [2]string{"JC_MAX_BYTES", "many"}, `capture: invalid value in the environment variable "JC_MAX_BYTES" for --max-bytes: not a size: write it like 64MiB, 500MB or 65536` + "\n"},
		{"short interval", []string{"--interval=10ms"}, [2]string{}, `capture: invalid value for --interval: it must be at least 1s; see capture --help` + "\n"},
		{"little memory", []string{"--memory-limit=1MiB"}, [2]string{}, `capture: invalid value for --memory-limit: it must be at least 16MiB; see capture --help` + "\n"},
		{"compression", []string{"--compression=lzo"}, [2]string{}, `capture: invalid value for --compression: unknown compression: use none, gzip, snappy or zstd; see capture --help` + "\n"},
		{"delivery", []string{"--delivery=once"}, [2]string{}, `capture: invalid value for --delivery: unknown delivery: use at-least-once or exactly-once; see capture --help` + "\n"},
		{"short retention", []string{"-s=S", "-c=C", "--interval=1h", "--ledger-retention=2h"}, [2]string{}, "capture: --ledger-retention: 2h0m0s is too little: with this --interval and --grace it must be at least 4h0m8s\n"},
		{"ledger's subject", []string{"-s=S", "-c=C", "--ledger-subject=a b.>"}, [2]string{}, nothingSetUp + `capture: --ledger-subject is "a b.>": write words with dots between them, without spaces and wildcards` + "\n"},
		{"level", []string{"--log-level=loud"}, [2]string{}, `capture: invalid value for --log-level: unknown level: use debug, info, warn or error; see capture --help` + "\n"},
		{"nothing to capture", nil, [2]string{}, "capture: --stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)\n" +
			"capture: --consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it\n"},
		{"no folder for temporary files", []string{"-s=S", "-c=C", "--buffer-to-disk", "--tmp-dir=" + dir + "/none"}, [2]string{}, `capture: --tmp-dir: "` + dir + `/none" is not a folder: create it, or name another` + "\n"},
		{
			"nothing set up",
			[]string{"-s=S", "-c=C"},
			[2]string{},
			nothingSetUp,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			code, stderr := execute(t, func(*cli.Command, *options) error { return nil }, c.args...)
			if code != app.ExitUsage || stderr != c.want {
				t.Errorf("exit code %d and\n%s, want 2 and\n%s", code, stderr, c.want)
			}
		})
	}
}

func TestHelpShowsNoValueOfTheEnvironment(t *testing.T) {
	withoutEnvironment(t)
	for _, name := range []string{"NATS_URL", "NATS_CREDS", "NATS_NKEY", "NATS_USER", "NATS_PASSWORD", "NATS_TOKEN"} {
		t.Setenv(name, "s3cr3t")
	}
	code, out := execute(t, func(*cli.Command, *options) error { return nil }, "--help")
	if code != app.ExitOK || strings.Contains(out, "s3cr3t") {
		t.Errorf("exit code %d and help\n%s", code, out)
	}
	for _, want := range []string{"--password", "$NATS_PASSWORD", "--max-bytes", "$JC_MAX_BYTES", "512MiB", "Exit codes: 0"} {
		if !strings.Contains(out, want) {
			t.Errorf("the help says nothing of %s:\n%s", want, out)
		}
	}
}
