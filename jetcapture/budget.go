package jetcapture

import (
	"cmp"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/jetcapture/lake/jetcapture/internal/pull"
)

// The shares of what Options and the consumer allow.
const (
	// Blocks and the record of held messages get five eighths of Options.MemoryLimit. The rest is for two requests, for encoders,
	// and for a garbage collector that is told the same limit and is not to run all the time.
	blockMemoryEighths = 5

	// Each of the two requests that overlap is for a sixteenth of Options.MemoryLimit at most: an eighth together.
	requestMemoryShare = 16

	// The record of suspects is rarely large, and another sixteenth is the most that it may take.
	suspectMemoryShare = 16

	// Two requests overlap, so each is for half of what may be in flight.
	requestShare = 2

	// What a consumer allows to be in flight is for all its captures. Each keeps half of it at most in open blocks, so that another one
	// can go on while these fill.
	openShare = 2

	// An eighth of what may be held is room for what comes in while sealed blocks are stored, or more if a block is larger.
	roomShare = 8

	// To find the largest blocks takes time where there are many, so more is sealed than must be: of messages another 1/32 of what may be in
	// flight, of memory another 1/16.
	moreMessagesShare = 32
	moreMemoryShare   = 16

	// Blocks that hold the watermark back are sealed when half of what may be in flight is stored above it: those that have a message
	// which came before the latest quarter.
	behindShare = 2
	latestShare = 4

	// With ExactlyOnce a message counts as old as the request for it, and blocks are given up when they are as old as half the
	// retention. Requests that live for an eighth of it leave three quarters of that half.
	requestAgeShare = 8
)

// A budget is how much a capture may hold at a time.
type budget struct {
	inFlight int   // un-acknowledged messages
	open     int   // of these, in open blocks
	memory   int64 // of blocks and of the record of held messages: with more, pulling pauses

	batch   int // messages in a request
	request pull.Limits

	suspects      int // messages
	suspectMemory int64
}

func newBudget[P Payload, K DestKey](o *Options[P, K], c jetstream.ConsumerConfig) budget {
	b := budget{
		inFlight: o.MaxInFlight, open: o.MaxInFlight, memory: o.MemoryLimit / 8 * blockMemoryEighths,
		suspects: 2 * o.MaxInFlight, suspectMemory: o.MemoryLimit / suspectMemoryShare,
		request: pull.Limits{Batch: c.MaxRequestBatch, Bytes: int(o.MemoryLimit / requestMemoryShare), Expires: c.MaxRequestExpires},
	}
	if c.MaxAckPending > 0 {
		b.inFlight = min(b.inFlight, c.MaxAckPending)
		b.open = min(b.open, max(1, c.MaxAckPending/openShare))
	}
	b.batch = max(1, min(o.PullMessages, b.inFlight/requestShare))
	if c.MaxRequestMaxBytes > 0 {
		b.request.Bytes = min(b.request.Bytes, c.MaxRequestMaxBytes)
	}
	if o.Delivery == ExactlyOnce {
		most := ledgerRetention(o.LedgerRetention, o.openTime(), o.Grace, c.AckWait) / requestAgeShare
		b.request.Expires = min(cmp.Or(b.request.Expires, most), most)
	}
	return b
}
