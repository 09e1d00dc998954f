package jetcapture

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture/ledger"
	"github.com/jetcapture/lake/store"
)

// The defaults of Options.
const (
	DefaultMaxAge           = 15 * time.Minute
	DefaultGrace            = time.Second
	DefaultMaxLinger        = 15 * time.Minute
	DefaultMaxInFlight      = 200_000
	DefaultMemoryLimit      = 512 << 20
	DefaultMaxSealedBlocks  = 1_000
	DefaultStoreConcurrency = 4
	DefaultPullMessages     = 5_000
	DefaultPullBytes        = 16 << 20
	DefaultDrainTimeout     = 30 * time.Second
)

// What Options may be at most: beyond that a capture would be busy with itself, or times would overflow.
const (
	mostStoreConcurrency = 256
	mostMaxSealedBlocks  = 100_000
	mostMaxInFlight      = 1 << 30
	mostPullMessages     = 1_000_000
	mostMemoryLimit      = 1 << 50
	mostOpenTime         = 366 * 24 * time.Hour
	mostLedgerRetention  = 100 * mostOpenTime

	maxStreamName = 255 // bytes, of nats-server
)

// Options say what to capture, how to write it and where to put it. The zero value of each field is the default that
// its comment names; the fields without one must be set.
type Options[P Payload, K DestKey] struct {
	NATSStreamName   string // the stream to capture
	NATSConsumerName string // its durable pull consumer, with explicit acks; several captures may share it
	JetStreamDomain  string // the domain of the stream; default: the one of the connection
	CreateConsumer   bool   // create the consumer if it is not there, with settings that suit a capture

	// MessageDecoder turns a message into a payload and its destination key. It is called in the order of delivery by
	// one goroutine, and gets the message as the client has it: Metadata works. The capture is done with a payload when
	// the writer's Write has returned, so that a decoder may return the same one again if the writer is done with it, too;
	// otherwise it must not touch it again. It must not acknowledge. A message it returns an error for, or panics on, goes
	// to a dead-letter file.
	MessageDecoder func(msg *nats.Msg) (P, K, error)

	WriterFactory func() FormattedDataWriter[P] // makes the writer of each block

	// Store takes the finished blocks. For ExactlyOnce it must be a store.Locator and never overwrite.
	Store BlockStore[K]

	Suffix      string       // of file names, such as "parquet" or "csv", with or without a dot; default: what the writer says (format.Suffixer)
	Compression Compression  // of files; default: none, or what the options of a writer say that compresses inside, as Parquet does
	Layout      store.Layout // the folder of an interval below its destination key; default store.HiveLayout

	MaxAge      time.Duration // the interval: how much time a block spans; default DefaultMaxAge
	Grace       time.Duration // how long after its end an interval may still get messages; default DefaultGrace, 1 ns is none
	MaxMessages int           // seals a block of so many messages; default 0: no limit of its own
	MaxBytes    int64         // seals a block of so many encoded bytes; default 0: no limit of its own

	// MinMessages keeps a block open beyond its interval while it has fewer: it then takes the messages of the next
	// intervals, as long as these go to the same folder of Layout, and spans several. So a key of few messages makes few files
	// an hour, and not one each interval. It may be open for MaxLinger longer, and its messages are un-acknowledged for as
	// long, so AckWait must be longer too. Default 0: each block is of one interval.
	MinMessages int
	MaxLinger   time.Duration // default DefaultMaxLinger

	// MaxInFlight is how many un-acknowledged messages this capture holds at most: half of it in open blocks, then the
	// largest are sealed early. The consumer's MaxAckPending counts too, if it is less. Default DefaultMaxInFlight.
	MaxInFlight int

	// MemoryLimit is a budget in bytes for all that a capture has in memory. Blocks and the record of their messages (some ten bytes
	// for each, a hundred where their sequences are sparse) may have five eighths of it: before that the largest spill and are
	// sealed, and then pulling pauses until some are stored. The rest is for pulled messages and encoders, and such that a garbage
	// collector that is told the same limit is not busy all the time. Default DefaultMemoryLimit.
	MemoryLimit int64

	// MaxSealedBlocks is how many sealed blocks may wait for a store before pulling pauses; fewer while blocks get too old for
	// the ledger before their turn comes. Default DefaultMaxSealedBlocks.
	MaxSealedBlocks int

	BufferToDisk bool   // keep the encoded bytes of open blocks in temporary files, of half the process's descriptors, instead of memory
	TempDir      string // the folder for these; default os.TempDir()

	// StoreConcurrency is how many blocks are stored at a time. One that failed does not count while it waits to be tried again.
	// Default DefaultStoreConcurrency, at most 256.
	StoreConcurrency int

	DrainTimeout time.Duration // how long Run may go on storing after its context ended; default DefaultDrainTimeout

	// Delivery is what Run promises: AtLeastOnce, the default, or ExactlyOnce.
	Delivery Delivery

	// LedgerName is the JetStream stream in which ExactlyOnce remembers what is archived. All captures of a consumer must
	// use the same one, with the same Store: Run ends if the ledger is about the files of another store. Default
	// JC_<stream>_<consumer>. Run makes it, with the replicas of the captured stream. With one replica, a server that dies may lose
	// its latest entries: package ledger says what happens then.
	LedgerName string

	// LedgerSubject is what the ledger's subjects begin with when Run makes it, for accounts where others listen on the default, or
	// permissions ask for another. A random token of the ledger follows. Default JC_LEDGER.
	LedgerSubject string

	// LedgerMaxBytes is how much room the server keeps for the ledger, in bytes, when Run makes it. When it is used up nothing is
	// stored until some is forgotten, which the log says every 10 seconds. Default: no limit, or ledger.DefaultMaxBytes if the account
	// requires that streams have one.
	LedgerMaxBytes int64

	// LedgerRetention is how long the ledger remembers a block after the consumer's ack floor has passed it. A block that
	// holds a message sent to this capture longer ago than half of that is given up, and its messages are delivered again. So it
	// must be well above MaxAge (and MaxLinger, with MinMessages) and the time that storing takes, and is at least
	// LeastLedgerRetention.
	//
	// All captures of a ledger have the same: a capture that sets it sets it for all. Default: what the ledger has, raised
	// to twice the sum of MaxAge (and MaxLinger) and the consumer's AckWait, to LeastLedgerRetention, and to an hour at least.
	//
	// The time since a message was sent is the longest that several clocks give, among them the wall clock: blocks are given
	// up if that is set forward.
	LedgerRetention time.Duration

	// UntilCaughtUp lets Run return nil once the consumer has nothing pending and nothing un-acknowledged.
	UntilCaughtUp bool

	PullMessages int // how many messages are asked for at a time, twice; default DefaultPullMessages
	PullBytes    int // how many bytes of messages are asked for at a time, twice, up to MemoryLimit/16; default DefaultPullBytes

	// OnStoreComplete is called after every attempt to store a block, with its error if it failed and will be retried.
	// took is the time that the attempt took, and bytes the length of the file. It is called concurrently.
	OnStoreComplete func(destKey K, location string, bytes int64, took time.Duration, err error)

	Observer Observer    // called with what happens, for metrics
	Logger   *zap.Logger // default: the logger of SetDefaultLogger
}

