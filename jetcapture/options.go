package jetcapture

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/jetcapture/lake/format"
	"github.com/jetcapture/lake/jetcapture/internal/guard"
	"github.com/jetcapture/lake/jetcapture/internal/ledger"
	"github.com/jetcapture/lake/jetcapture/internal/preflight"
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

// The upper limits of Options: beyond them a capture would be busy with itself, or times would overflow.
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

// A Delivery says how often a capture stores each message.
type Delivery string

const (
	// AtLeastOnce stores every message, and some twice after a crash. It needs nothing but the consumer.
	AtLeastOnce Delivery = "at-least-once"

	// ExactlyOnce stores every message in exactly one file, whatever crashes, stalls or is delivered again, with any
	// number of captures on the consumer. It needs a Store that is a store.Locator and never overwrites, such as the stores of package
	// store, and a WriterFactory whose writers make a valid file of no rows. It makes a stream of its own, the ledger. A crash may
	// leave files without rows for about LedgerRetention, under the names of blocks that the capture had claimed.
	ExactlyOnce Delivery = "exactly-once"
)

// Options say what to capture, how to write it and where to put it. The zero value of each field is the default that
// its comment names; the fields without one must be set.
type Options[P Payload, K DestKey] struct {
	NATSStreamName   string // the stream to capture
	NATSConsumerName string // its durable pull consumer, with explicit acks; several captures may share it
	JetStreamDomain  string // the domain of the stream; default: the domain of the connection
	CreateConsumer   bool   // create the consumer if it does not exist, with the settings that a capture needs

	// MessageDecoder turns a message into a payload and its destination key. One goroutine calls it, in the order of delivery, with
	// the message as the client has it: Metadata works. It must not acknowledge the message. The capture is done with a payload when
	// the writer's Write has returned. If the writer is done with it then, too, the decoder may return the same payload again;
	// otherwise it must not touch it again. A message for which it returns an error, or panics, goes to a dead-letter file.
	MessageDecoder func(msg *nats.Msg) (P, K, error)

	WriterFactory func() FormattedDataWriter[P] // makes the writer of each block

	// Store takes the finished blocks. For ExactlyOnce it must be a store.Locator and never overwrite.
	Store BlockStore[K]

	Suffix      string       // of file names, such as "parquet" or "csv", with or without a dot; default: the writer's (format.Suffixer)
	Compression Compression  // of files; default: none, or the one of the writer's options if it compresses inside, as Parquet does
	Layout      store.Layout // the folder of an interval below its destination key; default store.HiveLayout

	MaxAge      time.Duration // the interval: how much time a block spans; default DefaultMaxAge
	Grace       time.Duration // accept late messages for so long after an interval ends; default DefaultGrace, 1 ns is none
	MaxMessages int           // seal a block that has so many messages; default 0: no limit of its own
	MaxBytes    int64         // seal a block that has so many encoded bytes; default 0: no limit of its own

	// MinMessages keeps a block open beyond its interval while it has fewer messages. Such a block takes the messages of the next
	// intervals too, as long as Layout puts them into the same folder, so that a destination key with few messages makes a few files
	// an hour and not one each interval. It may be open for MaxLinger longer, and its messages stay un-acknowledged for as long: AckWait
	// must be longer, too. Default 0: each block is of one interval.
	MinMessages int
	MaxLinger   time.Duration // default DefaultMaxLinger

	// MaxInFlight is the most messages that this capture holds un-acknowledged. When open blocks have half of them, the largest
	// blocks are sealed early; when blocks of all kinds have all of them, pulling pauses. If the consumer's MaxAckPending is less, it
	// takes the place of MaxInFlight. Default DefaultMaxInFlight.
	MaxInFlight int

	// MemoryLimit is the memory of a capture in bytes. Blocks and the records of their messages (about 10 bytes each, 100 where
	// their sequences are sparse) may use five eighths of it. Before they reach that, the largest blocks move to temporary files or are
	// sealed; when they reach it, pulling pauses until some are stored. The rest is for pulled messages, for encoders, and for room
	// that a garbage collector with the same limit (debug.SetMemoryLimit) needs. Default DefaultMemoryLimit, at least 16 MiB.
	MemoryLimit int64

	// MaxSealedBlocks is how many sealed blocks may wait for a store before pulling pauses. It is fewer while blocks become too old
	// for the ledger before their turn comes. Default DefaultMaxSealedBlocks.
	MaxSealedBlocks int

	BufferToDisk bool   // keep encoded bytes of open blocks in temporary files, at most half of the process's descriptors, and not in memory
	TempDir      string // the folder for temporary files; default os.TempDir()

	// StoreConcurrency is how many blocks are stored at a time. A failed block does not count while it waits for its next try.
	// Default DefaultStoreConcurrency, at most 256.
	StoreConcurrency int

	DrainTimeout time.Duration // how long Run may continue to store after its context ended; default DefaultDrainTimeout

	// Delivery is the delivery guarantee: AtLeastOnce, the default, or ExactlyOnce.
	Delivery Delivery

	// LedgerName is the JetStream stream in which ExactlyOnce remembers which messages are archived. All captures of a consumer must
	// use the same one, with the same Store: Run ends if the ledger is about the files of another store. Default
	// JC_<stream>_<consumer>. Run makes it, with the replicas of the captured stream. With one replica, a server that dies may lose
	// its latest entries: package ledger says what happens then.
	LedgerName string

	// LedgerSubject is the beginning of the ledger's subjects when Run makes it, for accounts where others listen on the default, or
	// permissions require another. A random token of the ledger follows. Default JC_LEDGER.
	LedgerSubject string

	// LedgerMaxBytes is how much room the server keeps for the ledger, in bytes, when Run makes it. When it is used up, nothing is
	// stored until the ledger forgets some blocks, and the log says so every 10 seconds. Default: no limit, or ledger.DefaultMaxBytes
	// if the account requires that streams have one.
	LedgerMaxBytes int64

	// LedgerRetention is how long the ledger remembers a block after the consumer's ack floor has passed it. It also bounds the age
	// of blocks: a block is given up, and its messages are delivered again, when it holds a message that was sent to this capture
	// more than half of LedgerRetention ago. So LedgerRetention must be well above MaxAge (with MinMessages, MaxAge and MaxLinger)
	// plus the time that storing takes. LeastLedgerRetention returns the minimum.
	//
	// All captures of a ledger share the value: a capture that sets it sets it for all. Default: the ledger's value, or a larger one
	// if that is below twice the sum of MaxAge (and MaxLinger) and the consumer's AckWait, below LeastLedgerRetention, or below an
	// hour.
	//
	// The age of a message is the longest that several clocks give, among them the wall clock. If the wall clock is set forward,
	// blocks are given up.
	LedgerRetention time.Duration

	// UntilCaughtUp lets Run return nil once the consumer has nothing pending and nothing un-acknowledged.
	UntilCaughtUp bool

	// PullMessages is how many messages one pull request asks for. Two requests are under way at a time, so that the server never
	// waits for the next one. Default DefaultPullMessages.
	PullMessages int

	// PullBytes is how many bytes of messages one pull request asks for, of the two under way. No request asks for more than a
	// sixteenth of MemoryLimit, except for a single message that is larger. Default DefaultPullBytes.
	PullBytes int

	// OnStoreComplete is called after every attempt to store a block, with its error if it failed and will be retried.
	// duration is how long the attempt lasted, and bytes the length of the file. It is called concurrently.
	OnStoreComplete func(destKey K, location string, bytes int64, duration time.Duration, err error)

	Observer Observer // called for each event, for metrics

	// Logger or Slog takes the log; set at most one. Default: the logger of SetDefaultLogger, and without that, warnings and errors
	// go to standard error.
	Logger *zap.Logger
	Slog   *slog.Logger
}

