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
		Usage: "say whether stream, consumer and store suit run, and what exactly to change",
		Description: `Takes the flags of run, captures nothing, and looks at all that run with these flags depends on: the server and its
clock, the user's permissions, the stream and whether it keeps messages until they are archived, the consumer's
settings and what it has un-acked, the ledger and the store, in which it makes an object under _jetcapture and
removes it. Each line has one of these words:

   ok        as it should be
   advice    it works, and would work better with a change
   warning   it works, but costs traffic, small files, or messages when something else fails too
   fatal     run refuses to begin, or could store nothing

It also tries what run would do, as far as that changes nothing: the limits of the account are held against what run
would make, the consumer is asked for as an update of one that is not there, and the ledger gets an entry that it must
refuse. A ledger that is not there is not made.

--fix makes the changes that are safe at any time, also while captures run, one by one: AckWait, MaxAckPending,
MaxDeliver, BackOff and InactiveThreshold of the consumer; replicas and limits of the ledger. A change that cannot be
made holds up no other, and is named. What is shown is how things are after that.

Exit codes: 0 nothing is fatal; 1 something is, or it could not look everywhere; 2 the flags or the environment are
wrong.`,
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

// doctorOptions are those that run would have. Columns that are yet to be inferred do not matter.
func doctorOptions(ctx context.Context, cmd *cli.Command, log *zap.Logger) (*archive, *options, error) {
	o := app.OptionsFrom[*jetcapture.NatsMessage, string](cmd)
	o.Logger = log
	a := archiveFrom(cmd)
	if a.typed.missing() {
		a.typed = typed{}
	}
	var argsErr error
	if n := cmd.Args().Len(); n > 0 {
		argsErr = fmt.Errorf("there are %d arguments beside the flags, and doctor takes none; see %s --help", n, cmd.FullName())
	}
	if err := errors.Join(argsErr, a.configure(ctx, o)); err != nil {
		return nil, nil, app.UsageError(errors.Join(err, app.CheckFlags(cmd, o)))
	}
	return a, o, app.CheckOptions(cmd, o)
}

// A report is what the doctor prints.
type report struct {
	Stream   string               `json:"stream"`
	Consumer string               `json:"consumer"`
	Delivery jetcapture.Delivery  `json:"delivery"`
	Worst    jetcapture.Severity  `json:"worst"`
	Findings []jetcapture.Finding `json:"findings"`
	Fixed    []jetcapture.Finding `json:"fixed"` // as they were before
}

// examine looks, and where it is asked to fixes what it can and looks again. It returns a report also with an error.
func examine(ctx context.Context, nc *nats.Conn, o *options, fix bool) (*report, error) {
	r := &report{Stream: o.NATSStreamName, Consumer: o.NATSConsumerName, Delivery: o.Delivery, Fixed: []jetcapture.Finding{}}
	var err error
	r.Findings, err = jetcapture.Examine(ctx, nc, o)
	if fix { // also if it could not look everywhere
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

// addColumns adds what checkSchemaChange has found.
func (r *report) addColumns(err error) {
	if err == nil {
		return
	}
	r.Worst = jetcapture.SeverityFatal
	r.Findings = append(r.Findings, jetcapture.Finding{
		Severity: jetcapture.SeverityFatal, Check: "columns", Found: said(err),
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

// refusal is an error if run would refuse to begin.
func (r *report) refusal() error {
	switch n := r.count(jetcapture.SeverityFatal); n {
	case 0:
		return nil
	case 1:
		return errors.New("doctor: 1 finding is fatal: run would refuse to begin, or store nothing")
	default:
		return fmt.Errorf("doctor: %d findings are fatal: run would refuse to begin, or store nothing", n)
	}
}

func (r *report) json(w io.Writer) error {
	e := json.NewEncoder(app.PrintableJSON(w))
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// print writes a line for each finding, below it why it matters and what to change, and the sum.
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
		return "All is in order."
	}
	sum := fmt.Sprintf("%d fatal, %d warnings, %d advice", r.count(jetcapture.SeverityFatal), r.count(jetcapture.SeverityWarning), r.count(jetcapture.SeverityAdvice))
	if fixable > 0 {
		sum += fmt.Sprintf("; --fix fixes %d", fixable)
	}
	return sum + "."
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
