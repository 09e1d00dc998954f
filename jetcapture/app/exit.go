package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/jetcapture/lake/jetcapture"
)

// The exit codes of Execute.
const (
	ExitOK      = 0 // everything that was held is stored and acked
	ExitError   = 1 // something failed
	ExitUsage   = 2 // the flags or the environment are wrong; nothing was tried
	ExitTimeout = 3 // jetcapture.ErrDrainTimeout
)

// ExitCodes explains the exit codes, for help texts.
const ExitCodes = `Exit codes: 0 everything that was held is stored and acked; 1 something failed; 2 the flags or the
environment are wrong; 3 not everything was stored within --drain-timeout, the rest is delivered again.`

// A usageError has ExitUsage.
type usageError struct{ err error }

// UsageError marks an error as caused by the flags or the environment, so that the program exits with ExitUsage. nil stays nil.
func UsageError(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Main runs cmd with the arguments of the process and ends the process.
func Main(cmd *cli.Command) {
	os.Exit(Execute(context.Background(), cmd, os.Args))
}

// Execute runs cmd with args, the first of which is the program, and returns the exit code. It writes an error to the error output of
// cmd, one line for each joined error, in JSON with --log-json.
func Execute(ctx context.Context, cmd *cli.Command, args []string) int {
	var reached *cli.Command // the command whose action has begun
	_ = cmd.Walk(func(c *cli.Command) error {
		if action := c.Action; action != nil {
			c.Action = func(ctx context.Context, cmd *cli.Command) error {
				reached = cmd
				return action(ctx, cmd)
			}
		}
		if c.OnUsageError == nil {
			c.OnUsageError = explainUsage
		}
		wrapHelp(c)
		for _, flag := range c.Flags {
			refuseRepeats(flag)
		}
		return nil
	})
	cmd.ExitErrHandler = func(context.Context, *cli.Command, error) {} // exiting is for Main
	if cmd.Name == "" && len(args) > 0 {
		cmd.Name = filepath.Base(args[0])
	}

	err := cmd.Run(ctx, args)
	if err == nil {
		return ExitOK
	}
	var inJSON bool
	if reached != nil {
		inJSON = reached.Bool("log-json")
	} else {
		err = explainSource(err)
		inJSON = wantsJSON(args)
	}
	report(cmd, err, inJSON)
	var usage *usageError
	switch {
	case reached == nil || errors.As(err, &usage):
		return ExitUsage
	case errors.Is(err, jetcapture.ErrDrainTimeout):
		return ExitTimeout
	default:
		return ExitError
	}
}

// report writes a line for each of the errors that were joined.
func report(cmd *cli.Command, err error, inJSON bool) {
	log := newLogger(cmd.ErrWriter, zapcore.ErrorLevel, true)
	for line := range strings.Lines(err.Error()) {
		switch line = strings.TrimSpace(line); {
		case line == "":
		case inJSON:
			log.Error(line, zap.String("program", cmd.Name))
		default:
			_, _ = fmt.Fprintf(cmd.ErrWriter, "%s: %s\n", cmd.Name, Printable(line))
		}
	}
}

// wantsJSON reports whether args that could not be parsed, or the environment, ask for a log of JSON.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case arg == "--":
			return false
		case name == "log-json" && name != arg:
			yes, err := strconv.ParseBool(value)
			return !given || yes && err == nil
		}
	}
	yes, err := strconv.ParseBool(os.Getenv("JC_LOG_JSON"))
	return yes && err == nil
}
