package jetcapture

import "time"

// A PauseCause says why pulling pauses.
type PauseCause string

// The causes of pauses.
const (
	PauseInFlight     PauseCause = "in-flight"     // the capture holds as many un-acknowledged messages as it may
	PauseMemory       PauseCause = "memory"        // its share of Options.MemoryLimit is used up
	PauseSealedBlocks PauseCause = "sealed-blocks" // Options.MaxSealedBlocks wait for the store
	PauseSpool        PauseCause = "spool"         // blocks cannot be written, as on a full disk
)

// A SealReason says why a block was sealed.
type SealReason string

// The reasons to seal a block.
const (
	SealInterval    SealReason = "interval"     // its interval has ended by the time of later messages
	SealIdle        SealReason = "idle"         // its interval has ended by the clock, and no message comes
	SealAge         SealReason = "age"          // it has been open for as long as an interval lasts
	SealMaxMessages SealReason = "max-messages" // Options.MaxMessages
	SealMaxBytes    SealReason = "max-bytes"    // Options.MaxBytes
	SealInFlight    SealReason = "in-flight"    // too many un-acknowledged messages are held
	SealMemory      SealReason = "memory"       // Options.MemoryLimit
	SealCaughtUp    SealReason = "caught-up"    // Options.UntilCaughtUp, and nothing is pending
	SealFork        SealReason = "fork"         // the stream lost messages and used their sequences again
	SealSuspect     SealReason = "suspect"      // writers of blocks with its messages failed: it is kept small
	SealShutdown    SealReason = "shutdown"     // Run is ending
)

// A Fork says that a stream has lost messages from its end, and gives their sequences to new ones: its server died before it had
// written them to disk, or an older copy of its files was put back. Lost messages that a capture holds are stored, and are not
// acknowledged.
type Fork struct {
	Seq uint64    // the first sequence known to be of another message; those before it may be too
	Old time.Time // the time of the message that had this sequence; zero if it is not known
	New time.Time // the time of the message that has it now; zero if there is none yet, or it is not known
}

// An Observer is told what happens in a capture: every count and duration an operator needs, with no metrics library.
// Any of its functions may be nil. They must return quickly.
//
// One goroutine calls most of them, one after the other. The exceptions: BlockStored, StoreFailed and BlockAcked are called by the
// goroutines that store blocks, concurrently, and LedgerSampled by another goroutine.
type Observer struct {
	Pulled       func(messages int, bytes int64)         // messages came in; those delivered again are counted again
	Repeated     func(held, stored int)                  // of these, held by this capture or another; in a file before, so acknowledged and not stored again
	DeadLettered func(subject string, err error)         // its headers could not be read, or it could not be decoded or written
	PullReset    func(cause error)                       // pulling starts again, after a restart or reconnect
	StreamForked func(Fork)                              // the stream lost messages and used their sequences again
	Paused       func(cause PauseCause)                  // pulling pauses
	Resumed      func(cause PauseCause, d time.Duration) // pulling continues, or pauses for another cause, after d

	BlockOpened    func(Block)
	BlockSealed    func(Block, SealReason)
	BlockStored    func(b Block, duration time.Duration)                     // the file is durable; duration of the last attempt
	StoreFailed    func(b Block, attempt int, err error, next time.Duration) // and is tried again after next
	BlockAcked     func(b Block, duration time.Duration)                     // the server has confirmed the acks of what it still has
	BlockAbandoned func(b Block, err error)                                  // its messages will be delivered again

	Sampled       func(Stats)       // once a second
	LedgerSampled func(LedgerStats) // every few seconds, with ExactlyOnce
}

// A Block describes a block to an Observer.
type Block struct {
	ID         string
	DestKey    any  // of the capture's type K
	DeadLetter bool // a block of dead letters; DestKey is zero
	Start      time.Time
	End        time.Time // Start and End of its interval
	FirstSeq   uint64
	LastSeq    uint64
	Messages   int
	Rows       int
	Bytes      int64         // of the file, once it is sealed
	Location   string        // once it is stored
	Open       time.Duration // how long it was open, once it is sealed
}

// Stats are a capture's gauges at one moment.
type Stats struct {
	OpenBlocks    int
	SealedBlocks  int           // waiting for the committer, or being stored
	OpenMessages  int           // in open blocks
	HeldMessages  int           // in open or sealed blocks: not yet acknowledged
	Memory        int64         // bytes that count against Options.MemoryLimit
	Outstanding   int           // messages asked for that have not come yet
	Pending       uint64        // messages in the stream that the consumer has not delivered, at the latest message
	StreamTime    time.Time     // the latest time of any message
	Lag           time.Duration // how old the latest message was when it came in: from the server's timestamp to the arrival here
	HeldSince     time.Time     // when the oldest open block was opened; zero without one
	Reconnections uint64        // of the connection, since Run began

	// StoredNotAcked counts messages since Run began that were stored and could not be acknowledged, because the stream has lost
	// them: the files are their only copy.
	StoredNotAcked uint64

	// AlreadyStored counts messages since Run began that were delivered although a file has them: they were acknowledged and not stored
	// again. Only ExactlyOnce knows of them.
	AlreadyStored uint64

	// AckedElsewhere counts messages since Run began that another client acknowledged while this capture held them, as far as it
	// has noticed. They are stored all the same.
	AckedElsewhere uint64
}

// LedgerStats are the gauges of the ledger that ExactlyOnce keeps.
type LedgerStats struct {
	Claims  int           // blocks that it remembers
	Open    int           // of these, claimed and neither stored nor aborted
	Entries uint64        // read by this capture, its own among them
	Bytes   uint64        // of these entries
	Skipped uint64        // messages in the ledger that are no entries, or need not be understood
	Rewinds uint64        // how often the ledger was found to have lost its end
	Retries uint64        // appends that it did not take, or did not say so, and that were tried again
	Forks   int           // how often the stream lost its end and gave sequences to other messages
	Memory  uint64        // bytes of sequences held in memory
	Start   time.Duration // how long reading lasted when the capture began
}