// DefaultOptions returns options with the defaults filled in that do not depend on other options: all but Suffix and Logger.
func DefaultOptions[P Payload, K DestKey]() *Options[P, K] {
	o := new(Options[P, K])
	o.setConstants()
	return o
}

// WithDefaults returns a copy of the options with all defaults filled in. It asks WriterFactory for a writer if there is no Suffix. If
// Slog is set and Logger is not, the copy has a Logger that writes to Slog.
func (o *Options[P, K]) WithDefaults() *Options[P, K] {
	full := *o
	full.setConstants()
	if full.Suffix == "" && full.WriterFactory != nil {
		_ = guard.Call("WriterFactory", func() error {
			full.Suffix = format.Suffix(full.WriterFactory())
			return nil
		})
	}
	if full.Logger == nil {
		full.Logger, full.Slog = loggerFor(full.Slog), nil
	}
	return &full
}

// Validate reports all problems at once, and changes nothing. It asks WriterFactory for a writer, and Store where a block would go,
// without I/O. Run calls it.
func (o *Options[P, K]) Validate() error { return o.WithDefaults().validate() }

// validate is Validate of options that have their defaults.
func (o *Options[P, K]) validate() error {
	var problems []error
	must := func(ok bool, text string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("Options."+text, args...))
		}
	}
	must(o.NATSStreamName != "", "NATSStreamName is empty: name the stream to capture")
	must(o.NATSConsumerName != "", "NATSConsumerName is empty: name a durable pull consumer of the stream")
	must(o.MessageDecoder != nil, "MessageDecoder is nil: set a func(*nats.Msg) (payload, destination key, error), such as NatsToNats(SubjectToDestKey)")
	must(o.WriterFactory != nil, "WriterFactory is nil: set a func that returns a new writer, such as one of package format")
	must(o.Store != nil, "Store is nil: set a BlockStore, such as store.Blocks[Key](store.NewDir(dir), nil), with the type of your destination keys for Key")
	if err := o.Compression.Validate(); err != nil {
		problems = append(problems, fmt.Errorf("Options.Compression: %w", err))
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
		name := o.plan().Ledger()
		must(len(name) <= maxStreamName, "LedgerName is %d bytes long, and the name of a stream has %d at most: set a shorter one (default JC_<stream>_<consumer>)",
			len(name), maxStreamName)
		must(!strings.ContainsAny(name, " .*>/\\\t\r\n"), "LedgerName is %q: the name of a stream has no blanks and none of . * > / \\", name)
	}
	must(o.PullBytes > 0, "PullBytes is %d: it must be positive", o.PullBytes)
	if o.BufferToDisk {
		info, err := os.Stat(o.TempDir)
		must(err == nil && info.IsDir(), "TempDir %q is not a folder: create it, or name another", o.TempDir)
	}
	must(o.Logger == nil || o.Slog == nil, "Logger and Slog are both set: leave one out")
	problems = append(problems, o.checkFiles())
	return errors.Join(problems...)
}

