package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
)

// NewAppSkeleton returns a command that captures. Its flags fill in options; setup sets the rest, at least the decoder, the writer and
// the store; then Capture runs. Append flags of your own to the command's, and read them from cmd in setup. An error of setup is a
// usage error.
//
// Run it by Main.
func NewAppSkeleton[P jetcapture.Payload, K jetcapture.DestKey](setup func(cmd *cli.Command, options *jetcapture.Options[P, K]) error) *cli.Command {
	return &cli.Command{
		Usage:       "capture messages of a NATS JetStream stream into files",
		Description: ExitCodes,
		Version:     jetcapture.Version(),
		Flags:       slices.Concat(ConnectionFlags(), CaptureFlags(), LoggingFlags()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			options := OptionsFrom[P, K](cmd)
			ofFlags := options.Logger
			var argsErr error
			if cmd.Args().Present() {
				argsErr = fmt.Errorf("unexpected arguments: %s takes only flags; see %s --help", cmd.Name, cmd.FullName())
			}
			if err := errors.Join(argsErr, setup(cmd, options)); err != nil {
				return UsageError(errors.Join(err, CheckFlags(cmd, options)))
			}
			if options.Slog != nil && options.Logger == ofFlags {
				options.Logger = nil
			}
			return Capture(ctx, cmd, options)
		},
	}
}

// Capture checks options, connects as the flags of cmd say, captures until ctx ends or a signal comes, and closes the
// connection. It returns UsageErrors for options, and the errors of Connect and jetcapture.Capture.Run.
func Capture[P jetcapture.Payload, K jetcapture.DestKey](ctx context.Context, cmd *cli.Command, options *jetcapture.Options[P, K]) error {
	if err := CheckOptions(cmd, options); err != nil {
		return err
	}
	options = options.WithDefaults()
	ctx, stop := UntilSignal(ctx, options.Logger)
	defer stop()
	nc, domain, err := Connect(ctx, cmd, options.Logger)
	if err != nil {
		return err
	}
	defer nc.Close()
	quietRefusals(nc, options.Logger)
	if options.JetStreamDomain == "" {
		options.JetStreamDomain = domain
	}
	defer limitHeap(options.MemoryLimit)()
	options.Logger.Info("capturing", zap.String("stream", options.NATSStreamName), zap.String("consumer", options.NATSConsumerName),
		zap.String("delivery", string(options.Delivery)), zap.Duration("interval", options.MaxAge))
	return inFlags(options.Build().Run(ctx, nc))
}

// CheckOptions returns a UsageError for wrong options, and names them by their flags.
func CheckOptions[P jetcapture.Payload, K jetcapture.DestKey](cmd *cli.Command, o *jetcapture.Options[P, K]) error {
	if err := CheckFlags(cmd, o); err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return UsageError(inFlags(err))
	}
	return nil
}

// CheckFlags is CheckOptions for the options that have flags. Call it when setup has failed, to report all problems at once.
func CheckFlags[P jetcapture.Payload, K jetcapture.DestKey](cmd *cli.Command, o *jetcapture.Options[P, K]) error {
	var missing []error
	if o.NATSStreamName == "" {
		missing = append(missing, errors.New("--stream is missing: name the stream to capture, as in --stream ORDERS (or JC_STREAM)"))
	}
	if o.NATSConsumerName == "" {
		missing = append(missing, errors.New("--consumer is missing: name a durable pull consumer, as in --consumer lake (or JC_CONSUMER); --create-consumer makes it"))
	}
	if dir := cmd.String("tmp-dir"); dir != "" && o.BufferToDisk {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			missing = append(missing, fmt.Errorf("--tmp-dir: %q is not a folder: create it, or name another", dir))
		}
	}
	flags := "--interval and --grace"
	if o.MinMessages > 0 {
		flags = "--interval, --max-linger and --grace"
	}
	if r, least := o.LedgerRetention, o.LeastLedgerRetention(); r > 0 && r == cmd.Duration("ledger-retention") && r < least {
		missing = append(missing, fmt.Errorf("--ledger-retention: %v is too little: with this %s it must be at least %v", r, flags, least))
	}
	return UsageError(errors.Join(append(missing, CheckConnection(cmd))...))
}

// sameSignal is the time after a signal in which others count as the same one: a terminal, and programs that forward signals, send it
// several times.
const sameSignal = time.Second

// UntilSignal returns a context that ends with ctx, or at SIGINT, SIGTERM or SIGHUP (unless the program was started to ignore SIGHUP, as
// by nohup). More signals within a second are ignored; a later one ends the process at once, as in any program. The caller must call
// stop, which also ends the context.
func UntilSignal(ctx context.Context, log *zap.Logger) (until context.Context, stop context.CancelFunc) {
	signals := make(chan os.Signal, 1)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	signal.Notify(signals, ends...)
	until, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case s := <-signals:
			time.AfterFunc(sameSignal, func() { signal.Stop(signals) })
			log.Info("stopping: storing and acknowledging what is held; another signal after a second ends the process at once", zap.Stringer("signal", s))
		case <-until.Done():
			signal.Stop(signals)
		}
		cancel()
	}()
	return until, cancel
}
