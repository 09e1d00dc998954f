// Command jc-parquet archives the messages of NATS JetStream streams in Parquet, Arrow, CSV or NDJSON files. README.md is its manual.
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
		Description: `To try it without installing anything else:

   jc-parquet demo

To archive a stream:

   jc-parquet run --server nats://localhost:4222 --stream ORDERS --consumer lake \
       --create-consumer --out /lake

Write doctor instead of run to check server, stream, consumer and store first, and permissions to print what the
NATS user needs.

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
