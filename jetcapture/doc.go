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
// acknowledged. One goroutine owns all open blocks; sealed ones are given to store workers, which never hold up pulling
// until a limit is reached.
//
// # Promise
//
// No message is acknowledged before it is stored, so none is lost: whatever crashes, fills up or goes away, a message
// that is not in a file is delivered again. With Delivery AtLeastOnce, the default, a message may be stored twice: when a
// capture, the server or the connection dies between storing a block and acknowledging it. With ExactlyOnce it is in exactly
// one file, whatever happens, with any number of captures on the consumer: a ledger of claims sees to that, package ledger
// says how. A message that cannot be decoded or written is stored in a dead-letter file, with its bytes and the reason.
//
// # Limits
//
// Messages that the stream's own limits delete before they are stored are lost to any archive. Memory is bounded by
// Options.MemoryLimit, un-acknowledged messages by Options.MaxInFlight, sealed blocks by Options.MaxSealedBlocks: at any
// of these limits blocks are sealed early, and in the end pulling pauses.
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
//	options.Store = jetcapture.SingleDirStore[string]("/lake")
//	err := options.Build().Run(ctx, nc) // until ctx is cancelled; nil once everything held is stored and acked
package jetcapture
