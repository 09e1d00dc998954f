package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/capturetest"
	"github.com/jetcapture/lake/store"
)

// toNDJSON is a setup that stores raw messages as NDJSON in dir.
func toNDJSON(dir string) func(*cli.Command, *options) error {
	return func(_ *cli.Command, o *options) error {
		o.MessageDecoder = jetcapture.NatsToNats(jetcapture.SubjectToDestKey)
		o.WriterFactory = func() jetcapture.FormattedDataWriter[*jetcapture.NatsMessage] {
			return format.NewRawNDJSON[*jetcapture.NatsMessage]()
		}
		o.Suffix = "ndjson"
		o.Store = store.Blocks[string](store.NewDir(dir), nil)
		return nil
	}
}

// lines returns the lines of all files below dir.
func lines(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		all = append(all, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func order(i int) *nats.Msg {
	msg := nats.NewMsg("orders." + []string{"eu", "us"}[i%2])
	msg.Data = fmt.Appendf(nil, `{"n": %d}`, i)
	return msg
}

func TestSkeletonCapturesUntilCaughtUp(t *testing.T) {
	withoutEnvironment(t)
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	s.Publish(1_000, order)
	dir := t.TempDir()
	code, stderr := execute(t, toNDJSON(dir), "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--create-consumer", "--until-caught-up")
	if code != app.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if n := len(lines(t, dir)); n != 1_000 {
		t.Errorf("%d lines are stored, want 1000", n)
	}
	if info := s.Info("ORDERS", "lake"); info.NumPending != 0 || info.NumAckPending != 0 {
		t.Errorf("the consumer has %d pending and %d un-acked", info.NumPending, info.NumAckPending)
	}
}

func TestErrorsOfRunSayWhichFlagMendsThem(t *testing.T) {
	withoutEnvironment(t)
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	for _, c := range []struct{ stream, want string }{
		{"NONE", `capture: stream not found: "NONE": create it, or name another (with a JetStream domain, if it is in one)`},
		{"ORDERS", `capture: consumer not found: "lake" of stream "ORDERS": create a durable pull consumer with explicit acks, or set --create-consumer`},
	} {
		code, stderr := execute(t, toNDJSON(t.TempDir()), "--server", s.URL(), "--stream", c.stream, "--consumer=lake", "--log-level=error")
		if code != app.ExitError || strings.TrimSpace(stderr) != c.want {
			t.Errorf("exit code %d and\n%s, want 1 and\n%s", code, stderr, c.want)
		}
	}
}

func TestErrorsOfSetupAndFlagsAreUsageErrorsToldAtOnce(t *testing.T) {
	withoutEnvironment(t)
	code, stderr := execute(t, func(*cli.Command, *options) error {
		return errors.Join(errors.New("--region is missing"), errors.New("--table is missing"))
	}, "--consumer=lake", "--tls-key=x")
	if code != app.ExitUsage || stderr != "capture: --region is missing\ncapture: --table is missing\n"+
		"capture: --stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)\n"+
		"capture: --tls-cert and --tls-key (or NATS_CERT and NATS_KEY) belong together: set both\n" {
		t.Errorf("exit code %d and %s", code, stderr)
	}
}

// A stuckStore stores nothing until it is told to give up.
type stuckStore struct{}

func (stuckStore) Write(ctx context.Context, _ io.Reader, _, _, _ string) (string, int64, time.Duration, error) {
	<-ctx.Done()
	return "", 0, 0, ctx.Err()
}

func TestWhatIsNotStoredWithinDrainTimeoutHasAnExitCodeOfItsOwn(t *testing.T) {
	withoutEnvironment(t)
	s := capturetest.Start(t)
	s.Stream("ORDERS", "orders.>")
	s.Publish(10, order)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := new(screen)
	cmd := app.NewAppSkeleton(func(cmd *cli.Command, o *options) error {
		o.Store = stuckStore{}
		o.Observer.BlockOpened = func(jetcapture.Block) { cancel() }
		store := o.Store
		defer func() { o.Store = store }()
		return toNDJSON(t.TempDir())(cmd, o)
	})
	cmd.ErrWriter = out
	code := app.Execute(ctx, cmd, []string{
		"capture", "--server", s.URL(), "--stream=ORDERS", "--consumer=lake", "--create-consumer", "--drain-timeout=100ms",
	})
	if code != app.ExitTimeout || !strings.Contains(out.String(), "within the 100ms of --drain-timeout") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func ExampleNewAppSkeleton() {
	type order struct {
		ID     string `json:"id"`
		Region string `json:"region"`
	}
	cmd := app.NewAppSkeleton(func(cmd *cli.Command, options *jetcapture.Options[*order, string]) error {
		options.MessageDecoder = jetcapture.JSON(func(o *order) string { return o.Region })
		options.WriterFactory = func() jetcapture.FormattedDataWriter[*order] {
			return new(jetcapture.NewLineDelimitedJSON[*order])
		}
		options.Suffix = "ndjson"
		options.Store = jetcapture.SingleDirStore[string](cmd.String("out"))
		return nil
	})
	cmd.Name = "orders-to-lake"
	cmd.Flags = append(cmd.Flags, &cli.StringFlag{Name: "out", Value: "/lake", Usage: "folder of the files"})
	cmd.ErrWriter = os.Stdout // for this example; a program calls app.Main(cmd)

	code := app.Execute(context.Background(), cmd, []string{"orders-to-lake", "--interval", "5 minutes"})
	fmt.Println("exit code", code)
	// Output:
	// orders-to-lake: invalid value for --interval: not a duration: write it like 90s, 15m or 1h30m; see orders-to-lake --help
	// exit code 2
}
