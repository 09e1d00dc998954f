package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/urfave/cli/v3"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
	"github.com/jetcapture/lake/jetcapture/ledger"
)

const resetDescription = `The ledger is a stream in which exactly-once delivery remembers which messages are in which file. With --stream and
--consumer, reset shows what a ledger remembers. With --yes it also removes the ledger, so that the next run makes a
new one. Do that to archive messages again after their files were removed, or to continue in another place.

It refuses while captures are at work. Messages that are un-acknowledged then and are in a file are archived twice.

The consumer stays as it is: messages that it has acknowledged do not come again. To archive a whole stream again,
remove the consumer too.

Without --stream, --consumer and --ledger it lists all ledgers, including those whose consumer no longer exists.

`

func resetCommand() *cli.Command {
	const category = "Ledger"
	return &cli.Command{
		Name:        "reset",
		Usage:       "show what a ledger remembers, or remove it",
		Description: resetDescription + app.ExitCodes,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "stream", Aliases: []string{"s"}, Sources: app.Env("stream"), Category: category, Usage: "captured `STREAM`"},
			&cli.StringFlag{Name: "consumer", Aliases: []string{"c"}, Sources: app.Env("consumer"), Category: category, Usage: "`CONSUMER` of the stream"},
			&cli.StringFlag{
				Name: "ledger", Sources: app.Env("ledger"), Category: category, Usage: "`NAME` of the ledger's stream", DefaultText: "JC_<stream>_<consumer>",
			},
			&cli.BoolFlag{Name: "yes", Category: category, Usage: "remove the ledger"},
		}, app.ConnectionFlags(), app.LoggingFlags()),
		Action: reset,
	}
}

func reset(ctx context.Context, cmd *cli.Command) error {
	stream, consumer, name := cmd.String("stream"), cmd.String("consumer"), cmd.String("ledger")
	if err := resetUsage(cmd, stream, consumer, name); err != nil {
		return app.UsageError(err)
	}
	log := app.Logger(cmd).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
	ctx, stop := app.UntilSignal(ctx, log)
	defer stop()
	nc, domain, err := app.Connect(ctx, cmd, log)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetStreamIn(nc, cmp.Or(cmd.String("js-domain"), domain))
	if err != nil {
		return err
	}
	out, yes := cmd.Root().Writer, cmd.Bool("yes")
	if name == "" && stream == "" {
		return listLedgers(ctx, js, out)
	}
	list := resetPermissions(js.Options().Domain, stream, consumer, name, "", nc.Opts.InboxPrefix)
	for i := range list {
		list[i].Needed = list[i].Needed || yes && list[i].Subject != apiOf(js.Options().Domain)+".STREAM.LIST"
	}
	permitted, stopWatch := jetcapture.WatchPermissions(ctx, nc, list)
	defer stopWatch()
	err = showAndReset(permitted, nc, js, out, stream, consumer, name, yes)
	if cause := context.Cause(permitted); errors.Is(cause, jetcapture.ErrPermission) {
		return cause
	}
	return err
}

func showAndReset(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, out io.Writer, stream, consumer, name string, yes bool) error {
	l, err := openRemembered(ctx, nc, js, stream, consumer, name)
	if err != nil {
		return err
	}
	l.print(out)
	if !yes {
		_, err := fmt.Fprintln(out, "\nNothing was changed. --yes removes the ledger.")
		return err
	}
	return l.remove(ctx, nc, js, out)
}

// resetPermissions returns the permissions of reset.
func resetPermissions(domain, stream, consumer, name, subject, inboxPrefix string) []jetcapture.Permission {
	api := apiOf(domain)
	name = cmp.Or(name, ledger.StreamName(stream, consumer))
	needed := func(subject, purpose string) jetcapture.Permission {
		return jetcapture.Permission{Subject: subject, Needed: true, Purpose: purpose}
	}
	const withoutYes = "--yes does not work"
	list := []jetcapture.Permission{
		needed(api+".STREAM.INFO."+name, "look up the ledger"),
		needed(api+".CONSUMER.CREATE."+name+".*", "read the ledger, by a consumer of a random name"),
		needed(api+".CONSUMER.MSG.NEXT."+name+".*", "read the ledger"),
		needed(api+".STREAM.MSG.GET."+name, "read single entries of the ledger"),
	}
	if consumer != "" {
		list = append(list, needed(api+".CONSUMER.INFO."+stream+"."+consumer, "look up the consumer"))
	}
	return jetcapture.WithMapped(append(list,
		jetcapture.Permission{Subject: cmp.Or(subject, ledger.DefaultSubject) + ".>", Purpose: "ask whether captures are at work", Without: withoutYes},
		jetcapture.Permission{Subject: api + ".STREAM.DELETE." + name, Purpose: "remove the ledger", Without: withoutYes},
		jetcapture.Permission{Subject: api + ".STREAM.LIST", Purpose: "list all ledgers", Without: "reset needs to be told the names"},
		inboxOf(inboxPrefix),
	))
}

func resetUsage(cmd *cli.Command, stream, consumer, name string) error {
	var errs []error
	if cmd.Args().Present() {
		errs = append(errs, fmt.Errorf("unexpected arguments: reset takes only flags; see %s --help", cmd.FullName()))
	}
	if name == "" && (stream == "") != (consumer == "") {
		errs = append(errs, errors.New("--stream and --consumer belong together: name both, or --ledger, or none to list all ledgers"))
	}
	if cmd.Bool("yes") && name == "" && stream == "" {
		errs = append(errs, errors.New("--yes: name the ledger to remove, by --stream and --consumer or by --ledger"))
	}
	return errors.Join(errs...)
}