// DefaultOptions returns options with their defaults filled in.
func DefaultOptions[P Payload, K DestKey]() *Options[P, K] {
	o := new(Options[P, K])
	o.setDefaults()
	return o
}

// Build returns a capture with these options: see New.
func (o *Options[P, K]) Build() *Capture[P, K] { return New(*o) }

// Validate fills in defaults and reports all problems at once. It asks WriterFactory for a writer, and Store where a block would go,
// without I/O. Run calls it.
func (o *Options[P, K]) Validate() error {
	o.setDefaults()
	var problems []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("options: "+format, args...))
		}
	}
	must(o.NATSStreamName != "", "NATSStreamName is empty: name the stream to capture")
	must(o.NATSConsumerName != "", "NATSConsumerName is empty: name a durable pull consumer of the stream")
	must(o.MessageDecoder != nil, "MessageDecoder is nil: set a func(*nats.Msg) (payload, destination key, error), such as NatsToNats(SubjectToDestKey)")
	must(o.WriterFactory != nil, "WriterFactory is nil: set a func that returns a new writer, such as one of package format")
	must(o.Store != nil, "Store is nil: set a BlockStore, such as store.Blocks[Key](store.NewDir(dir), nil), with the type of your destination keys for Key")
	if err := o.Compression.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("options: Compression: %w", err))
	}
	must(o.MaxAge >= time.Second, "MaxAge is %v: an interval is at least 1s", o.MaxAge)
	must(o.Grace >= 0, "Grace is %v: it cannot be negative", o.Grace)
	must(o.MaxMessages >= 0, "MaxMessages is %d: use 0 for no limit", o.MaxMessages)
	must(o.MaxBytes >= 0, "MaxBytes is %d: use 0 for no limit", o.MaxBytes)
	must(o.MinMessages >= 0, "MinMessages is %d: use 0 to end each block with its interval", o.MinMessages)
	must(o.MaxLinger >= 0, "MaxLinger is %v: it cannot be negative", o.MaxLinger)
	must(o.MaxInFlight > 0, "MaxInFlight is %d: it must be positive", o.MaxInFlight)
	must(o.MemoryLimit >= 16<<20, "MemoryLimit is %d bytes: it must be at least 16 MiB", o.MemoryLimit)
	must(o.MaxSealedBlocks > 0, "MaxSealedBlocks is %d: it must be positive", o.MaxSealedBlocks)
	must(o.StoreConcurrency > 0, "StoreConcurrency is %d: it must be positive", o.StoreConcurrency)
	mustNotExceed(must, "StoreConcurrency", o.StoreConcurrency, mostStoreConcurrency)
	mustNotExceed(must, "MaxSealedBlocks", o.MaxSealedBlocks, mostMaxSealedBlocks)
	mustNotExceed(must, "MaxInFlight", o.MaxInFlight, mostMaxInFlight)
	mustNotExceed(must, "PullMessages", o.PullMessages, mostPullMessages)
	mustNotExceed(must, "MemoryLimit", o.MemoryLimit, mostMemoryLimit)
	mustNotExceed(must, "MaxAge", o.MaxAge, mostOpenTime)
	mustNotExceed(must, "MaxLinger", o.MaxLinger, mostOpenTime)
	mustNotExceed(must, "Grace", o.Grace, mostOpenTime)
	mustNotExceed(must, "LedgerRetention", o.LedgerRetention, mostLedgerRetention)
	must(o.DrainTimeout > 0, "DrainTimeout is %v: it must be positive", o.DrainTimeout)
	must(o.PullMessages > 0, "PullMessages is %d: it must be positive", o.PullMessages)
	must(o.Delivery == AtLeastOnce || o.Delivery == ExactlyOnce, "Delivery is %q: use AtLeastOnce or ExactlyOnce", o.Delivery)
	must(o.LedgerRetention == 0 || o.LedgerRetention >= o.LeastLedgerRetention(),
		"LedgerRetention is %v: it must be at least %v, 4 times what a block may stay open with Grace and a second", o.LedgerRetention, o.LeastLedgerRetention())
	must(isSubject(o.LedgerSubject), "LedgerSubject is %q: write words with dots between them, without spaces and wildcards", o.LedgerSubject)
	must(o.LedgerMaxBytes >= 0, "LedgerMaxBytes is %d: use 0 for no limit", o.LedgerMaxBytes)
	if o.Delivery == ExactlyOnce {
		name := ledgerName(o)
		must(len(name) <= maxStreamName, "LedgerName is %d bytes long, and the name of a stream has %d at most: set a shorter one (default JC_<stream>_<consumer>)",
			len(name), maxStreamName)
		must(!strings.ContainsAny(name, " .*>/\\\t\r\n"), "LedgerName is %q: the name of a stream has no blanks and none of . * > / \\", name)
	}
	must(o.PullBytes > 0, "PullBytes is %d: it must be positive", o.PullBytes)
	if o.BufferToDisk {
		info, err := os.Stat(o.TempDir)
		must(err == nil && info.IsDir(), "TempDir %q is not a folder: create it, or set another", o.TempDir)
	}
	problems = append(problems, o.checkFiles())
	return errors.Join(problems...)
}

