// Package jetcapture captures NATS JetStream messages continuously and archives them in files. It acknowledges a message only after
// the file that holds it is durable.
//
// The flow, one way:
//
//	NATS consumer → pull → decode → route → block → seal → (claim) → store → ack
//
// A message is decoded into a payload P and a destination key K. All messages of one destination key and one interval
// of time (Options.MaxAge) make a block, and a block becomes one file. A block is open while it takes messages, sealed
// when it is finished, stored when it is durable under its final name, and acked when its messages have been
// acknowledged. One goroutine owns all open blocks. It gives sealed blocks to the committer, which does not delay pulling
// until a limit is reached.
//
// # Promise
//
// No message is acknowledged before it is stored, so that none is lost: a message that is not in a file is delivered again, whatever
// crashed, filled up or went away. With Delivery AtLeastOnce, the default, a message may be stored twice if a capture, the server or
// the connection dies between storing a block and acknowledging it. With ExactlyOnce a message is in exactly one file, with any
// number of captures on the consumer; package ledger explains the ledger of claims that ensures it. A message that cannot be decoded
// or written goes to a dead-letter file, with its bytes and the reason.
//
// # Identity of a message
//
// A message is identified by its sequence and its time. A stream that loses its end, for example because its server died before it
// wrote the latest messages to disk, gives the same sequences to new messages. Both deliveries store these, too. A message that the
// stream has lost and the capture holds is stored and not acknowledged, because the ack would stand for a new message: see
// Observer.StreamForked and Stats.StoredNotAcked. To compare, Run reads single messages of the stream. Without the permission to do
// so, it notices a loss only by the messages that come, and acknowledges after a lost connection without comparing.
//
// # Limits
//
// A message that the stream's own limits delete before it is stored is lost to any archive. So is a message that the stream loses
// before a capture has it, or while the block that holds it is given up. If the stream loses its end after Run has compared and before
// an ack arrives, the ack may stand for a new message. README.md lists the other limits of exactly-once delivery.
//
// Two consumers of the same name, on streams of the same name in two JetStream domains of one account, get each other's acks: give
// them different names.
//
// Options.MemoryLimit bounds memory, Options.MaxInFlight un-acknowledged messages, and Options.MaxSealedBlocks sealed blocks. Near any
// of these limits blocks are sealed early; at the limit pulling pauses.
//
// # Example
//
//	options := jetcapture.DefaultOptions[*Order, string]()
//	options.NATSStreamName = "ORDERS"
//	options.NATSConsumerName = "lake"
//	options.Suffix = "csv"
//	options.MessageDecoder = jetcapture.JSON(func(o *Order) string { return o.Region })
//	options.WriterFactory = func() jetcapture.FormattedDataWriter[*Order] {
//		return jetcapture.NewCSVWriter([]string{"id", "region"}, func(o *Order) ([][]string, error) {
//			return [][]string{{o.ID, o.Region}}, nil
//		})
//	}
//	options.Store = store.Blocks[string](store.NewDir("/lake"), nil) // a folder for each region
//	err := options.Build().Run(ctx, nc) // until ctx is cancelled; nil once everything held is stored and acked
//
// # Names of the older library
//
// Users of Intelecy's jetcapture 0.2.5 find its names in this package, with the same signatures: Payload, DestKey,
// FormattedDataWriter, BlockStore, LocalFSStore, NewLineDelimitedJSON, CSVWriter, NewCSVWriter, Compression and SingleDirStore are
// other spellings of names in packages format and store. Its names for Azure are in package azurestore, and NewAppSkeleton is in package
// app.
package jetcapture

import "runtime/debug"

// Version returns the version of this module in the running program, or "(devel)".
func Version() string {
	const module = "github.com/jetcapture/lake"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)"
	}
	if info.Main.Path == module && info.Main.Version != "" {
		return info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return dep.Version
		}
	}
	return "(devel)"
}
