// Package app is the ready command line of a capture: what it connects to, what it captures, its limits and its log come
// from flags and the environment, and it ends on signals with everything stored.
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
// Every flag can be set in the environment, and a flag on the command line wins. What the tools of NATS have a variable
// for has that one: NATS_CONTEXT, NATS_URL, NATS_CREDS, NATS_NKEY, NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_CA,
// NATS_CERT, NATS_KEY. All others are the flag's name after JC_, as in JC_MAX_MESSAGES for --max-messages: see Env. The
// flags of the library's first generation are still there: nats-context, nats-server, nats-creds, stream-name,
// consumer-name, max-age.
//
// Without --server and --context, Connect does as the NATS context says that "nats context select" has chosen.
//
// Passwords, tokens, seeds, and the user in a URL reach neither log nor error text.
//
// # Signals
//
// The first SIGINT, SIGTERM or SIGHUP stops pulling; what is held is stored and acked within --drain-timeout. Others within a
// second are taken for the same one. A later one ends the process at once: what was not stored is delivered again.
//
// # Parts
//
// A program with commands of its own takes the parts: ConnectionFlags, CaptureFlags and LoggingFlags; OptionsFrom,
// Connect and Logger, which read them; CheckOptions, CheckFlags and CheckConnection; InFlags, which puts texts into the
// words of flags; Capture, which runs; Main and Execute, which turn errors into lines and exit codes.
package app
