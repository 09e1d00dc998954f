// Package app is a ready command line for captures: connection, stream, limits and log come from flags and the environment, and a signal
// ends it once everything that it holds is stored.
//
// The flow, one way:
//
//	flags, environment → Options → setup (decoder, writer, store: yours) → connect → Run → exit code
//
// # Example
//
//	func main() {
//		app.Main(app.NewAppSkeleton(func(cmd *cli.Command, options *jetcapture.Options[*Order, string]) error {
//			options.MessageDecoder = jetcapture.JSON(func(o *Order) string { return o.Region })
//			options.WriterFactory = func() jetcapture.FormattedDataWriter[*Order] {
//				return new(jetcapture.NewLineDelimitedJSON[*Order])
//			}
//			options.Suffix = "ndjson"
//			options.Store = store.Blocks[string](store.NewDir("/lake"), nil)
//			return nil
//		}))
//	}
//
// # Flags and the environment
//
// Every flag can be set in the environment, and a flag on the command line wins. Flags that NATS tools have too use their variables:
// NATS_CONTEXT, NATS_URL, NATS_CREDS, NATS_NKEY, NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_CA,
// NATS_CERT, NATS_KEY. The variable of any other flag is its name after JC_, such as JC_MAX_MESSAGES for --max-messages: see Env. The
// names of the first generation still work: nats-context, nats-server, nats-creds, stream-name, consumer-name, max-age.
//
// Without --server and --context, Connect uses the NATS context that "nats context select" has chosen.
//
// Passwords, tokens, seeds, and the user in a URL appear in no log and no error.
//
// # Signals
//
// The first SIGINT, SIGTERM or SIGHUP stops pulling; held messages are stored and acked within --drain-timeout. More signals within a
// second are ignored. A later one ends the process at once, and messages that are not stored are delivered again.
//
// # Parts
//
// A program with commands of its own uses the parts: ConnectionFlags, CaptureFlags and LoggingFlags; OptionsFrom,
// Connect and Logger, which read them; CheckOptions, CheckFlags and CheckConnection; InFlags, which replaces the names of
// options by flags; Capture, which runs; Main and Execute, which turn errors into lines and exit codes.
package app
