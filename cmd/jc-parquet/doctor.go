package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "list problems of stream, consumer, ledger and store, each with its exact fix",
		Description: `Takes the flags of run and captures nothing. It checks everything that run depends on: the server and its clock, the
user's permissions, the stream and whether it keeps messages until they are archived, the consumer's settings and
its un-acked messages, the ledger, and the store, in which it makes an object under _jetcapture and removes it. Each
line begins with a severity:

   ok        no change is needed
   advice    it works, and would work better with a change
   warning   it works, but costs traffic, makes small files, or may lose messages
   fatal     run refuses to begin, or could store nothing

It also tries what run would do, as far as that changes nothing: it compares the limits of the account with what run
would make, asks for a consumer that does not exist as an update, and sends the ledger an entry that must be refused.
It does not make a ledger.

--fix makes the changes that are safe while captures run, one by one: AckWait, MaxAckPending, MaxDeliver, BackOff and
InactiveThreshold of the consumer; replicas and limits of the ledger. It names a change that fails, and makes the
others. The findings are those after the changes.

Exit codes: 0 nothing is fatal; 1 something is fatal, or a check was not possible; 2 the flags or the environment
are wrong.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "fix", Usage: "make the changes that are safe"},
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
		}, runFlags()...),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			log := app.Logger(cmd).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
			a, o, err := doctorOptions(ctx, cmd, log)
			if err != nil {
				return err
			}
			ctx, stop := app.UntilSignal(ctx, log)
			defer stop()
			nc, domain, err := app.Connect(ctx, cmd, log)
			if err != nil {
				return err
			}
			defer nc.Close()
			if o.JetStreamDomain == "" {
				o.JetStreamDomain = domain
			}
			r, err := examine(ctx, nc, o, cmd.Bool("fix"))
			r.addColumns(a.checkSchemaChange(ctx, cmd.Bool("allow-schema-change"), o))
			if cmd.Bool("json") {
				err = errors.Join(err, r.json(cmd.Root().Writer))
			} else {
				r.print(cmd.Root().Writer)
			}
			return errors.Join(err, r.refusal())
		},
	}
}

// doctorOptions returns the options that run would have, without columns that are still to be inferred.
func doctorOptions(ctx context.Context, cmd *cli.Command, log *zap.Logger) (*archive, *options, error) {
	o := app.OptionsFrom[*jetcapture.NatsMessage, string](cmd)
	o.Logger = log
	a := archiveFrom(cmd)
	if a.typed.missing() {
		a.typed = typed{}
	}
	var argsErr error
	if cmd.Args().Present() {
		argsErr = fmt.Errorf("unexpected arguments: doctor takes only flags; see %s --help", cmd.FullName())
	}
	if err := errors.Join(argsErr, a.configure(ctx, o)); err != nil {
		return nil, nil, app.UsageError(errors.Join(err, app.CheckFlags(cmd, o)))
	}
	return a, o, app.CheckOptions(cmd, o)
}

// A report is the output of the doctor.
type report struct {
	Stream   string               `json:"stream"`
	Consumer string               `json:"consumer"`
	Delivery jetcapture.Delivery  `json:"delivery"`
	Worst    jetcapture.Severity  `json:"worst"`
	Findings []jetcapture.Finding `json:"findings"`
	Fixed    []jetcapture.Finding `json:"fixed"` // as they were before
}

// examine checks everything. With fix it makes the safe changes, and checks again. It returns a report even with an error.
func examine(ctx context.Context, nc *nats.Conn, o *options, fix bool) (*report, error) {
	r := &report{Stream: o.NATSStreamName, Consumer: o.NATSConsumerName, Delivery: o.Delivery, Fixed: []jetcapture.Finding{}}
	var err error
	r.Findings, err = jetcapture.Examine(ctx, nc, o)
	if fix { // even if some checks were not possible
		fixed, failed := jetcapture.Fix(ctx, nc, o, r.Findings)
		if len(fixed) > 0 {
			r.Fixed = fixed
			r.Findings, err = jetcapture.Examine(ctx, nc, o)
		}
		err = errors.Join(err, failed)
	}
	r.Worst = jetcapture.Worst(r.Findings)
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Why, f.Change = app.InFlags(f.Why), app.InFlags(f.Change)
	}
	return r, err
}

// addColumns adds the error of checkSchemaChange as a finding.
func (r *report) addColumns(err error) {
	if err == nil {
		return
	}
	r.Worst = jetcapture.SeverityFatal
	r.Findings = append(r.Findings, jetcapture.Finding{
		Severity: jetcapture.SeverityFatal, Check: "columns", Found: inLine(err),
		Change: "give these columns other names or their old types, name another --out, or accept it with --allow-schema-change",
	})
}

func (r *report) count(s jetcapture.Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// refusal returns an error if a finding is fatal.
func (r *report) refusal() error {
	switch n := r.count(jetcapture.SeverityFatal); n {
	case 0:
		return nil
	case 1:
		return errors.New("doctor: 1 finding is fatal: run would refuse to begin or could store nothing")
	default:
		return fmt.Errorf("doctor: %d findings are fatal: run would refuse to begin or could store nothing", n)
	}
}

func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(app.PrintableJSON(w))
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// print writes each finding, the reason why it matters, its fix, and a summary.
func (r *report) print(w io.Writer) {
	p := func(text string, args ...any) { _, _ = fmt.Fprintln(w, app.Printable(fmt.Sprintf(text, args...))) }
	p("Stream %s, consumer %s, %s", r.Stream, r.Consumer, r.Delivery)
	p("")
	for _, f := range r.Fixed {
		p("fixed: %s was %s: %s", f.Check, f.Found, f.Change)
	}
	if len(r.Fixed) > 0 {
		p("")
	}
	const word = len("warning")
	width := 0
	for _, f := range r.Findings {
		width = max(width, utf8.RuneCountInString(f.Check))
	}
	margin := strings.Repeat(" ", word+2+width+2)
	fixable := 0
	for _, f := range r.Findings {
		p("%-*s  %-*s  %s", word, f.Severity, width, f.Check, oneLine(f.Found))
		if f.Why != "" {
			p("%s%s", margin, oneLine(f.Why))
		}
		if f.Fixable {
			fixable++
		}
		switch {
		case f.Fixable:
			p("%s→ %s, as --fix does", margin, f.Change)
		case f.Change != "":
			p("%s→ %s", margin, f.Change)
		}
	}
	p("")
	p("%s", r.sum(fixable))
}

func (r *report) sum(fixable int) string {
	if r.Worst == jetcapture.SeverityOK {
		return "No problems."
	}
	sum := fmt.Sprintf("%d fatal, %d warnings, %d advice", r.count(jetcapture.SeverityFatal), r.count(jetcapture.SeverityWarning), r.count(jetcapture.SeverityAdvice))
	if fixable > 0 {
		sum += fmt.Sprintf("; --fix fixes %d", fixable)
	}
	return sum + "."
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
