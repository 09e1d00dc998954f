package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

func permissionsCommand() *cli.Command {
	return &cli.Command{
		Name:      "permissions",
		Usage:     "print what the NATS user must be allowed",
		ArgsUsage: "[run|doctor|infer|reset]",
		Description: `Takes the flags of run, doctor, infer or reset, and prints the subjects that the NATS user of that command
publishes and subscribes to, to paste into a user of nats-server's configuration. The default is run.
It does not connect, and does not read the NATS context of --context: write its domain and inbox
prefix as flags.`,
		Flags: append([]cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print JSON"},
			&cli.BoolFlag{Name: "fix", Usage: "with doctor: include the permissions of its --fix"},
			&cli.StringSliceFlag{Name: "filter", Usage: "with infer: the `SUBJECT` that it reads"},
		}, runFlags()...),
		Action: func(_ context.Context, cmd *cli.Command) error {
			list, err := permissionsFor(cmd, cmd.Args().Slice())
			if err != nil {
				return app.UsageError(err)
			}
			if cmd.Bool("json") {
				e := json.NewEncoder(cmd.Root().Writer)
				e.SetIndent("", "  ")
				e.SetEscapeHTML(false)
				return e.Encode(list)
			}
			return printPermissions(cmd.Root().Writer, list)
		},
	}
}

// permissionsFor returns the permissions of a command with the flags of cmd.
func permissionsFor(cmd *cli.Command, args []string) ([]jetcapture.Permission, error) {
	o := app.OptionsFrom[*jetcapture.NatsMessage, string](cmd)
	inbox := cmd.String("inbox-prefix")
	command := "run"
	if len(args) > 0 {
		command = args[0]
	}
	var errs []error
	switch {
	case len(args) > 1, !slices.Contains([]string{"run", "doctor", "infer", "reset"}, command):
		errs = append(errs, fmt.Errorf("%q does not connect: write run, doctor, infer or reset", strings.Join(args, " ")))
	case command != "infer" && o.NATSConsumerName == "":
		errs = append(errs, errors.New("--consumer is missing: name the consumer, as in --consumer lake (or JC_CONSUMER)"))
	}
	if o.NATSStreamName == "" {
		errs = append(errs, errors.New("--stream is missing: name the stream, as in --stream ORDERS (or JC_STREAM)"))
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	switch command {
	case "doctor":
		return o.ExaminePermissions(inbox, cmd.Bool("fix")), nil
	case "infer":
		s := &sample{stream: o.NATSStreamName, filter: cmd.StringSlice("filter"), domain: o.JetStreamDomain}
		return s.permissions(inbox), nil
	case "reset":
		return resetPermissions(o.JetStreamDomain, o.NATSStreamName, o.NATSConsumerName, o.LedgerName, o.LedgerSubject, inbox), nil
	}
	list := o.Permissions(inbox)
	if cmd.Bool("infer") {
		s := &sample{stream: o.NATSStreamName, consumer: o.NATSConsumerName, domain: o.JetStreamDomain}
		list = mergePermissions(list, s.permissions(inbox))
	}
	return list, nil
}

// permissions returns the permissions of infer.
func (s *sample) permissions(inboxPrefix string) []jetcapture.Permission {
	api := apiOf(s.domain)
	list := []jetcapture.Permission{{Subject: api + ".STREAM.INFO." + s.stream, Needed: true, Purpose: "look up the stream"}}
	if s.consumer != "" {
		list = append(list, jetcapture.Permission{Subject: api + ".CONSUMER.INFO." + s.stream + "." + s.consumer, Needed: true, Purpose: "look up the consumer"})
	}
	return jetcapture.WithMapped(append(list,
		jetcapture.Permission{
			Subject: api + ".CONSUMER.CREATE." + s.stream + ".*", Needed: true, Purpose: "infer columns, by a consumer of a random name",
		},
		jetcapture.Permission{Subject: api + ".CONSUMER.MSG.NEXT." + s.stream + ".*", Needed: true, Purpose: "read messages to infer columns from"},
		jetcapture.Permission{
			Subject: api + ".CONSUMER.DELETE." + s.stream + ".*", Purpose: "remove that consumer",
			Without: "the server keeps it for half a minute",
		},
		inboxOf(inboxPrefix),
	))
}

// apiOf returns the prefix of the JetStream API.
func apiOf(domain string) string {
	if domain == "" {
		return "$JS.API"
	}
	return "$JS." + domain + ".API"
}

// inboxOf returns the permission to receive answers.
func inboxOf(prefix string) jetcapture.Permission {
	return jetcapture.Permission{
		Subject: strings.TrimSuffix(orInbox(prefix), ".") + ".>", Subscribe: true, Needed: true, Purpose: "get answers and messages",
	}
}

func orInbox(prefix string) string {
	if prefix == "" {
		return nats.InboxPrefix
	}
	return prefix
}

// mergePermissions adds the permissions of more that are missing in list, the needed ones after the needed ones there.
func mergePermissions(list, more []jetcapture.Permission) []jetcapture.Permission {
	for _, p := range more {
		there, at := false, 0
		for i, has := range list {
			there = there || has.Subject == p.Subject
			if !has.Subscribe && (has.Needed || !p.Needed) {
				at = i + 1
			}
		}
		if !there {
			list = append(list[:at], append([]jetcapture.Permission{p}, list[at:]...)...)
		}
	}
	return list
}

// printPermissions prints a list as the configuration of a user.
func printPermissions(w io.Writer, list []jetcapture.Permission) error {
	var out strings.Builder
	width := 0
	for _, p := range list {
		if p.Needed {
			width = max(width, len(p.Subject))
		}
	}
	part := func(name string, subscribe bool) {
		fmt.Fprintf(&out, "  %s: [\n", name)
		for _, p := range list {
			switch {
			case p.Subscribe != subscribe:
			case p.Needed:
				fmt.Fprintf(&out, "    %-*s # to %s\n", width+2, `"`+p.Subject+`"`, p.Purpose)
			default:
				for _, line := range wrapped("to "+p.Purpose+"; without it "+p.Without, 90) {
					fmt.Fprintf(&out, "    # %s\n", line)
				}
				fmt.Fprintf(&out, "    %q\n", p.Subject)
			}
		}
		fmt.Fprint(&out, "  ]\n")
	}
	fmt.Fprint(&out, "permissions: {\n")
	part("publish", false)
	part("subscribe", true)
	fmt.Fprint(&out, "}\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// wrapped breaks text into lines.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