func mustNotExceed[T int | int64 | time.Duration](must func(bool, string, ...any), field string, value, most T) {
	must(value <= most, field+" is %v: it must be at most %v", value, most)
}

// setConstants fills in the defaults that do not depend on other options.
func (o *Options[P, K]) setConstants() {
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

// LeastLedgerRetention returns the shortest LedgerRetention with which blocks can be stored. A block may be at most half as old, and may
// be open for half of that; the other half is for storing.
func (o *Options[P, K]) LeastLedgerRetention() time.Duration {
	full := *o
	full.setConstants()
	return leastRetention(full.openTime(), full.Grace)
}

// openTime is how long a block may stay open, without Grace and idleAfter.
func (o *Options[P, K]) openTime() time.Duration {
	if o.MinMessages > 0 {
		return o.MaxAge + o.MaxLinger
	}
	return o.MaxAge
}

// idleAfter is the silence after which the wall clock, rather than the time of messages, says what has ended. It must
// be longer than the gaps of a capture that works off a backlog, whose blocks have all ended by the wall clock.
const idleAfter = time.Second

// leastRetention is Options.LeastLedgerRetention.
func leastRetention(open, grace time.Duration) time.Duration { return 4 * (open + grace + idleAfter) }

// ledgerRetention returns how long the ledger is to remember blocks.
func ledgerRetention(set, open, grace, ackWait time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	return max(ledger.MinRetention, 2*(open+ackWait), leastRetention(open, grace))
}

// checkFiles reports destination keys and columns that do not fit the
// store's folders. It calls functions of the user, and skips checks for which they fail.
func (o *Options[P, K]) checkFiles() error {
	var columns []string
	if o.WriterFactory != nil {
		_ = guard.Call("WriterFactory", func() error {
			columns = format.Columns(o.WriterFactory())
			return nil
		})
	}
	if o.Store == nil || len(columns) == 0 {
		return preflight.DestKey(o.Store)
	}
	var all, ofLayout []string
	_ = guard.Call("the store", func() error {
		dir := o.Layout(time.Unix(0, 0).UTC())
		ofLayout = store.FolderNames[K](nil, dir)
		all = store.FolderNames(o.Store, dir)
		return nil
	})
	return errors.Join(preflight.DestKey(o.Store), preflight.Folders(columns, all, ofLayout))
}

// checkFactory makes one writer and throws it away, so that a factory that cannot work ends Run before it pulls.
func checkFactory[P Payload](factory func() format.Writer[P], compression format.Codec) error {
	return guard.Call("Options.WriterFactory", func() error {
		w := factory()
		if w == nil {
			return errors.New("Options.WriterFactory returned nil: it must return a new writer each time")
		}
		if c, ok := format.As[format.SelfCompressor](w); ok {
			if err := c.SetCompression(compression); err != nil {
				return fmt.Errorf("Options.Compression %q: %w", compression, err)
			}
		} else if _, err := format.Compress(io.Discard, compression); err != nil {
			return fmt.Errorf("Options.Compression %q: %w", compression, err)
		}
		if err := w.InitNew(io.Discard); err != nil {
			return fmt.Errorf("Options.WriterFactory: its writer cannot start: %w", err)
		}
		return nil
	})
}