func jetStreamIn(nc *nats.Conn, domain string) (jetstream.JetStream, error) {
	if domain == "" {
		return jetstream.New(nc)
	}
	return jetstream.NewWithDomain(nc, domain)
}

// A remembered is a ledger with its consumer.
type remembered struct {
	*ledger.Contents
	stream *jetstream.StreamInfo   // of the ledger
	info   *jetstream.ConsumerInfo // of the captured consumer; nil if it does not exist
}

func openRemembered(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, stream, consumer, name string) (*remembered, error) {
	info, err := ledger.Inspect(ctx, js, stream, consumer, name)
	switch {
	case err != nil:
		return nil, err
	case info == nil:
		return nil, fmt.Errorf("there is no ledger %s: run reset without flags to list all ledgers", cmp.Or(name, ledger.StreamName(stream, consumer)))
	}
	soon, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	contents, err := ledger.ReadContents(soon, nc, js, info)
	if err != nil {
		return nil, err
	}
	contents.Stream, contents.Consumer = cmp.Or(contents.Stream, stream), cmp.Or(contents.Consumer, consumer)
	if stream != "" && (contents.Stream != stream || contents.Consumer != consumer) {
		return nil, fmt.Errorf("ledger %s belongs to stream %s and consumer %s: name these, or leave out --stream and --consumer", contents.Name, contents.Stream, contents.Consumer)
	}
	l := &remembered{Contents: contents, stream: info}
	l.info, err = consumerInfo(ctx, js, contents.Stream, contents.Consumer)
	return l, err
}

// consumerInfo returns nil if the consumer does not exist.
func consumerInfo(ctx context.Context, js jetstream.JetStream, stream, consumer string) (*jetstream.ConsumerInfo, error) {
	if stream == "" || consumer == "" {
		return nil, nil
	}
	c, err := js.Consumer(ctx, stream, consumer)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look up consumer %s of stream %s: %w", consumer, stream, err)
	}
	return c.CachedInfo(), nil
}

func (l *remembered) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, text string, args ...any) { _, _ = fmt.Fprintf(table, name+"\t"+text+"\n", args...) }
	row("ledger", "%s", l.Name)
	row("captured", "stream %s, consumer %s", cmp.Or(l.Stream, "not known"), cmp.Or(l.Consumer, "not known"))
	row("remembers", "%d messages in %d files%s", l.Messages, l.Files, l.sequences())
	if l.Open > 0 {
		row("", "%d more files may exist: their captures ended before they recorded them", l.Open)
	}
	row("store", "%s", l.storeText())
	if !l.Latest.IsZero() {
		row("last entry", "%s", l.Latest.UTC().Format(time.RFC3339))
	}
	row("consumer", "%s", l.consumerText())
	_ = table.Flush()
}

func (l *remembered) sequences() string {
	if l.Last == 0 {
		return ""
	}
	return fmt.Sprintf(", sequences %d to %d", l.First, l.Last)
}

func (l *remembered) storeText() string {
	if l.Store == "" {
		return "none yet"
	}
	return fmt.Sprintf("%s, id %s", oneLine(l.Place), l.Store)
}

func (l *remembered) consumerText() string {
	switch {
	case l.info == nil:
		return "does not exist"
	case l.info.NumAckPending > 0:
		return fmt.Sprintf("%d messages are un-acknowledged: if the ledger is removed now, those that are in a file are archived twice", l.info.NumAckPending)
	default:
		return fmt.Sprintf("all messages up to sequence %d are acknowledged and do not come again", l.info.AckFloor.Stream)
	}
}

// answerTime is how long to wait for captures to say that they are at work.
const answerTime = 2 * time.Second

// remove deletes the ledger unless a capture is at work.
func (l *remembered) remove(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, out io.Writer) error {
	soon, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	who, err := ledger.AtWork(soon, nc, js, l.stream, "reset-"+rand.Text(), answerTime)
	if err != nil {
		return fmt.Errorf("%w: it is not known whether captures are at work; if none is, remove the ledger with nats stream rm %s", err, l.Name)
	}
	if who == "" && l.info != nil && l.info.NumWaiting > 0 {
		who = "which does not answer"
	}
	if who != "" {
		return fmt.Errorf("a capture is at work on consumer %s of stream %s (%s): stop all captures first, so that they store and acknowledge what they hold", l.Consumer, l.Stream, who)
	}
	if err := js.DeleteStream(ctx, l.Name); err != nil {
		return fmt.Errorf("remove ledger %s: %w", l.Name, err)
	}
	_, err = fmt.Fprintf(out, "\nThe ledger was removed. The next run of consumer %s makes a new one, for the place of its --out.\n", cmp.Or(l.Consumer, "of any name"))
	return err
}

// listLedgers prints a line for each ledger.
func listLedgers(ctx context.Context, js jetstream.JetStream, out io.Writer) error {
	ledgers, err := ledger.List(ctx, js)
	if err != nil {
		return err
	}
	if len(ledgers) == 0 {
		_, err := fmt.Fprintln(out, "There are no ledgers.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "LEDGER\tSTREAM\tCONSUMER\tENTRIES\tBYTES\tLAST ENTRY\t")
	for _, info := range ledgers {
		stream, consumer := ledger.SourceOf(info)
		note := ""
		switch there, err := consumerInfo(ctx, js, stream, consumer); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			note = "its consumer cannot be looked up: " + oneLine(err.Error())
		case there == nil && stream != "":
			note = "its consumer does not exist"
		}
		last := "never"
		if info.State.Msgs > 0 {
			last = info.State.LastTime.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", info.Config.Name, stream, consumer, info.State.Msgs, info.State.Bytes, last, note)
	}
	return table.Flush()
}