func mustNotExceed[T int | int64 | time.Duration](must func(bool, string, ...any), field string, value, most T) {
	must(value <= most, field+" is %v: it must be at most %v", value, most)
}

func (o *Options[P, K]) setDefaults() {
	defaultTo(&o.Delivery, AtLeastOnce)
	defaultTo(&o.MaxAge, DefaultMaxAge)
	defaultTo(&o.Grace, DefaultGrace)
	defaultTo(&o.MaxLinger, DefaultMaxLinger)
	defaultTo(&o.MaxInFlight, DefaultMaxInFlight)
	defaultTo(&o.MemoryLimit, DefaultMemoryLimit)
	defaultTo(&o.MaxSealedBlocks, DefaultMaxSealedBlocks)
	defaultTo(&o.TempDir, os.TempDir())
	defaultTo(&o.StoreConcurrency, DefaultStoreConcurrency)
	defaultTo(&o.DrainTimeout, DefaultDrainTimeout)
	defaultTo(&o.PullMessages, DefaultPullMessages)
	defaultTo(&o.PullBytes, DefaultPullBytes)
	defaultTo(&o.LedgerSubject, ledger.DefaultSubject)
	if o.Layout == nil {
		o.Layout = store.HiveLayout
	}
	if o.Logger == nil {
		o.Logger = defaultLogger.Load()
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// isSubject reports whether something can be published on a subject.
func isSubject(s string) bool {
	return !strings.ContainsAny(s, "*> \t\r\n") && !slices.Contains(strings.Split(s, "."), "")
}

func (o *Options[P, K]) sealLimits() sealLimits {
	return sealLimits{
		interval: o.MaxAge, grace: o.Grace, maxMessages: o.MaxMessages, maxBytes: o.MaxBytes,
		minMessages: o.MinMessages, maxLinger: o.MaxLinger,
	}
}

// LeastLedgerRetention returns the shortest LedgerRetention with which blocks can be stored: half of it is their age at most, of which
// they may be open for half. The other is for storing.
func (o *Options[P, K]) LeastLedgerRetention() time.Duration {
	return leastRetention(o.openTime(), o.Grace)
}

// openTime is how long a block may stay open, but for Grace and idleAfter.
func (o *Options[P, K]) openTime() time.Duration {
	if o.MinMessages > 0 {
		return o.MaxAge + o.MaxLinger
	}
	return o.MaxAge
}
