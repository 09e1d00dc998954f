// Command jc-parquet archives the messages of NATS JetStream streams in Parquet, Arrow, CSV or NDJSON files. See its --help.
package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v3"

	"github.com/jetcapture/lake/jetcapture"
	"github.com/jetcapture/lake/jetcapture/app"
)

func main() { app.Main(newCommand()) }

func newCommand() *cli.Command {
	return &cli.Command{
		Name:  "jc-parquet",
		Usage: "archive messages of NATS JetStream in Parquet, Arrow, CSV or NDJSON files",
		Description: `To see it work, without anything else installed:

   jc-parquet demo

To archive a stream:

   jc-parquet run --server nats://localhost:4222 --stream ORDERS --consumer lake \
       --create-consumer --out /lake

To see before whether the consumer, the stream and the store suit that, write doctor instead of run, and permissions
for what the NATS user needs.

` + app.ExitCodes,
		Version:               jetcapture.Version(),
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a completion script for bash, zsh, fish or PowerShell"
		},
		Commands: []*cli.Command{
			runCommand(), doctorCommand(), permissionsCommand(), inferCommand(), resetCommand(), demoCommand(), inspectCommand(),
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if name := cmd.Args().First(); name != "" {
				return app.UsageError(fmt.Errorf("unknown command %q: perhaps %s; see jc-parquet --help", name, cli.SuggestCommand(cmd.Commands, name)))
			}
			return cli.ShowRootCommandHelp(cmd)
		},
	}
}
