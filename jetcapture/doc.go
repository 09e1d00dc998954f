// Package jetcapture captures NATS JetStream messages continuously and archives them in files, and acknowledges a
// message only after the file that holds it is durable.
//
// The flow, one way:
//
//	NATS consumer → pull → decode → route → block → seal → (claim) → store → ack
//
// A message is decoded into a payload P and a destination key K. All messages of one destination key and one interval
// of time (Options.MaxAge) make a block, and a block becomes one file. A block is open while it takes messages, sealed
// when it is finished, stored when it is durable under its final name, and acked when its messages have been
// acknowledged. One goroutine owns all open blocks; sealed ones are given to the committer, which never holds up pulling
// until a limit is reached.
//
// # Promise
//
// No message is acknowledged before it is stored, so none is lost: whatever crashes, fills up or goes away, a message
// that is not in a file is delivered again. With Delivery AtLeastOnce, the default, a message may be stored twice: when a
// capture, the server or the connection dies between storing a block and acknowledging it. With ExactlyOnce it is in exactly
// one file, with any number of captures on the consumer: a ledger of claims sees to that, and package ledger says how. A
// message that cannot be decoded or written is stored in a dead-letter file, with its bytes and the reason.
//
// # Which message is the same
//
// A message is its sequence and its time. A stream that loses its end, as when its server dies before it has written the latest
// messages to disk, gives the same sequences to new messages. With both deliveries these are stored too. What was lost and is held
// by the capture is stored and not acknowledged, since the ack would stand for a new message: see Observer.StreamForked and
// Stats.StoredNotAcked. To compare, Run reads single messages of the stream. Without the permission to do so, it notices a loss only
// by the messages that come, and acknowledges after a lost connection without looking.
//
// # Limits
//
// Messages that the stream's own limits delete before they are stored are lost to any archive, and so are those that the
// stream loses before a capture has them, or while a block that holds them is given up. If the stream loses its end after Run
// has looked and before an ack arrives, the ack may stand for a new message. The README lists what else exactly-once delivery
// does not cover.
//
// Two consumers of the same name, on streams of the same name in two JetStream domains of one account, get each other's acks: give
// them different names.
//
// Memory is bounded by Options.MemoryLimit, un-acknowledged messages by Options.MaxInFlight, sealed blocks by
// Options.MaxSealedBlocks: at any of these limits blocks are sealed early, and in the end pulling pauses.
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
package jetcapture
